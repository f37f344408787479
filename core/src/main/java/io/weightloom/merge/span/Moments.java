package io.weightloom.merge.span;

/**
 * Mean and variance of the elements of a vector, from the inner products of {@link
 * Vectors#MODELS_AND_ONES}: with the vector of ones they are sums and the count.
 *
 * @param mean μ
 * @param variance Σ(x − μ)²/n; 0 where it is no more than rounding
 * @param count n
 */
public record Moments(double mean, double variance, double count) {
  /** Below this share of the mean square a variance is rounding. */
  private static final double NO_VARIANCE = 1e-14;

  /**
   * Of a combination.
   *
   * @param gram the products, those of the ones last
   * @param x the coefficients
   */
  public static Moments of(Gram gram, double[] x) {
    int ones = gram.size() - 1;
    double count = gram.dot(ones, ones);
    double[] one = new double[gram.size()];
    one[ones] = 1;
    double mean = gram.dot(x, one) / count;
    double square = gram.dot(x, x) / count;
    double variance = square - mean * mean;
    return new Moments(mean, variance <= NO_VARIANCE * square ? 0 : variance, count);
  }

  /**
   * Of one of the models.
   *
   * @param model its place
   */
  public static Moments of(Gram gram, int model) {
    double[] one = new double[gram.size()];
    one[model] = 1;
    return of(gram, one);
  }

  /** Σ(x − μ)²/(n − 1), as {@code torch.var} has it; 0 of fewer than two elements. */
  public double sampleVariance() {
    return count < 2 ? 0 : variance * count / (count - 1);
  }

  /**
   * The combination stretched about its mean, {@code μ + (x − μ)·stretch}: the coefficients of x,
   * and of the ones.
   */
  public double[] stretched(double[] x, double stretch) {
    double[] out = new double[x.length];
    for (int k = 0; k < x.length; k++) {
      out[k] = x[k] * stretch;
    }
    out[x.length - 1] += (1 - stretch) * mean;
    return out;
  }
}
