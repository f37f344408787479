package io.weightloom.merge.matrix;

import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.DenseLinAlg.Svd;
import io.weightloom.linalg.Matrix;
import java.util.Arrays;

/**
 * Singular triplets of several m×n matrices side by side: {@code u} m×k, {@code vt} k×n, filled
 * block after block. The methods of this family make both orthogonal together and put new singular
 * values between them.
 */
public final class Subspace {
  private final DenseLinAlg linAlg;
  private final Matrix u;
  private final Matrix vt;
  private final double[] values;
  private int filled;

  /** Room for {@code k} triplets. */
  public Subspace(int m, int n, int k, DenseLinAlg linAlg) {
    this.linAlg = linAlg;
    this.u = Matrix.zeros(m, k);
    this.vt = Matrix.zeros(k, n);
    this.values = new double[k];
  }

  /** Puts the first {@code count} triplets behind those that are there. */
  public void add(Svd svd, int count) {
    int k = u.columns();
    int from = svd.u().columns();
    for (int i = 0; i < u.rows(); i++) {
      System.arraycopy(svd.u().values(), i * from, u.values(), i * k + filled, count);
    }
    int n = vt.columns();
    System.arraycopy(svd.vt().values(), 0, vt.values(), filled * n, count * n);
    System.arraycopy(svd.values(), 0, values, filled, count);
    filled += count;
  }

  /** The singular values as they were added. */
  public double[] values() {
    return values;
  }

  /** Gives every triplet the mean of all singular values. */
  public void makeIsotropic() {
    Arrays.fill(values, Arrays.stream(values).average().orElse(0));
  }

  /** polar(u) · diag(values) · polar(vt). */
  public Matrix orthogonalised() {
    Matrix right = Polar.of(vt, linAlg).factor();
    right.scaleRows(values);
    return linAlg.multiply(Polar.of(u, linAlg).factor(), Op.AS_IS, right, Op.AS_IS);
  }

  /** Bytes of a thin singular value decomposition of an m×n matrix, LAPACK's copy included. */
  public static long svdBytes(long m, long n) {
    long k = Math.min(m, n);
    return Double.BYTES * (m * n + m * k + k * n + 5 * k * k);
  }

  /** Bytes of {@code k} triplets and of what {@link #orthogonalised} holds beside them. */
  public static long bytes(long m, long n, long k) {
    return Double.BYTES * (2 * k * (m + n) + m * n)
        + Math.max(Polar.bytes(m, k), Polar.bytes(k, n));
  }
}
