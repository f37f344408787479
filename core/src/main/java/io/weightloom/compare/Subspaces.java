package io.weightloom.compare;

import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.Gram;
import io.weightloom.linalg.Matrix;

/**
 * The leading singular directions of a matrix: eigenvectors of its Gram matrix on the shorter side,
 * and what the matrix makes of them on the longer one.
 *
 * @param gram the Gram matrix, of the shorter side
 * @param inner r × the shorter side; a row is a unit vector, of the largest σ the first
 * @param outer r × the longer side
 */
record Subspaces(Matrix gram, Matrix inner, Matrix outer) {
  private static final double ULP = 0x1p-52;

  /** How many directions there are. */
  int rank() {
    return inner.rows();
  }

  /**
   * Finds them.
   *
   * @param directions at most so many; fewer of a matrix of lower rank, whose σ² are above height ·
   *     2⁻⁵² of the largest
   */
  static Subspaces of(TallMatrix matrix, int directions, DenseLinAlg linAlg) {
    int width = matrix.width();
    int height = matrix.height();
    Gram sum = new Gram(linAlg, width);
    matrix.blocks((first, rows) -> sum.add(rows));
    Matrix gram = sum.matrix();
    DenseLinAlg.Eigen eigen = linAlg.eigen(gram);
    double least = height * ULP * eigen.values()[width - 1];
    int rank = 0;
    while (rank < Math.min(directions, width) && eigen.values()[width - 1 - rank] > least) {
      rank++;
    }
    Matrix inner = Matrix.zeros(rank, width);
    for (int r = 0; r < rank; r++) {
      System.arraycopy(
          eigen.vectors().values(), (width - 1 - r) * width, inner.values(), r * width, width);
    }
    Matrix outer = Matrix.zeros(rank, height);
    if (rank > 0) {
      matrix.blocks(
          (first, rows) -> {
            Matrix images = linAlg.multiply(inner, Op.AS_IS, rows, Op.TRANSPOSED);
            for (int r = 0; r < images.rows(); r++) {
              System.arraycopy(
                  images.values(),
                  r * rows.rows(),
                  outer.values(),
                  r * height + first,
                  rows.rows());
            }
          });
    }
    double[] perSigma = new double[rank];
    for (int r = 0; r < rank; r++) {
      perSigma[r] = 1 / Math.sqrt(eigen.values()[width - 1 - r]);
    }
    outer.scaleRows(perSigma);
    return new Subspaces(gram, inner, outer);
  }

  /**
   * ‖ABᵀ‖²_F / r of the first r rows of two matrices of orthonormal rows: the mean squared cosine
   * of the angles between the subspaces, from 0 to 1; NaN if r is 0.
   */
  static double overlap(Matrix a, Matrix b, int r) {
    double sum = 0;
    for (int i = 0; i < r; i++) {
      for (int j = 0; j < r; j++) {
        double dot = 0;
        for (int c = 0; c < a.columns(); c++) {
          dot += a.values()[i * a.columns() + c] * b.values()[j * b.columns() + c];
        }
        sum += dot * dot;
      }
    }
    return Math.min(1, sum / r);
  }
}
