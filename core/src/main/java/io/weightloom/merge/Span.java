package io.weightloom.merge;

import java.io.Serializable;
import java.util.Comparator;

/**
 * A run of consecutive elements of one tensor of a scope.
 *
 * <p>Spans are cut at multiples of {@link #GRAIN}, so that what is summed or digested by grain does
 * not depend on how a tensor was cut.
 *
 * @param tensor index of the tensor in its scope
 * @param first flat index of the first element, a multiple of {@link #GRAIN}
 * @param count number of elements; a multiple of {@link #GRAIN} unless the tensor ends with it
 */
public record Span(int tensor, long first, long count) implements Serializable, Comparable<Span> {

  /** Elements of a grain, the unit of every ordered reduction. */
  public static final int GRAIN = 1 << 20;

  private static final Comparator<Span> ORDER =
      Comparator.comparingInt(Span::tensor).thenComparingLong(Span::first);

  public Span {
    if (first % GRAIN != 0 || count < 0) {
      throw new IllegalArgumentException("span at " + first + " of " + count + " elements");
    }
  }

  @Override
  public int compareTo(Span other) {
    return ORDER.compare(this, other);
  }
}
