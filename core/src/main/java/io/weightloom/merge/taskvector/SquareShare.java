package io.weightloom.merge.taskvector;

import io.weightloom.kernel.SparseCounts;
import io.weightloom.merge.Arith;
import io.weightloom.merge.MergeState.Part;
import io.weightloom.merge.Span;
import io.weightloom.merge.taskvector.Threshold.Guess;
import io.weightloom.merge.taskvector.Threshold.SpanTies;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * The smallest magnitude among the fewest of the largest elements whose squares make up a share of
 * all squares; on its way or found. A radix select as {@link Threshold} is one, but each bin holds
 * a sum of squares: read by read 16 more bits of the magnitude are told apart among the elements
 * that share the bits known so far. Sums are taken grain by grain, so that they are the same for
 * any cut into spans.
 *
 * @param share of the squares
 * @param isDouble whether magnitudes are those of fp64 values
 * @param shift position of the lowest bit known
 * @param prefix the bits known so far
 * @param above squares of what is larger than all that share the prefix
 * @param target squares that are to be kept; negative while unknown
 * @param open whether it is still on its way
 * @param threshold what was found, or a threshold that keeps all
 */
record SquareShare(
    double share,
    boolean isDouble,
    int shift,
    long prefix,
    double above,
    double target,
    boolean open,
    Threshold threshold)
    implements Serializable {

  private static final long serialVersionUID = 1;
  private static final int BINS = 1 << 16;

  /**
   * What a read found in a span.
   *
   * @param bins of each grain those that are not empty, ascending
   * @param sums of squares, one a bin
   * @param counts elements by bin over the span
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Found(char[][] bins, double[][] sums, SparseCounts counts) implements Serializable {}

  /** Nothing read yet; a share of 1 keeps all. */
  static SquareShare open(double share, boolean isDouble) {
    int bits = isDouble ? 63 : Threshold.KEY_BITS;
    return new SquareShare(share, isDouble, bits, 0, 0, -1, share < 1, keepsAll());
  }

  private static Threshold keepsAll() {
    return found(1, 0, SpanTies.NONE);
  }

  private static Threshold found(long rank, long key, SpanTies ties) {
    return new Threshold(rank, 0, 0, key, ties, true, Guess.NONE, -1);
  }

  /** The most reads until it is found. */
  int reads() {
    return open ? (shift + 15) / 16 : 0;
  }

  private int nextShift() {
    return shift == 31 || shift == 63 ? shift - 15 : shift - 16;
  }

  <V> Counter<V> counter(Arith<V> arith, Span span) {
    return new Counter<>(this, arith, span);
  }

  SquareShare narrowed(List<Part> parts, Function<Part, Found> of) {
    double[] sums = new double[BINS];
    for (Part part : parts) {
      Found found = of.apply(part);
      for (int g = 0; g < found.bins().length; g++) {
        for (int i = 0; i < found.bins()[g].length; i++) {
          sums[found.bins()[g][i]] += found.sums()[g][i];
        }
      }
    }
    double wanted = target < 0 ? share * Arrays.stream(sums).sum() : target;
    int bin = BINS - 1;
    int lowest = 0;
    while (lowest < bin && sums[lowest] == 0) {
      lowest++;
    }
    double over = above;
    while (bin > lowest && over + sums[bin] < wanted) {
      over += sums[bin--];
    }
    if (sums[bin] == 0) {
      return new SquareShare(share, isDouble, 0, 0, 0, 0, false, keepsAll());
    }
    long bits = prefix << 16 | bin;
    int next = nextShift();
    return next > 0
        ? new SquareShare(share, isDouble, next, bits, over, wanted, true, threshold)
        : new SquareShare(
            share,
            isDouble,
            0,
            bits,
            over,
            wanted,
            false,
            last(parts, of, bin, bits, over, wanted));
  }

  /** All that are left are of one magnitude: so many of them as are needed. */
  private Threshold last(
      List<Part> parts, Function<Part, Found> of, int bin, long key, double over, double wanted) {
    double size = isDouble ? Double.longBitsToDouble(key) : Float.intBitsToFloat((int) key);
    long count = parts.stream().mapToLong(p -> of.apply(p).counts().count(bin)).sum();
    long kept = Math.max(1, Math.min(count, (long) Math.ceil((wanted - over) / (size * size))));
    SpanTies ties =
        kept == count
            ? SpanTies.NONE
            : new SpanTies(
                parts.stream().map(Part::span).toArray(Span[]::new),
                parts.stream().mapToLong(p -> of.apply(p).counts().count(bin)).toArray());
    return found(kept, key, ties);
  }

  /**
   * Sums the squares of a span by bin. For one thread.
   *
   * @param <V> the work vector
   */
  static final class Counter<V> {
    private final boolean isDouble;
    private final int next;
    private final long prefix;
    private final Arith<V> arith;
    private final Span span;
    private final double[] values = new double[Arith.CAPACITY];
    private final double[] sums = new double[BINS];
    private final int[] counts = new int[BINS];
    private final char[][] bins;
    private final double[][] sparse;
    private int grain;

    private Counter(SquareShare share, Arith<V> arith, Span span) {
      this.isDouble = share.isDouble();
      this.next = share.nextShift();
      this.prefix = share.prefix();
      this.arith = arith;
      this.span = span;
      int grains = (int) ((span.count() + Span.GRAIN - 1) / Span.GRAIN);
      this.bins = new char[grains][0];
      this.sparse = new double[grains][0];
    }

    /** Counts {@code n} elements from this flat index on. */
    void count(V x, long first, int n) {
      int wanted = (int) ((first - span.first()) / Span.GRAIN);
      if (wanted != grain) {
        close();
        grain = wanted;
      }
      arith.widen(x, values, 0, n);
      for (int i = 0; i < n; i++) {
        long key =
            isDouble
                ? Double.doubleToRawLongBits(values[i]) & Long.MAX_VALUE
                : Float.floatToRawIntBits((float) values[i]) & Integer.MAX_VALUE;
        // A shift by all 64 bits would be none.
        if (key != 0 && key >>> next >>> 16 == prefix) {
          int bin = (int) (key >>> next) & (BINS - 1);
          sums[bin] += values[i] * values[i];
          counts[bin]++;
        }
      }
    }

    private void close() {
      int used = 0;
      for (double sum : sums) {
        used += sum != 0 ? 1 : 0;
      }
      bins[grain] = new char[used];
      sparse[grain] = new double[used];
      int at = 0;
      for (int bin = 0; bin < BINS; bin++) {
        if (sums[bin] != 0) {
          bins[grain][at] = (char) bin;
          sparse[grain][at++] = sums[bin];
        }
      }
      Arrays.fill(sums, 0);
    }

    Found found() {
      if (bins.length > 0) {
        close();
      }
      return new Found(bins, sparse, SparseCounts.of(counts));
    }
  }
}
