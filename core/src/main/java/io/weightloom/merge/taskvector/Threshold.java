package io.weightloom.merge.taskvector;

import io.weightloom.merge.MergeState.Part;
import io.weightloom.merge.Span;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;

/**
 * The exact k-th largest magnitude of one model's task vector, on its way or found. A radix select:
 * each read counts 16 more bits of the magnitude keys among the elements that share the bits known
 * so far, so that the answer is exact for any size and any cut into spans.
 *
 * @param rank how many elements of the still open bin are kept; 1 is the largest
 * @param shift position of the lowest bit known; keys have no bits below {@code floor}
 * @param floor position of the lowest bit that can be set
 * @param prefix the bits known so far, {@code key >>> shift}
 * @param ties of the elements in the bin: how many lie in each span; empty while not needed
 * @param found whether the threshold stands
 */
record Threshold(long rank, int shift, int floor, long prefix, SpanTies ties, boolean found)
    implements Serializable {

  private static final long serialVersionUID = 1;

  /**
   * How many elements equal to the threshold lie in each span.
   *
   * @param spans in order
   * @param counts one a span
   */
  record SpanTies(Span[] spans, long[] counts) implements Serializable {
    static final SpanTies NONE = new SpanTies(new Span[0], new long[0]);

    long before(Span span) {
      long before = 0;
      for (int i = 0; i < spans.length && spans[i].compareTo(span) < 0; i++) {
        before += counts[i];
      }
      return before;
    }

    long in(Span span) {
      int at = Arrays.binarySearch(spans, span);
      if (at < 0) {
        throw new IllegalStateException(span + " was not surveyed");
      }
      return counts[at];
    }
  }

  /** Nothing known; keys have {@code bits} bits of which those below {@code floor} are zero. */
  static Threshold open(long rank, int bits, int floor) {
    return new Threshold(rank, bits, floor, 0, SpanTies.NONE, false);
  }

  /** Position of the 16 bits that the next read counts. */
  int nextShift() {
    return shift == 31 || shift == 63 ? shift - 15 : shift - 16;
  }

  /** The most reads until it is found. */
  int reads() {
    return (shift - floor + 15) / 16;
  }

  /** Narrows by the counts of a read, given by span in order. */
  Threshold narrowed(List<Part> parts, java.util.function.Function<Part, SparseCounts> counts) {
    long[] total = new long[1 << 16];
    parts.forEach(p -> counts.apply(p).addTo(total));
    int bin = total.length - 1;
    long open = rank;
    while (total[bin] < open) {
      open -= total[bin--];
    }
    boolean whole = total[bin] == open;
    int next = nextShift();
    boolean done = next == floor;
    return new Threshold(
        open,
        next,
        floor,
        prefix << 16 | bin,
        done && !whole ? ties(parts, counts, bin) : SpanTies.NONE,
        done);
  }

  private static SpanTies ties(
      List<Part> parts, java.util.function.Function<Part, SparseCounts> counts, int bin) {
    return new SpanTies(
        parts.stream().map(Part::span).toArray(Span[]::new),
        parts.stream().mapToLong(p -> counts.apply(p).count(bin)).toArray());
  }

  /** The threshold: the magnitude of the element of this rank once found, a bound until then. */
  double magnitude(boolean isDouble) {
    long key = prefix << shift;
    return isDouble ? Double.longBitsToDouble(key) : Float.intBitsToFloat((int) key);
  }

  /** Whether exactly the elements not below the threshold are to be kept. */
  boolean isExact() {
    return ties.spans().length == 0;
  }

  /** Of the elements of a span that equal the threshold, how many to keep: the first ones. */
  long quota(Span span) {
    return Math.max(0, Math.min(ties.in(span), rank - ties.before(span)));
  }
}
