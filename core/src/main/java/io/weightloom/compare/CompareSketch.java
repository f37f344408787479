package io.weightloom.compare;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Sketch;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.kernel.Kernels;
import io.weightloom.kernel.SparseCounts;
import io.weightloom.merge.Arith;
import io.weightloom.stats.ExactSum;
import io.weightloom.stats.Moments;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** All that one read of a tensor of K models tells of their differences. For one thread. */
public final class CompareSketch implements Sketch<CompareSketch> {
  private static final long serialVersionUID = 1;

  private static final int EXPONENTS = 256;
  private static final int EXPONENT_SHIFT = 23;

  private final boolean hasBase;
  private final int models;
  private final boolean isSquare;
  private final PairSums[] pairs;
  private final ExactSum[] squares;
  private final ExactSum[][] powers;
  private final long[][] exponents;
  private final ExactSum[] dots;
  private final ExactSum[] against;
  private final long[] both;
  private final long[] opposed;
  private long elements;
  private long shared;
  private long conflicting;
  private transient @Nullable Walk walk;

  CompareSketch(List<TensorSpec> tensors, boolean hasBase) {
    this.hasBase = hasBase;
    this.models = tensors.size();
    List<Long> dims = tensors.get(0).shape().dims();
    this.isSquare = dims.size() == 2 && dims.get(0).equals(dims.get(1));
    List<Differences.Models> all = Differences.Models.of(models, hasBase);
    this.pairs = new PairSums[all.size()];
    Arrays.setAll(pairs, p -> new PairSums(all.size() <= Top.MOST_TASKS));
    int tasks = hasBase ? models - 1 : 0;
    int taskPairs = tasks * (tasks - 1) / 2;
    this.squares = zeros(models);
    this.powers = new ExactSum[models][];
    Arrays.setAll(powers, k -> zeros(Kernels.POWERS));
    this.exponents = new long[hasBase ? 1 : models][EXPONENTS];
    this.dots = zeros(taskPairs);
    this.against = zeros(tasks);
    this.both = new long[taskPairs];
    this.opposed = new long[taskPairs];
  }

  private static ExactSum[] zeros(int n) {
    ExactSum[] sums = new ExactSum[n];
    Arrays.fill(sums, ExactSum.ZERO);
    return sums;
  }

  /** Sums of a pair. */
  private static final class PairSums implements Serializable {
    private static final long serialVersionUID = 1;

    private final @Nullable DeltaHistogram histogram;
    private long changedBits;
    private long changedValues;
    private long nonFinite;
    private ExactSum squares = ExactSum.ZERO;
    private ExactSum magnitudes = ExactSum.ZERO;
    private float min = Float.POSITIVE_INFINITY;
    private float max = Float.NEGATIVE_INFINITY;

    PairSums(boolean hasHistogram) {
      this.histogram = hasHistogram ? new DeltaHistogram() : null;
    }

    void see(float least, float greatest) {
      min = Math.min(min, least);
      max = Math.max(max, greatest);
    }

    void merge(PairSums other) {
      changedBits += other.changedBits;
      changedValues += other.changedValues;
      nonFinite += other.nonFinite;
      squares = squares.plus(other.squares);
      magnitudes = magnitudes.plus(other.magnitudes);
      see(other.min, other.max);
      if (histogram != null && other.histogram != null) {
        histogram.merge(other.histogram);
      }
    }
  }

  @Override
  public void add(AlignedBlock block) {
    Walk open = walk;
    if (open == null) {
      open = new Walk(KernelRegistry.get().kernels());
      walk = open;
    }
    open.see(block);
    elements += block.count();
  }

  /** Looks at blocks; keeps the work vectors. */
  private final class Walk {
    private final Kernels kernels;
    private final Differences differences;
    private final double[][] squareLanes = new double[models][Kernels.LANES];
    private final double[][] powerLanes = new double[models][Kernels.POWERS * Kernels.LANES];
    private final double[][] deltaLanes = new double[pairs.length][Kernels.LANES];
    private final double[][] magnitudeLanes = new double[pairs.length][Kernels.LANES];
    private final double[][] dotLanes = new double[dots.length][Kernels.LANES];
    private final double[][] againstLanes = new double[against.length][Kernels.LANES];
    private final double[] sum = new double[Arith.CAPACITY];
    private final int[] positive = new int[Arith.CAPACITY];
    private final int[] negative = new int[Arith.CAPACITY];
    private final float[] opposing = new float[Arith.CAPACITY];
    private final float[] bounds = new float[2];
    private final int[][] turns = new int[4][EXPONENTS];

    Walk(Kernels kernels) {
      this.kernels = kernels;
      this.differences = new Differences(kernels, models, hasBase);
    }

    void see(AlignedBlock block) {
      differences.walk(block, this::see);
      for (int p = 0; p < pairs.length; p++) {
        PairSums pair = pairs[p];
        pair.squares = pair.squares.plus(drained(deltaLanes[p], 0));
        pair.magnitudes = pair.magnitudes.plus(drained(magnitudeLanes[p], 0));
        if (!differences.equal[p]) {
          pair.changedBits += changedBits(block, differences.pairs.get(p));
        }
      }
      drainInto(squares, squareLanes);
      drainInto(dots, dotLanes);
      drainInto(against, againstLanes);
      for (int k = 0; isSquare && !hasBase && k < models; k++) {
        for (int power = 0; power < Kernels.POWERS; power++) {
          powers[k][power] = powers[k][power].plus(drained(powerLanes[k], power));
        }
      }
    }

    private void drainInto(ExactSum[] sums, double[][] lanes) {
      for (int i = 0; i < sums.length; i++) {
        sums[i] = sums[i].plus(drained(lanes[i], 0));
      }
    }

    private ExactSum drained(double[] lanes, int group) {
      double total = 0;
      for (int i = group * Kernels.LANES; i < (group + 1) * Kernels.LANES; i++) {
        total += lanes[i];
        lanes[i] = 0;
      }
      return ExactSum.of(total);
    }

    private void see(int n) {
      for (int k = 0; k < models; k++) {
        float[] x = differences.values[k];
        kernels.dot(x, x, squareLanes[k], n);
        if (isSquare && !hasBase) {
          kernels.sumPowers(x, powerLanes[k], n);
        }
      }
      for (int k = 0; k < exponents.length; k++) {
        countExponents(differences.values[k], exponents[k], n);
      }
      for (int p = 0; p < pairs.length; p++) {
        seePair(p, n);
      }
      if (hasBase) {
        seeTasks(n);
      }
    }

    /** By turns, for equal exponents side by side would wait for each other. */
    private void countExponents(float[] x, long[] counts, int n) {
      for (int i = 0; i < n; i++) {
        int exponent = (Float.floatToRawIntBits(x[i]) >>> EXPONENT_SHIFT) & (EXPONENTS - 1);
        turns[i % turns.length][exponent]++;
      }
      for (int[] turn : turns) {
        for (int exponent = 0; exponent < EXPONENTS; exponent++) {
          counts[exponent] += turn[exponent];
          turn[exponent] = 0;
        }
      }
    }

    private void seePair(int p, int n) {
      PairSums pair = pairs[p];
      float[] delta = differences.deltas[p];
      if (differences.equal[p]) {
        pair.see(0, 0);
        if (pair.histogram != null) {
          pair.histogram.addZeros(n);
        }
        return;
      }
      kernels.dot(delta, delta, deltaLanes[p], n);
      kernels.sumMagnitudes(delta, magnitudeLanes[p], n);
      bounds[0] = Float.POSITIVE_INFINITY;
      bounds[1] = Float.NEGATIVE_INFINITY;
      kernels.range(delta, bounds, n);
      pair.see(bounds[0], bounds[1]);
      pair.changedValues += kernels.countNonZero(delta, n) + differences.nonFinite[p];
      pair.nonFinite += differences.nonFinite[p];
      if (pair.histogram != null) {
        pair.histogram.add(kernels, delta, n);
      }
    }

    private void seeTasks(int n) {
      Arrays.fill(sum, 0, n, 0);
      Arrays.fill(positive, 0, n, 0);
      Arrays.fill(negative, 0, n, 0);
      int cell = 0;
      for (int a = 0; a < pairs.length; a++) {
        float[] x = differences.deltas[a];
        for (int b = a + 1; b < pairs.length; b++) {
          kernels.dot(x, differences.deltas[b], dotLanes[cell], n);
          seeOpposed(x, differences.deltas[b], cell++, n);
        }
        for (int i = 0; i < n; i++) {
          int isChanged = isNonZero(x[i]);
          int isNegative = Float.floatToRawIntBits(x[i]) >>> 31;
          sum[i] += x[i];
          positive[i] += isChanged & ~isNegative;
          negative[i] += isChanged & isNegative;
        }
      }
      for (int i = 0; i < n; i++) {
        shared += positive[i] + negative[i] >= 2 ? 1 : 0;
        conflicting += Math.min(1, positive[i]) & Math.min(1, negative[i]);
      }
      for (int a = 0; a < pairs.length; a++) {
        float[] x = differences.deltas[a];
        for (int i = 0; i < n; i++) {
          int agrees = agree(x[i], sum[i]);
          opposing[i] = Float.intBitsToFloat(Float.floatToRawIntBits(x[i]) & (agrees - 1));
        }
        kernels.sumMagnitudes(opposing, againstLanes[a], n);
      }
    }

    /** Signs are as good as random, and branches on them as bad. */
    private static int isNonZero(float x) {
      int magnitude = Float.floatToRawIntBits(x) << 1;
      return (magnitude | -magnitude) >>> 31;
    }

    /** 1 if both have one sign and neither is 0. */
    private static int agree(float x, double y) {
      long magnitude = Double.doubleToRawLongBits(y) << 1;
      int isNonZero = (int) ((magnitude | -magnitude) >>> 63);
      int differ =
          (Float.floatToRawIntBits(x) >>> 31) ^ (int) (Double.doubleToRawLongBits(y) >>> 63);
      return isNonZero(x) & isNonZero & ~differ;
    }

    private void seeOpposed(float[] x, float[] y, int cell, int n) {
      int shares = 0;
      int opposes = 0;
      for (int i = 0; i < n; i++) {
        int isShared = isNonZero(x[i]) & isNonZero(y[i]);
        int differ = Float.floatToRawIntBits(x[i]) ^ Float.floatToRawIntBits(y[i]);
        shares += isShared;
        opposes += isShared & (differ >>> 31);
      }
      both[cell] += shares;
      opposed[cell] += opposes;
    }

    private long changedBits(AlignedBlock block, Differences.Models pair) {
      DType dtype = block.tensors().get(pair.first()).dtype();
      return dtype == block.tensors().get(pair.second()).dtype()
          ? Bits.changed(
              block.data()[pair.first()], block.data()[pair.second()], block.count(), dtype.bytes())
          : 0;
    }
  }

  @Override
  public void merge(CompareSketch other) {
    elements += other.elements;
    shared += other.shared;
    conflicting += other.conflicting;
    for (int p = 0; p < pairs.length; p++) {
      pairs[p].merge(other.pairs[p]);
    }
    addTo(squares, other.squares);
    addTo(dots, other.dots);
    addTo(against, other.against);
    for (int k = 0; k < models; k++) {
      addTo(powers[k], other.powers[k]);
    }
    for (int k = 0; k < exponents.length; k++) {
      addTo(exponents[k], other.exponents[k]);
    }
    addTo(both, other.both);
    addTo(opposed, other.opposed);
  }

  private static void addTo(ExactSum[] sums, ExactSum[] others) {
    for (int i = 0; i < sums.length; i++) {
      sums[i] = sums[i].plus(others[i]);
    }
  }

  private static void addTo(long[] counts, long[] others) {
    for (int i = 0; i < counts.length; i++) {
      counts[i] += others[i];
    }
  }

  /**
   * What was found.
   *
   * @param top the elements whose cut is wanted
   */
  TensorComparison conclude(List<TensorSpec> tensors, Top top) {
    List<Pair> found = new ArrayList<>();
    List<Differences.Models> all = Differences.Models.of(models, hasBase);
    for (int p = 0; p < pairs.length; p++) {
      found.add(pair(tensors, all.get(p), pairs[p]));
    }
    List<TensorComparison.Cut> cuts = new ArrayList<>();
    List<SparseCounts> histograms = new ArrayList<>();
    for (int p = 0; p < pairs.length && hasBase && top.isWanted(); p++) {
      DeltaHistogram histogram = pairs[p].histogram;
      if (histogram != null && top.ofModel()) {
        histograms.add(SparseCounts.of(histogram.counts()));
      } else if (histogram != null) {
        cuts.add(TensorComparison.Cut.of(histogram.counts(), top.of(elements)));
      }
    }
    return new TensorComparison(tensors, found, taskPairs(), signs(), kurtosis(), cuts, histograms);
  }

  private Pair pair(List<TensorSpec> tensors, Differences.Models models, PairSums sums) {
    int a = models.first();
    int b = models.second();
    DType dtype = tensors.get(a).dtype();
    return new Pair(
        a,
        b,
        elements,
        dtype == tensors.get(b).dtype() ? sums.changedBits : -1,
        sums.changedValues,
        sums.nonFinite,
        sums.squares.value(),
        sums.magnitudes.value(),
        sums.min,
        sums.max,
        squares[a].value(),
        squares[b].value(),
        medianUlp(dtype, exponents[hasBase ? 0 : a]),
        sums.histogram == null ? null : Redundancy.of(sums.histogram.counts()));
  }

  /** The unit in the last place grows with the magnitude, so their medians go together. */
  private static double medianUlp(DType dtype, long[] counts) {
    // Zeros have the exponent of denormals.
    long all = Arrays.stream(counts).sum();
    long rank = (all + 1) / 2;
    int exponent = 0;
    for (long seen = counts[0]; seen < rank && exponent + 1 < EXPONENTS; ) {
      seen += counts[++exponent];
    }
    if (counts[0] == all) {
      return Double.NaN;
    }
    return switch (dtype) {
      case BF16 -> Math.scalb(1.0, Math.max(exponent, 1) - 127 - 7);
      case F16 -> Math.scalb(1.0, Math.max(exponent - 127, -14) - 10);
      case F32 -> Math.scalb(1.0, Math.max(exponent, 1) - 127 - 23);
      default -> Math.scalb(1.0, exponent - 127 - 52);
    };
  }

  private List<TaskPair> taskPairs() {
    List<TaskPair> found = new ArrayList<>();
    int cell = 0;
    for (int a = 0; hasBase && a < pairs.length; a++) {
      for (int b = a + 1; b < pairs.length; b++) {
        found.add(
            new TaskPair(
                a + 1,
                b + 1,
                dots[cell].value(),
                pairs[a].squares.value(),
                pairs[b].squares.value(),
                both[cell],
                opposed[cell]));
        cell++;
      }
    }
    return found;
  }

  private List<Signs> signs() {
    if (!hasBase || models < 3) {
      return List.of();
    }
    return List.of(
        new Signs(
            shared,
            conflicting,
            Arrays.stream(pairs).map(p -> p.magnitudes.value()).toList(),
            Arrays.stream(against).map(ExactSum::value).toList()));
  }

  private List<Double> kurtosis() {
    List<Double> found = new ArrayList<>();
    for (int k = 0; isSquare && !hasBase && k < models; k++) {
      found.add(
          Moments.ofPowers(
                  elements,
                  powers[k][1].value(),
                  powers[k][2].value(),
                  powers[k][3].value(),
                  powers[k][4].value())
              .kurtosis());
    }
    return found;
  }
}
