package io.weightloom.compare;

import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.Matrix;

/**
 * Linear CKA of two matrices of one shape, not centred: {@code ⟨K, L⟩ / (‖K‖‖L‖)} of their Gram
 * matrices on one side, from 0 to 1 (Kornblith et al., 2019, "Similarity of Neural Network
 * Representations Revisited", §3). A rotation of the other side does not show. It weighs all
 * singular directions by σ², where {@link Subspaces#overlap} takes some of them alike. NaN if a
 * matrix is 0.
 */
final class Cka {

  private Cka() {}

  /** On the shorter side. */
  static double inner(Matrix gram, Matrix other) {
    double product = 0;
    for (int i = 0; i < gram.size(); i++) {
      product += gram.values()[i] * other.values()[i];
    }
    return share(product, gram, other);
  }

  /** On the longer side, where {@code ⟨AAᵀ, BBᵀ⟩ = ‖AᵀB‖²_F} and {@code ‖AAᵀ‖_F = ‖AᵀA‖_F}. */
  static double outer(TallMatrix a, Matrix gram, TallMatrix b, Matrix other, DenseLinAlg linAlg) {
    Matrix cross = Matrix.zeros(a.width(), a.width());
    a.blocks(
        (first, rows) -> {
          Matrix beside = Matrix.zeros(rows.rows(), rows.columns());
          b.copy(first, beside);
          linAlg.multiply(1, rows, Op.TRANSPOSED, beside, Op.AS_IS, 1, cross);
        });
    return share(cross.sumOfSquares(), gram, other);
  }

  private static double share(double product, Matrix gram, Matrix other) {
    return Math.min(1, product / Math.sqrt(gram.sumOfSquares() * other.sumOfSquares()));
  }
}
