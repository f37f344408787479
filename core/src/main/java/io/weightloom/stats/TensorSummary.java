package io.weightloom.stats;

import io.weightloom.stats.TensorStats.Columns;
import io.weightloom.stats.TensorStats.Counts;
import io.weightloom.stats.TensorStats.Entropy;
import io.weightloom.stats.TensorStats.Fit;
import io.weightloom.stats.TensorStats.Rows;
import io.weightloom.stats.TensorStats.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;

/** From a sketch of all of a tensor to its statistics: what the histogram of its codes says. */
final class TensorSummary {
  private static final double DEAD = 1e-12;
  private static final double WEAK = 0.2;
  private static final double ROW_SIGMAS = 3;

  private final TensorSketch sketch;
  private final StoredFloat type;
  private final long[] codes;

  /** The codes of finite values in the order of these. */
  private final int[] ascending;

  /** Finite values in ascending order, −0 before +0, and how often each occurs. */
  private final double[] values;

  private final long[] counts;
  private final Counts kinds;

  TensorSummary(TensorSketch sketch) {
    this.sketch = sketch;
    this.type = sketch.type;
    this.codes = sketch.codes.counts();
    ascending =
        IntStream.concat(
                IntStream.iterate(type.codes() - 1, c -> c >= type.sign(), c -> c - 1),
                IntStream.range(0, type.sign()))
            .filter(c -> codes[c] > 0 && Double.isFinite(type.value(c)))
            .toArray();
    values = Arrays.stream(ascending).mapToDouble(type::value).toArray();
    counts = Arrays.stream(ascending).mapToLong(c -> codes[c]).toArray();
    kinds = kinds();
  }

  TensorStats stats() {
    Moments moments = moments();
    return new TensorStats(
        sketch.tensor,
        kinds,
        sketch.extremes.min,
        sketch.extremes.max,
        sketch.extremes.argMin,
        sketch.extremes.argMax,
        moments,
        l1(),
        squares(),
        quantiles(Quantiles.VALUES, values, counts),
        magnitudeQuantiles(),
        outliers(moments),
        nearZeros(),
        entropy(),
        fits(),
        shape(),
        logHistogram(),
        List.of(boxed(sketch.fours.counts()), boxed(sketch.eights.counts())),
        rows(),
        columns());
  }

  private Counts kinds() {
    long elements = Arrays.stream(codes).sum();
    long negative = 0;
    long positive = 0;
    long denormals = 0;
    for (int i = 0; i < values.length; i++) {
      negative += values[i] < 0 ? counts[i] : 0;
      positive += values[i] > 0 ? counts[i] : 0;
    }
    WideValues wide = sketch.wide;
    if (wide != null) {
      // The least values of a sign share their upper bits with its zero.
      return new Counts(
          elements,
          positive + wide.positiveTinies,
          negative + wide.negativeTinies,
          codes[0] - wide.positiveTinies,
          codes[type.sign()] - wide.negativeTinies,
          wide.denormals,
          wide.nans,
          wide.positiveInfinities,
          wide.negativeInfinities);
    }
    long nans = 0;
    long[] infinities = new long[2];
    for (int code = 0; code < codes.length; code++) {
      double x = type.value(code);
      nans += Double.isNaN(x) ? codes[code] : 0;
      infinities[code < type.sign() ? 0 : 1] += Double.isInfinite(x) ? codes[code] : 0;
      boolean isDenormal = type.exponentOf(code) == 0 && Double.isFinite(x) && x != 0;
      denormals += isDenormal ? codes[code] : 0;
    }
    return new Counts(
        elements,
        positive,
        negative,
        sketch.zerosOf(0),
        sketch.zerosOf(type.sign()),
        denormals,
        nans,
        infinities[0],
        infinities[1]);
  }

  /** Σ f(x), in ascending order of x and compensated (Neumaier). */
  private double sum(DoubleUnaryOperator f) {
    double sum = 0;
    double lost = 0;
    for (int i = 0; i < values.length; i++) {
      double term = f.applyAsDouble(values[i]) * counts[i];
      double next = sum + term;
      lost += Math.abs(sum) >= Math.abs(term) ? (sum - next) + term : (term - next) + sum;
      sum = next;
    }
    return sum + lost;
  }

  private double l1() {
    return sketch.wide == null ? sum(Math::abs) : sketch.powers[0].value();
  }

  private double squares() {
    return sketch.wide == null ? sum(x -> x * x) : sketch.powers[2].value();
  }

  private Moments moments() {
    long n = kinds.finite();
    if (sketch.wide != null) {
      double[] sums = Arrays.stream(sketch.powers).mapToDouble(ExactSum::value).toArray();
      return Moments.ofPowers(n, sums[1], sums[2], sums[3], sums[4]);
    }
    double mean = sum(x -> x) / n;
    return new Moments(
        n,
        mean,
        sum(x -> (x - mean) * (x - mean)) / n,
        sum(x -> (x - mean) * (x - mean) * (x - mean)) / n,
        sum(x -> (x - mean) * (x - mean) * (x - mean) * (x - mean)) / n);
  }

  /** Which of several codes in order holds a rank, and which rank it is among its elements. */
  private record Place(int at, long rank) {

    static Place of(double q, long[] counts) {
      long rank = MagnitudeHistogram.rank(q, Arrays.stream(counts).sum());
      int at = 0;
      while (rank > counts[at]) {
        rank -= counts[at++];
      }
      return new Place(at, rank);
    }
  }

  private static List<Double> quantiles(List<Double> shares, double[] values, long[] counts) {
    return shares.stream()
        .map(q -> counts.length == 0 ? Double.NaN : values[Place.of(q, counts).at()])
        .toList();
  }

  private List<Double> magnitudeQuantiles() {
    int[] order = magnitudes();
    return quantiles(
        Quantiles.MAGNITUDES,
        Arrays.stream(order).mapToDouble(type::value).toArray(),
        countsOf(order));
  }

  /** The codes of magnitudes that occur, in ascending order. */
  private int[] magnitudes() {
    return IntStream.range(0, type.sign())
        .filter(c -> (codes[c] | codes[c | type.sign()]) != 0)
        .filter(c -> Double.isFinite(type.value(c)))
        .filter(c -> codes[c] + ofOtherSign(c) > 0)
        .toArray();
  }

  private long[] countsOf(int[] magnitudes) {
    return Arrays.stream(magnitudes).mapToLong(c -> codes[c] + ofOtherSign(c)).toArray();
  }

  /** The quantiles of which the codes tell no more than the upper bits. */
  List<OrderStatistic> pending() {
    List<OrderStatistic> pending = new ArrayList<>();
    if (type.isComplete() || values.length == 0) {
      return pending;
    }
    for (int i = 0; i < Quantiles.VALUES.size(); i++) {
      Place place = Place.of(Quantiles.VALUES.get(i), counts);
      int code = ascending[place.at()];
      boolean isNegative = code >= type.sign();
      long rank = isNegative ? counts[place.at()] - place.rank() + 1 : place.rank();
      pending.add(new OrderStatistic(false, i, StoredFloat.CODE_BITS, code, rank));
    }
    int[] magnitudes = magnitudes();
    long[] each = countsOf(magnitudes);
    for (int i = 0; i < Quantiles.MAGNITUDES.size(); i++) {
      Place place = Place.of(Quantiles.MAGNITUDES.get(i), each);
      pending.add(
          new OrderStatistic(true, i, StoredFloat.CODE_BITS, magnitudes[place.at()], place.rank()));
    }
    return pending;
  }

  private long ofOtherSign(int code) {
    return Double.isFinite(type.value(code | type.sign())) ? codes[code | type.sign()] : 0;
  }

  private List<Long> outliers(Moments moments) {
    double deviation = Math.sqrt(moments.variance());
    List<Long> found = new ArrayList<>();
    for (int sigmas : TensorStats.OUTLIER_SIGMAS) {
      long beyond = 0;
      for (int i = 0; i < values.length; i++) {
        beyond += Math.abs(values[i] - moments.mean()) > sigmas * deviation ? counts[i] : 0;
      }
      found.add(beyond);
    }
    return found;
  }

  private List<Long> nearZeros() {
    double rms = Math.sqrt(squares() / kinds.finite());
    List<Long> found = new ArrayList<>();
    for (double share : TensorStats.NEAR_ZERO) {
      long near = 0;
      for (int i = 0; i < values.length; i++) {
        near += Math.abs(values[i]) <= share * rms ? counts[i] : 0;
      }
      found.add(near);
    }
    return found;
  }

  private Entropy entropy() {
    long[] byExponent = new long[type.codes()];
    long[] byMantissa = new long[type.codes()];
    for (int code = 0; code < codes.length; code++) {
      byExponent[type.exponentOf(code)] += codes[code];
      byMantissa[type.mantissaOf(code)] += codes[code];
    }
    return new Entropy(
        type.isComplete() ? bits(codes) : Double.NaN, bits(byExponent), bits(byMantissa));
  }

  private static double bits(long[] counts) {
    double n = Arrays.stream(counts).sum();
    double bits = 0;
    for (long count : counts) {
      bits -= count == 0 ? 0 : count / n * (Math.log(count / n) / Math.log(2));
    }
    return n == 0 ? Double.NaN : bits;
  }

  private List<Fit> fits() {
    List<Fit> fits = new ArrayList<>();
    for (int f = 0; f < FloatFormat.TARGETS.size(); f++) {
      FloatFormat format = FloatFormat.TARGETS.get(f);
      fits.add(sketch.wide == null ? fit(format) : wideFit(format, f, sketch.wide));
    }
    return fits;
  }

  private Fit fit(FloatFormat format) {
    long exact = 0;
    long overflows = 0;
    long underflows = 0;
    for (int i = 0; i < values.length; i++) {
      exact += format.holds(values[i]) ? counts[i] : 0;
      overflows += format.overflows(values[i]) ? counts[i] : 0;
      underflows += format.underflows(values[i]) ? counts[i] : 0;
    }
    return new Fit(format, exact, overflows, underflows);
  }

  private Fit wideFit(FloatFormat format, int f, WideValues wide) {
    long exact = kinds.zeros() + wide.resolvedBy(format) - sketch.resolvedBeyond[f];
    return new Fit(format, exact, sketch.overflows[f], wide.underflowing(format, sketch.codes));
  }

  private Shape shape() {
    double n = kinds.finite();
    double magnitude = l1() / n;
    double square = squares() / n;
    GeneralizedGaussian fit = GeneralizedGaussian.ofMoments(magnitude, square);
    double own = meanLogDensity(fit, n);
    return new Shape(
        fit,
        own - meanLogDensity(GeneralizedGaussian.withVariance(2, square), n),
        own - meanLogDensity(GeneralizedGaussian.withVariance(1, square), n));
  }

  private double meanLogDensity(GeneralizedGaussian law, double n) {
    // Of a bin of several values the middle stands for all.
    double half = type.isComplete() ? 0 : Math.scalb(0.5, -type.codeMantissaBits());
    return law.meanLogDensity(
        sum(x -> Math.pow(Math.abs(x) + half * Math.scalb(1.0, Math.getExponent(x)), law.shape()))
            / n);
  }

  private LogHistogram logHistogram() {
    long[] negative = new long[LogHistogram.BINS];
    long[] positive = new long[LogHistogram.BINS];
    for (int i = 0; i < values.length; i++) {
      if (values[i] != 0) {
        (values[i] < 0 ? negative : positive)[LogHistogram.bin(Math.abs(values[i]))] += counts[i];
      }
    }
    if (sketch.wide != null) {
      positive[0] += sketch.wide.positiveTinies;
      negative[0] += sketch.wide.negativeTinies;
    }
    return new LogHistogram(boxed(negative), boxed(positive));
  }

  private static List<Long> boxed(long[] counts) {
    return Arrays.stream(counts).boxed().toList();
  }

  private Rows rows() {
    double[] norms = sketch.rows == null ? new double[0] : sketch.rows.norms();
    if (norms.length == 0) {
      return new Rows(0, 0, 0, 0, 0, Double.NaN, Double.NaN, Double.NaN, List.of());
    }
    double[] sorted = norms.clone();
    Arrays.sort(sorted);
    double median = sorted[(sorted.length - 1) / 2];
    double mean = Arrays.stream(norms).sum() / norms.length;
    double deviation =
        Math.sqrt(Arrays.stream(norms).map(x -> (x - mean) * (x - mean)).sum() / norms.length);
    return new Rows(
        norms.length,
        Arrays.stream(norms).filter(x -> x == 0).count(),
        Arrays.stream(norms).filter(x -> x == 0 || x < DEAD * median).count(),
        Arrays.stream(norms).filter(x -> x == 0 || x < WEAK * median).count(),
        Arrays.stream(norms).filter(x -> x > mean + ROW_SIGMAS * deviation).count(),
        sorted[0],
        median,
        sorted[sorted.length - 1],
        weakest(norms));
  }

  private static List<Long> weakest(double[] norms) {
    return IntStream.range(0, norms.length)
        .boxed()
        .sorted(Comparator.comparingDouble(r -> norms[r]))
        .limit(Rows.WEAKEST)
        .map(Integer::longValue)
        .toList();
  }

  private Columns columns() {
    float[] sorted = sketch.columnMaxima == null ? new float[0] : sketch.columnMaxima.values();
    if (sorted.length == 0) {
      return new Columns(0, 0, Double.NaN, Double.NaN);
    }
    Arrays.sort(sorted);
    int zeros = 0;
    while (zeros < sorted.length && sorted[zeros] == 0) {
      zeros++;
    }
    return new Columns(
        sorted.length, zeros, sorted[(sorted.length - 1) / 2], sorted[sorted.length - 1]);
  }
}
