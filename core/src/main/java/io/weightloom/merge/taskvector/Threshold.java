package io.weightloom.merge.taskvector;

import io.weightloom.kernel.SparseCounts;
import io.weightloom.merge.MergeState.Part;
import io.weightloom.merge.Span;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

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
 * @param guess whether the upper bits are a guess
 * @param pile the lower 16 bits, if they are guessed as well; else −1
 */
record Threshold(
    long rank,
    int shift,
    int floor,
    long prefix,
    SpanTies ties,
    boolean found,
    Guess guess,
    int pile)
    implements Serializable {

  private static final long serialVersionUID = 1;

  /** Bits of an fp32 magnitude key. */
  static final int KEY_BITS = 31;

  private static final int NO_PILE = -1;

  /** A pile is guessed if the rank lies this share of the sample inside of it, on both sides. */
  private static final double MARGIN = 1.0 / 512;

  /**
   * Whether bits are guessed from a sample, so that one full read is enough: it counts how many
   * elements lie above the guess and within it, and thereby proves the guess or refutes it. A
   * refuted guess costs that read and nothing else.
   */
  enum Guess {
    /** A sample is to tell the upper bits. */
    WANTED,
    /** The upper bits are guessed; a sample is to tell whether one value has the rank by far. */
    REFINED,
    /** To be proved. */
    MADE,
    NONE
  }

  /** What a read counted for one model: the histogram, and the elements above a guess. */
  record Counted(SparseCounts counts, long above) implements Serializable {}

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

    long total() {
      return Arrays.stream(counts).sum();
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
  static Threshold open(long rank, int bits, int floor, Guess guess) {
    return new Threshold(rank, bits, floor, 0, SpanTies.NONE, false, guess, NO_PILE);
  }

  /** Position of the 16 bits that the next read counts. */
  int nextShift() {
    return shift == 31 || shift == 63 ? shift - 15 : shift - 16;
  }

  /** The most reads until it is found, samples included. */
  int reads() {
    return (shift - floor + 15) / 16 + (guess == Guess.WANTED ? 4 : 0);
  }

  boolean isSampled() {
    return guess == Guess.WANTED || guess == Guess.REFINED;
  }

  /** Whether a whole value is guessed: two counts prove it, and no histogram is needed. */
  boolean guessesPile() {
    return pile != NO_PILE;
  }

  /** The guessed value. */
  float guessedPile() {
    return Float.intBitsToFloat((int) prefix << shift | pile);
  }

  /** The magnitude from which on an element lies above the guess. */
  float aboveGuess() {
    return guessesPile()
        ? Math.nextUp(guessedPile())
        : Float.intBitsToFloat((int) (prefix + 1) << shift);
  }

  /** Guesses from the counts of a sample; the scope has so many elements. */
  Threshold guessed(List<Part> parts, Function<Part, Counted> counted, long elements) {
    long[] total = total(parts, counted);
    long sample = parts.stream().mapToLong(p -> Math.min(p.span().count(), Span.GRAIN)).sum();
    long above = parts.stream().mapToLong(p -> counted.apply(p).above()).sum();
    long wanted = Math.max(1, Math.round((double) rank / elements * sample) - above);
    int bin = total.length - 1;
    while (bin > 0 && total[bin] < wanted) {
      wanted -= total[bin--];
    }
    if (guess == Guess.WANTED) {
      return guess(nextShift(), bin, Guess.REFINED, NO_PILE);
    }
    long margin = Math.round(sample * MARGIN);
    boolean inside = wanted > margin && total[bin] - wanted > margin;
    return guess(shift, prefix, Guess.MADE, inside ? bin : NO_PILE);
  }

  private Threshold guess(int known, long bits, Guess next, int guessedPile) {
    return new Threshold(rank, known, floor, bits, SpanTies.NONE, false, next, guessedPile);
  }

  /** Narrows by the counts of a read, given by span in order. */
  Threshold narrowed(List<Part> parts, Function<Part, Counted> counted) {
    if (guess == Guess.MADE) {
      long open = rank - parts.stream().mapToLong(p -> counted.apply(p).above()).sum();
      if (open >= 1 && open <= Arrays.stream(total(parts, counted)).sum()) {
        return new Threshold(open, shift, floor, prefix, ties, false, Guess.NONE, NO_PILE)
            .narrowed(parts, counted);
      }
      return guessesPile()
          ? guess(shift, prefix, Guess.MADE, NO_PILE)
          : open(rank, KEY_BITS, floor, Guess.NONE);
    }
    long[] total = total(parts, counted);
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
        done && !whole ? ties(parts, counted, bin) : SpanTies.NONE,
        done,
        Guess.NONE,
        NO_PILE);
  }

  private static long[] total(List<Part> parts, Function<Part, Counted> counted) {
    long[] total = new long[1 << 16];
    parts.forEach(p -> counted.apply(p).counts().addTo(total));
    return total;
  }

  private static SpanTies ties(List<Part> parts, Function<Part, Counted> counted, int bin) {
    return new SpanTies(
        parts.stream().map(Part::span).toArray(Span[]::new),
        parts.stream().mapToLong(p -> counted.apply(p).counts().count(bin)).toArray());
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

  /** Of the elements of a span that equal the threshold, how many to drop: the first ones. */
  long surplus(Span span) {
    return Math.max(0, Math.min(ties.in(span), ties.total() - rank - ties.before(span)));
  }
}
