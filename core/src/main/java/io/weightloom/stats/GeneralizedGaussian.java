package io.weightloom.stats;

import java.io.Serializable;

/**
 * A generalised Gaussian around 0, of density {@code ν / (2αΓ(1/ν)) · exp(−(|x|/α)^ν)}: ν = 2 is
 * the Gaussian, 1 the Laplace distribution, and towards ∞ it becomes uniform.
 *
 * @param shape ν
 * @param scale α
 */
public record GeneralizedGaussian(double shape, double scale) implements Serializable {
  private static final long serialVersionUID = 1;

  /** Shapes that a fit can give. */
  static final double LEAST = 0.1;

  static final double GREATEST = 50;

  /** Of unit variance. */
  static final GeneralizedGaussian NONE = new GeneralizedGaussian(Double.NaN, Double.NaN);

  /**
   * The distribution with these moments: ν solves {@code (E|x|)² / E[x²] = Γ(2/ν)² /
   * (Γ(1/ν)Γ(3/ν))} (Mallat 1989; as in arXiv:2506.00486).
   *
   * @return shape and scale NaN if there is no spread; a shape at the border of 0.1 to 50 for what
   *     lies beyond
   */
  public static GeneralizedGaussian ofMoments(double meanMagnitude, double meanSquare) {
    double wanted = meanMagnitude * meanMagnitude / meanSquare;
    if (!(wanted > 0)) {
      return NONE;
    }
    double low = LEAST;
    double high = GREATEST;
    for (int i = 0; i < 100; i++) {
      double middle = (low + high) / 2;
      if (ratio(middle) < wanted) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return withVariance((low + high) / 2, meanSquare);
  }

  /** Of this shape with E[x²] as given. */
  static GeneralizedGaussian withVariance(double shape, double meanSquare) {
    double scale =
        Math.sqrt(meanSquare) * Math.exp((logGamma(1 / shape) - logGamma(3 / shape)) / 2);
    return new GeneralizedGaussian(shape, scale);
  }

  /** {@code (E|x|)² / E[x²]}, from 0 to 3/4, rising with the shape. */
  static double ratio(double shape) {
    return Math.exp(2 * logGamma(2 / shape) - logGamma(1 / shape) - logGamma(3 / shape));
  }

  /**
   * Nats that a value's density has in the mean.
   *
   * @param meanPower E|x|^ν of the data
   */
  double meanLogDensity(double meanPower) {
    return Math.log(shape / (2 * scale)) - logGamma(1 / shape) - meanPower / Math.pow(scale, shape);
  }

  /** ln Γ(x) for x &gt; 0: Stirling's series from 12 on, the recurrence below. */
  static double logGamma(double x) {
    double product = 1;
    double y = x;
    for (; y < 12; y++) {
      product *= y;
    }
    double r = 1 / (y * y);
    double series =
        (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r * (1.0 / 1680 - r / 1188)))) / y;
    return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - Math.log(product);
  }
}
