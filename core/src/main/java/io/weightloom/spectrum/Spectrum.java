package io.weightloom.spectrum;

import java.io.Serializable;
import java.util.Arrays;

/**
 * The eigenvalues λ = σ² of an N×M matrix, or of the kh·kw slices of a convolution, pooled.
 *
 * @param n the larger dimension of a slice
 * @param m the smaller one: so many eigenvalues a slice
 * @param slices 1 for a matrix
 * @param values in ascending order, none negative
 * @param leastSigma the largest of the slices' smallest singular values; WeightWatcher's sv_min
 * @param rankLoss Σ over slices of m less the numerical rank
 */
@SuppressWarnings("ArrayRecordComponent") // Given away, never compared.
public record Spectrum(int n, int m, int slices, double[] values, double leastSigma, int rankLoss)
    implements Serializable {
  private static final long serialVersionUID = 1;
  private static final double ULP = 0x1p-52;

  /** What WeightWatcher adds to shares and ranks so that logarithms exist. */
  private static final double EPSILON = 1e-10;

  /** Of one matrix. */
  public static Spectrum of(int n, int m, double... values) {
    return pooled(n, m, new double[][] {values}, 1, ULP * n);
  }

  /**
   * Of slices.
   *
   * @param slices the eigenvalues of each, at least one slice, each in any order
   * @param factor of each eigenvalue
   * @param tolerance the share of a slice's largest σ up to which a σ counts as zero
   */
  static Spectrum pooled(int n, int m, double[][] slices, double factor, double tolerance) {
    double[] all = new double[slices.length * slices[0].length];
    double leastSigma = 0;
    int rankLoss = 0;
    for (int s = 0; s < slices.length; s++) {
      double[] own = Arrays.stream(slices[s]).map(v -> Math.max(0, v * factor)).sorted().toArray();
      leastSigma = Math.max(leastSigma, Math.sqrt(own[0]));
      rankLoss += own.length - above(own, tolerance);
      System.arraycopy(own, 0, all, s * own.length, own.length);
    }
    Arrays.sort(all);
    return new Spectrum(n, m, slices.length, all, leastSigma, rankLoss);
  }

  private static int above(double[] ascending, double tolerance) {
    double least = Math.sqrt(ascending[ascending.length - 1]) * tolerance;
    return (int) Arrays.stream(ascending).filter(v -> Math.sqrt(v) > least).count();
  }

  /** N/M. */
  public double q() {
    return (double) n / m;
  }

  /** How many. */
  public int count() {
    return values.length;
  }

  /** λ_max. */
  public double largest() {
    return values[values.length - 1];
  }

  /** Σλ = ‖W‖_F². */
  public double norm() {
    return Arrays.stream(values).sum();
  }

  /** Σλ / λ_max. */
  public double stableRank() {
    return norm() / largest();
  }

  /** Singular values, in ascending order. */
  public double[] sigmas() {
    return Arrays.stream(values).map(Math::sqrt).toArray();
  }

  /** #{σ > tolerance · σ_max}. */
  public int rank(double tolerance) {
    return above(values, tolerance);
  }

  /** How many lie below a bound. */
  public int below(double bound) {
    return (int) Arrays.stream(values).filter(v -> v < bound).count();
  }

  /** How many lie at or above a bound. */
  public int atLeast(double bound) {
    return count() - below(bound);
  }

  /** Those above a bound, in ascending order. */
  public double[] above(double bound) {
    return Arrays.stream(values).filter(v -> v > bound).toArray();
  }

  /**
   * The matrix entropy: −Σ p ln p / ln(rank + ε), p = λ/Σλ + ε, ε = 1e-10; 1 for equal eigenvalues.
   *
   * @param rank the numerical rank
   */
  public double entropy(int rank) {
    double norm = norm();
    double sum = Arrays.stream(values).map(v -> v / norm + EPSILON).map(p -> p * Math.log(p)).sum();
    return -sum / Math.log(rank + EPSILON);
  }

  /** log₁₀ Σ λ^alpha, by way of the largest so that no power overflows. */
  public double logAlphaNorm(double alpha) {
    double most = largest();
    double sum = Arrays.stream(values).map(v -> Math.pow(v / most, alpha)).sum();
    return alpha * Math.log10(most) + Math.log10(sum);
  }
}
