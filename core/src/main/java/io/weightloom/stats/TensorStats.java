package io.weightloom.stats;

import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.List;

/**
 * The statistics of a tensor. All but the counts are over the finite values.
 *
 * @param tensor the tensor
 * @param counts of bit patterns by what they are
 * @param min the least value, −0 below +0; +∞ if nothing is finite
 * @param max the greatest; −∞ if nothing is finite
 * @param argMin flat index of the first element that is {@code min}; −1 if nothing is finite
 * @param argMax of the first that is {@code max}
 * @param moments mean and central moments
 * @param l1 Σ|x|
 * @param squares Σx²
 * @param quantiles of the values, see {@link Quantiles#VALUES}
 * @param magnitudeQuantiles of the magnitudes, see {@link Quantiles#MAGNITUDES}
 * @param outliers elements further from the mean than {@link #OUTLIER_SIGMAS} standard deviations
 * @param nearZeros elements of at most {@link #NEAR_ZERO} times the RMS, zeros among them
 * @param entropy of the bits
 * @param fits into {@link FloatFormat#TARGETS}
 * @param shape the generalised Gaussian
 * @param logHistogram see {@link LogHistogram}
 * @param zeroGroups groups of 4, then of 8, by their zeros; see {@link #nm}
 * @param rows norms of rows; of none for a vector
 * @param columns maxima of columns; likewise
 */
public record TensorStats(
    TensorSpec tensor,
    Counts counts,
    double min,
    double max,
    long argMin,
    long argMax,
    Moments moments,
    double l1,
    double squares,
    List<Double> quantiles,
    List<Double> magnitudeQuantiles,
    List<Long> outliers,
    List<Long> nearZeros,
    Entropy entropy,
    List<Fit> fits,
    Shape shape,
    LogHistogram logHistogram,
    List<List<Long>> zeroGroups,
    Rows rows,
    Columns columns)
    implements Serializable {
  private static final long serialVersionUID = 1;

  /** Distances from the mean beyond which elements are counted, in standard deviations. */
  public static final List<Integer> OUTLIER_SIGMAS = List.of(3, 6, 10);

  /** Shares of the RMS up to which elements are counted as nearly zero. */
  public static final List<Double> NEAR_ZERO = List.of(0.01, 0.1);

  /**
   * Elements by their bits.
   *
   * @param denormals in the stored type; not ±0
   */
  public record Counts(
      long elements,
      long positive,
      long negative,
      long positiveZeros,
      long negativeZeros,
      long denormals,
      long nans,
      long positiveInfinities,
      long negativeInfinities)
      implements Serializable {
    private static final long serialVersionUID = 1;

    public long zeros() {
      return positiveZeros + negativeZeros;
    }

    public long infinities() {
      return positiveInfinities + negativeInfinities;
    }

    /** The {@code n} of means. */
    public long finite() {
      return elements - nans - infinities();
    }
  }

  /**
   * Shannon entropies in bits, over all elements.
   *
   * @param code of the whole value; NaN for F32 and F64, of which only the upper 16 bits are
   *     counted
   * @param exponent of the exponent field
   * @param mantissa of the mantissa field; for F32 of its upper 7 bits, for F64 of its upper 4
   */
  public record Entropy(double code, double exponent, double mantissa) implements Serializable {
    private static final long serialVersionUID = 1;
  }

  /**
   * What a cast would do, to nearest and ties to even.
   *
   * @param exact finite elements that the format has
   * @param overflows finite elements beyond it
   * @param underflows elements other than 0 that become 0
   */
  public record Fit(FloatFormat format, long exact, long overflows, long underflows)
      implements Serializable {
    private static final long serialVersionUID = 1;
  }

  /**
   * The generalised Gaussian around 0 of the same E|x| and E[x²].
   *
   * @param fit shape ν and scale α
   * @param overGaussian nats a weight by which its mean log density exceeds the Gaussian's of the
   *     same variance
   * @param overLaplace likewise the Laplace distribution's
   */
  public record Shape(GeneralizedGaussian fit, double overGaussian, double overLaplace)
      implements Serializable {
    private static final long serialVersionUID = 1;
  }

  /**
   * Norms √Σx² of rows, a row being an index of the first dimension.
   *
   * @param count of rows; 0 for a vector, and then all norms are NaN
   * @param zeros rows whose norm is 0
   * @param dead rows below 10⁻¹² of the median, zeros among them
   * @param weak rows below a fifth of the median, dead ones among them
   * @param outliers rows more than 3 standard deviations above the mean norm
   * @param weakest the rows of least norm, at most {@link #WEAKEST}, the least first
   */
  public record Rows(
      long count,
      long zeros,
      long dead,
      long weak,
      long outliers,
      double min,
      double median,
      double max,
      List<Long> weakest)
      implements Serializable {
    private static final long serialVersionUID = 1;

    /** How many of the weakest rows are named. */
    public static final int WEAKEST = 10;
  }

  /**
   * Greatest magnitudes of columns, a column being an index of all dimensions but the first.
   *
   * @param count of columns; 0 for a vector, and then all maxima are NaN
   * @param zeros columns without a value other than 0
   */
  public record Columns(long count, long zeros, double median, double max) implements Serializable {
    private static final long serialVersionUID = 1;
  }

  /** √(Σx² / n). */
  public double rms() {
    return Math.sqrt(squares / counts.finite());
  }

  /** The greatest magnitude; NaN if nothing is finite. */
  public double linf() {
    return counts.finite() == 0 ? Double.NaN : Math.max(Math.abs(min), Math.abs(max));
  }

  /**
   * The share of groups of {@code m} along the last dimension with at most {@code n} values other
   * than 0; NaN if there are no groups.
   *
   * @param m 4 or 8
   */
  public double nm(int n, int m) {
    List<Long> byZeros = zeroGroups.get(m == 4 ? 0 : 1);
    long all = byZeros.stream().mapToLong(Long::longValue).sum();
    long compliant = byZeros.stream().skip(m - n).mapToLong(Long::longValue).sum();
    return (double) compliant / all;
  }

  TensorStats with(
      Moments exact,
      List<Double> exactQuantiles,
      List<Double> exactMagnitudeQuantiles,
      List<Long> exactOutliers,
      List<Long> exactNearZeros) {
    return new TensorStats(
        tensor,
        counts,
        min,
        max,
        argMin,
        argMax,
        exact,
        l1,
        squares,
        exactQuantiles,
        exactMagnitudeQuantiles,
        exactOutliers,
        exactNearZeros,
        entropy,
        fits,
        shape,
        logHistogram,
        zeroGroups,
        rows,
        columns);
  }
}
