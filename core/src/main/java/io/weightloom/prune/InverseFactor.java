package io.weightloom.prune;

import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.Matrix;
import java.util.Optional;

/**
 * The upper triangular U with {@code UᵀU = a⁻¹}, by blocks: what the optimal brain surgeon takes
 * from the inverse Hessian when it goes through columns in order (Frantar and Alistarh, 2023,
 * "SparseGPT", §3.3).
 */
final class InverseFactor {
  private static final int PANEL = 64;

  private InverseFactor() {}

  /** Empty if the matrix or its inverse is not numerically positive definite. */
  static Optional<Matrix> of(Matrix spd, DenseLinAlg linAlg) {
    return linAlg
        .cholesky(spd)
        .flatMap(
            factor -> {
              Matrix inverse = Matrix.zeros(spd.rows(), spd.rows());
              for (int i = 0; i < spd.rows(); i++) {
                inverse.values()[i * spd.rows() + i] = 1;
              }
              factor.solve(inverse);
              return upper(inverse, linAlg) ? Optional.of(inverse) : Optional.empty();
            });
  }

  /** Replaces a symmetric matrix by its upper factor; says whether it has one. */
  private static boolean upper(Matrix a, DenseLinAlg linAlg) {
    int n = a.rows();
    for (int first = 0; first < n; first += PANEL) {
      int height = Math.min(PANEL, n - first);
      if (!panel(a, first, height)) {
        return false;
      }
      update(a, first, height, linAlg);
      for (int i = first; i < first + height; i++) {
        java.util.Arrays.fill(a.values(), i * n, i * n + i, 0);
      }
    }
    return true;
  }

  /** Factors rows [first, first + height) from the diagonal on; all before is subtracted. */
  private static boolean panel(Matrix a, int first, int height) {
    int n = a.columns();
    double[] v = a.values();
    for (int i = first; i < first + height; i++) {
      double pivot = v[i * n + i];
      if (!(pivot > 0)) {
        return false;
      }
      double root = Math.sqrt(pivot);
      for (int j = i; j < n; j++) {
        v[i * n + j] /= root;
      }
      for (int k = i + 1; k < first + height; k++) {
        double factor = v[i * n + k];
        for (int j = k; j < n; j++) {
          v[k * n + j] -= factor * v[i * n + j];
        }
      }
    }
    return true;
  }

  /** Subtracts what a panel explains from the rows behind it. */
  private static void update(Matrix a, int first, int height, DenseLinAlg linAlg) {
    int n = a.columns();
    for (int row = first + height; row < n; row += PANEL) {
      int rows = Math.min(PANEL, n - row);
      Matrix left = part(a, first, height, row, rows);
      Matrix right = part(a, first, height, row, n - row);
      Matrix target = part(a, row, rows, row, n - row);
      linAlg.multiply(-1, left, Op.TRANSPOSED, right, Op.AS_IS, 1, target);
      for (int i = 0; i < rows; i++) {
        System.arraycopy(
            target.values(), i * target.columns(), a.values(), (row + i) * n + row, n - row);
      }
    }
  }

  /** A copy of some rows and columns. */
  static Matrix part(Matrix a, int row, int rows, int column, int columns) {
    Matrix part = Matrix.zeros(rows, columns);
    for (int i = 0; i < rows; i++) {
      System.arraycopy(
          a.values(), (row + i) * a.columns() + column, part.values(), i * columns, columns);
    }
    return part;
  }
}
