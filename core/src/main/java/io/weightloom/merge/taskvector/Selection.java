package io.weightloom.merge.taskvector;

import io.weightloom.kernel.Kernels;
import io.weightloom.kernel.SparseCounts;
import io.weightloom.merge.Arith;
import io.weightloom.merge.MergeState.Part;
import io.weightloom.merge.Numerics;
import io.weightloom.merge.Span;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.taskvector.Threshold.Counted;
import io.weightloom.merge.taskvector.Threshold.Guess;
import io.weightloom.tensor.DType;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Several exact order statistics over the elements of a scope, on their way or found: each slot
 * asks for the magnitude of one rank in a vector of its own. Every read counts for all slots that
 * are still open. Immutable.
 *
 * <p>A signed statistic takes two slots: a number of rank r from the top among n is the r-th
 * largest positive part if that is not zero, and else the opposite of the (n − r + 1)-th largest
 * negative part.
 */
public final class Selection implements Serializable {
  private static final long serialVersionUID = 1;

  private final @Nullable Threshold[] slots;
  private final long elements;
  private final boolean isDouble;

  private Selection(@Nullable Threshold[] slots, long elements, boolean isDouble) {
    this.slots = slots;
    this.elements = elements;
    this.isDouble = isDouble;
  }

  /**
   * Nothing read yet.
   *
   * @param tensors of the scope
   * @param rounded whether the vectors hold values of the tensors' compute dtypes, in rounding
   *     arithmetic; then fewer bits tell them apart
   * @param ranks by slot from the top, 1 being the largest; 0 for a slot that is not asked for
   */
  public static Selection open(List<TensorMerge> tensors, boolean rounded, long... ranks) {
    boolean isDouble = tensors.get(0).isDouble();
    boolean bf16 = rounded && tensors.stream().allMatch(Selection::isBf16);
    long elements = tensors.stream().mapToLong(TensorMerge::elements).sum();
    // A small scope is read again sooner than a sample of it is drawn.
    Guess guess = isDouble || bf16 || elements <= Span.GRAIN ? Guess.NONE : Guess.WANTED;
    @Nullable Threshold[] slots = new Threshold[ranks.length];
    for (int s = 0; s < slots.length; s++) {
      if (ranks[s] > 0) {
        slots[s] =
            isDouble
                ? Threshold.open(ranks[s], 63, 0, guess)
                : Threshold.open(ranks[s], Threshold.KEY_BITS, bf16 ? 16 : 0, guess);
      }
    }
    return new Selection(slots, elements, isDouble);
  }

  private static boolean isBf16(TensorMerge tensor) {
    return tensor.numerics() == Numerics.MERGEKIT && tensor.compute() == DType.BF16;
  }

  /**
   * Nothing read yet of signed statistics; slot {@code 2j} and the next one are those of {@code
   * ranks[j]}.
   */
  public static Selection openSigned(List<TensorMerge> tensors, long... ranks) {
    long elements = tensors.stream().mapToLong(TensorMerge::elements).sum();
    long[] both = new long[2 * ranks.length];
    for (int j = 0; j < ranks.length; j++) {
      both[2 * j] = ranks[j];
      both[2 * j + 1] = elements - ranks[j] + 1;
    }
    return open(tensors, false, both);
  }

  /** With these slots known already. */
  Selection with(List<Threshold> found) {
    @Nullable Threshold[] known = slots.clone();
    for (int s = 0; s < found.size(); s++) {
      known[s] = found.get(s);
    }
    return new Selection(known, elements, isDouble);
  }

  /** Whether all that was asked for is known. */
  public boolean isFound() {
    return Arrays.stream(slots).allMatch(t -> t == null || t.found());
  }

  /** Whether the next read is of a sample. */
  public boolean isSampled() {
    return Arrays.stream(slots).anyMatch(t -> t != null && t.isSampled());
  }

  /** The most reads until all is found. */
  public int reads() {
    return Arrays.stream(slots).mapToInt(t -> t == null ? 0 : t.reads()).max().orElse(0);
  }

  @Nullable Threshold slot(int slot) {
    return slots[slot];
  }

  /** Whether the slot is asked for and not known yet. */
  public boolean isOpen(int slot) {
    Threshold t = slots[slot];
    return t != null && !t.found();
  }

  /** The magnitude of a slot that was asked for; a bound of it until it is found. */
  public double magnitude(int slot) {
    Threshold t = slots[slot];
    if (t == null) {
      throw new IllegalArgumentException("slot " + slot + " was not asked for");
    }
    return t.magnitude(isDouble);
  }

  /** The signed statistic {@code j}. */
  public double signed(int j) {
    double positive = magnitude(2 * j);
    return positive > 0 ? positive : 0 - magnitude(2 * j + 1);
  }

  /** What drops or keeps by a slot that is found. */
  public <V> Trimmer<V> trimmer(int slot, Arith<V> arith, Span span) {
    Threshold t = slots[slot];
    if (t == null || !t.found()) {
      throw new IllegalArgumentException("slot " + slot + " is not known");
    }
    return new Trimmer<>(t, isDouble, arith, span);
  }

  /** What the next read counts. */
  public <V> Counter<V> counter(Arith<V> arith) {
    return new Counter<>(this, arith);
  }

  /**
   * Narrowed by a read.
   *
   * @param counts what the counter of a part found
   */
  public Selection narrowed(List<Part> parts, Function<Part, Serializable> counts) {
    @Nullable Threshold[] narrowed = slots.clone();
    for (int s = 0; s < narrowed.length; s++) {
      Threshold t = narrowed[s];
      if (t != null && !t.found()) {
        int slot = s;
        Function<Part, Counted> counted = p -> ((Counted[]) counts.apply(p))[slot];
        narrowed[s] =
            t.isSampled() ? t.guessed(parts, counted, elements) : t.narrowed(parts, counted);
      }
    }
    return new Selection(narrowed, elements, isDouble);
  }

  /**
   * Counts the magnitudes of a span. For one thread.
   *
   * @param <V> the work vector
   */
  public static final class Counter<V> {
    private final @Nullable Threshold[] slots;
    private final Arith<V> arith;
    private final int[][] bins;
    private final long[] above;
    private final long[] piled;
    private final V part;
    private final double[] parts = new double[Arith.CAPACITY];

    private Counter(Selection selection, Arith<V> arith) {
      this.slots = selection.slots;
      this.arith = arith;
      this.bins = new int[slots.length][];
      for (int s = 0; s < bins.length; s++) {
        Threshold t = slots[s];
        boolean needsBins = t != null && !t.found() && !t.guessesPile();
        bins[s] = needsBins ? new int[Kernels.BINS] : new int[0];
      }
      this.above = new long[slots.length];
      this.piled = new long[slots.length];
      this.part = arith.vector();
    }

    /** Counts {@code n} elements of a slot's vector; does nothing for a slot that is found. */
    public void count(int slot, V x, int n) {
      Threshold t = slots[slot];
      if (t == null || t.found()) {
        return;
      }
      int over = 0;
      if (t.guess() == Guess.MADE || t.guess() == Guess.REFINED) {
        over = arith.countAtLeast(x, t.aboveGuess(), n);
        above[slot] += over;
      }
      if (t.guessesPile()) {
        piled[slot] += arith.countAtLeast(x, t.guessedPile(), n) - over;
      } else {
        arith.histogram(x, t.nextShift(), t.prefix(), bins[slot], n);
      }
    }

    /** Counts for the signed statistic {@code j}. */
    public void countSigned(int j, double[] x, int n) {
      for (int sign = 0; sign < 2; sign++) {
        for (int i = 0; i < n; i++) {
          parts[i] = Math.max(sign == 0 ? x[i] : -x[i], 0.0) + 0.0;
        }
        arith.narrow(parts, part, n);
        count(2 * j + sign, part, n);
      }
    }

    /** What was counted, for {@link Selection#narrowed}. */
    public Serializable found() {
      Counted[] counted = new Counted[bins.length];
      for (int s = 0; s < bins.length; s++) {
        Threshold t = slots[s];
        SparseCounts counts =
            t != null && t.guessesPile()
                ? SparseCounts.of(t.pile(), piled[s])
                : SparseCounts.of(bins[s]);
        counted[s] = new Counted(counts, above[s]);
      }
      return counted;
    }
  }

  /**
   * Drops by magnitude from the vectors of a span, chunk after chunk in order. Of equal magnitudes
   * the one with the lowest flat index counts as the largest. For one thread.
   *
   * @param <V> the work vector
   */
  public static final class Trimmer<V> {
    private final Arith<V> arith;
    private final double magnitude;
    private final double above;
    private final boolean isExact;
    private final double[] values = new double[Arith.CAPACITY];
    private long quota;
    private long ties;
    private long surplus;

    private Trimmer(Threshold t, boolean isDouble, Arith<V> arith, Span span) {
      this.arith = arith;
      this.magnitude = t.magnitude(isDouble);
      this.above = isDouble ? Math.nextUp(magnitude) : Math.nextUp((float) magnitude);
      this.isExact = t.isExact();
      this.quota = isExact ? 0 : t.quota(span);
      this.ties = isExact ? 0 : t.ties().in(span);
      this.surplus = isExact ? 0 : t.surplus(span);
    }

    /** Sets to 0 what is smaller than the magnitude. */
    void keepReaching(V x, int n) {
      arith.trim(x, magnitude, n);
    }

    /** Sets to 0 what is not larger than the magnitude. */
    public void keepAbove(V x, int n) {
      arith.trim(x, above, n);
    }

    /** Sets to 0 all but exactly as many as the rank asks for. */
    public void keepLargest(V x, int n) {
      if (isExact || quota == ties) {
        arith.trim(x, magnitude, n);
      } else if (quota == 0) {
        arith.trim(x, above, n);
      } else {
        keepWithin(x, n);
      }
    }

    /**
     * The quota ends somewhere in this span: only in the chunk where it does are elements counted.
     */
    private void keepWithin(V x, int n) {
      int equal = arith.countAtLeast(x, magnitude, n) - arith.countAtLeast(x, above, n);
      if (equal <= quota) {
        arith.trim(x, magnitude, n);
      } else {
        arith.trimTies(x, magnitude, (int) quota, n);
      }
      quota -= Math.min(equal, quota);
      ties = -1;
    }

    /**
     * Sets to 0 all but exactly as many as the rank asks for; here, of equal magnitudes the one
     * with the lowest flat index counts as the smallest.
     *
     * @return how many are kept
     */
    public int dropSmallest(V x, int n) {
      int reaching = arith.countAtLeast(x, magnitude, n);
      if (surplus == 0) {
        arith.trim(x, magnitude, n);
        return reaching;
      }
      int over = arith.countAtLeast(x, above, n);
      if (reaching - over <= surplus) {
        surplus -= reaching - over;
        arith.trim(x, above, n);
        return over;
      }
      int dropped = (int) surplus;
      arith.widen(x, values, 0, n);
      for (int i = 0; i < n; i++) {
        double size = Math.abs(values[i]);
        if (size < magnitude || (size == magnitude && surplus-- > 0)) {
          values[i] = 0;
        }
      }
      surplus = 0;
      arith.narrow(values, x, n);
      return reaching - dropped;
    }

    /** As {@link #dropSmallest}, told instead of done. */
    public void choose(V x, boolean[] kept, int n) {
      arith.widen(x, values, 0, n);
      for (int i = 0; i < n; i++) {
        double size = Math.abs(values[i]);
        kept[i] = size > magnitude || (size == magnitude && (surplus <= 0 || surplus-- <= 0));
      }
    }

    /** As {@link #keepAbove}, told instead of done. */
    public void chooseAbove(V x, boolean[] kept, int n) {
      arith.widen(x, values, 0, n);
      for (int i = 0; i < n; i++) {
        kept[i] = Math.abs(values[i]) > magnitude;
      }
    }

    /** Sets to 0 exactly as many as the rank asks for. */
    public void dropLargest(V x, int n) {
      arith.widen(x, values, 0, n);
      for (int i = 0; i < n; i++) {
        double size = Math.abs(values[i]);
        if (size > magnitude || (size == magnitude && (isExact || quota-- > 0))) {
          values[i] = 0;
        }
      }
      arith.narrow(values, x, n);
    }
  }
}
