package io.weightloom.merge.matrix;

import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.DenseLinAlg.Svd;
import io.weightloom.linalg.Matrix;
import java.util.Arrays;

/**
 * The orthogonal factor of a polar decomposition: u·vᵀ of x = u·diag(σ)·vᵀ, the matrix with
 * orthonormal rows or columns that is nearest to x. Directions in which x is zero to rounding are
 * left out: they have no nearest direction, and what a library returns for them is arbitrary.
 *
 * @param factor of x's size; an isometry if the rank is full
 * @param rank number of directions
 */
public record Polar(Matrix factor, int rank) {

  /** By a singular value decomposition: accurate to rounding times 1/σ of the last direction. */
  public static Polar of(Matrix x, DenseLinAlg linAlg) {
    return of(linAlg.svd(x), linAlg);
  }

  /** Of a matrix that is decomposed already; scales {@code svd}'s vectors. */
  static Polar of(Svd svd, DenseLinAlg linAlg) {
    int rank = rank(svd);
    double[] ones = new double[svd.values().length];
    Arrays.fill(ones, 0, rank, 1);
    svd.vt().scaleRows(ones);
    return new Polar(linAlg.multiply(svd.u(), Op.AS_IS, svd.vt(), Op.AS_IS), rank);
  }

  private static int rank(Svd svd) {
    return rank(svd, Math.max(svd.u().rows(), svd.vt().columns()));
  }

  /** Singular values that are not zero to rounding, for a matrix whose longer side this is. */
  static int rank(Svd svd, int side) {
    double[] values = svd.values();
    double least = values.length == 0 ? 0 : side * Math.ulp(1.0) * values[0];
    return (int) Arrays.stream(values).filter(v -> v > least).count();
  }

  /** Bytes that {@link #of} holds beside x, for an m×n x. */
  public static long bytes(long m, long n) {
    return Subspace.svdBytes(m, n) + Double.BYTES * m * n;
  }
}
