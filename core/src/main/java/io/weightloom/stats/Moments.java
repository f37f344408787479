package io.weightloom.stats;

import java.io.Serializable;

/**
 * Mean and central moments of {@code n} values.
 *
 * @param n how many
 * @param mean Σx / n; NaN of nothing
 * @param m2 Σ(x − mean)² / n
 * @param m3 Σ(x − mean)³ / n
 * @param m4 Σ(x − mean)⁴ / n
 */
public record Moments(long n, double mean, double m2, double m3, double m4)
    implements Serializable {
  private static final long serialVersionUID = 1;

  /** From Σx, Σx², Σx³ and Σx⁴, whose rounding a mean far from 0 magnifies. */
  public static Moments ofPowers(long n, double s1, double s2, double s3, double s4) {
    double mean = s1 / n;
    double square = mean * mean;
    double second = s2 / n;
    double third = s3 / n;
    return new Moments(
        n,
        mean,
        n == 0 ? Double.NaN : Math.max(0, second - square),
        third - 3 * mean * second + 2 * square * mean,
        s4 / n - 4 * mean * third + 6 * square * second - 3 * square * square);
  }

  /** The same of x + shift. */
  Moments shifted(double shift) {
    return new Moments(n, mean + shift, m2, m3, m4);
  }

  /** The population's variance, over n. */
  public double variance() {
    return m2;
  }

  /** The sample's variance, over n − 1; NaN below two values. */
  public double sampleVariance() {
    return n < 2 ? Double.NaN : m2 * n / (n - 1.0);
  }

  /** The population's skewness, m₃ / m₂^1.5; NaN if all values are equal. */
  public double skewness() {
    return m2 > 0 ? m3 / (m2 * Math.sqrt(m2)) : Double.NaN;
  }

  /** The sample's skewness G₁, {@code scipy.stats.skew(bias=False)}; NaN below three values. */
  public double sampleSkewness() {
    return n < 3 ? Double.NaN : skewness() * Math.sqrt(n * (n - 1.0)) / (n - 2.0);
  }

  /** The population's excess kurtosis, m₄ / m₂² − 3; NaN if all values are equal. */
  public double kurtosis() {
    return m2 > 0 ? m4 / (m2 * m2) - 3 : Double.NaN;
  }

  /** The sample's G₂, {@code scipy.stats.kurtosis(bias=False)}; NaN below four values. */
  public double sampleKurtosis() {
    return n < 4 ? Double.NaN : (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * kurtosis() + 6);
  }
}
