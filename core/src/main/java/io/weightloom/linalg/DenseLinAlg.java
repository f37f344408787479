package io.weightloom.linalg;

import io.weightloom.error.WeightloomException;
import java.util.Optional;

/**
 * Dense linear algebra in fp64. Implementations are thread-safe, use one thread a call, and give
 * the same bits for the same arguments on one machine; two implementations agree to rounding and to
 * the signs of singular vectors.
 *
 * <p>Matrices are row-major. Factorisations leave their arguments as they are.
 *
 * @see LinAlgRegistry
 */
public interface DenseLinAlg {

  /** Whether a factor of a product is taken as it is or transposed. */
  enum Op {
    AS_IS,
    TRANSPOSED
  }

  /**
   * The thin singular value decomposition {@code a = u · diag(values) · vt} of an m×n matrix, k
   * being the smaller of m and n.
   *
   * @param u m×k, orthonormal columns
   * @param values the k singular values in descending order
   * @param vt k×n, orthonormal rows
   */
  record Svd(Matrix u, double[] values, Matrix vt) {}

  /**
   * Eigenvalues and eigenvectors of a symmetric n×n matrix.
   *
   * @param values in ascending order
   * @param vectors n×n; row i is the unit eigenvector of {@code values[i]}
   */
  record Eigen(double[] values, Matrix vectors) {}

  /** A factor of a symmetric positive definite matrix {@code a}. */
  interface Cholesky {
    /** Replaces each row r of {@code rows} by r·a⁻¹, which is a⁻¹·rᵀ. */
    void solve(Matrix rows);
  }

  /** The provider's name. */
  String name();

  /**
   * {@code c = alpha · op(a) · op(b) + beta · c}; with {@code beta} 0 what {@code c} held does not
   * matter.
   */
  void multiply(double alpha, Matrix a, Op opA, Matrix b, Op opB, double beta, Matrix c);

  /** {@code op(a) · op(b)}. */
  default Matrix multiply(Matrix a, Op opA, Matrix b, Op opB) {
    int rows = opA == Op.AS_IS ? a.rows() : a.columns();
    int columns = opB == Op.AS_IS ? b.columns() : b.rows();
    Matrix c = Matrix.zeros(rows, columns);
    multiply(1, a, opA, b, opB, 0, c);
    return c;
  }

  /**
   * Adds the upper triangle of {@code rowsᵀ · rows} to that of {@code gram}; what lies below it may
   * change. {@link Gram} keeps such sums.
   */
  void addGram(Matrix rows, Matrix gram);

  /**
   * The triangular factor r of a QR factorisation of an m×n matrix: min(m, n)×n, upper triangular,
   * {@code rᵀr = aᵀa} without the loss of digits that forming {@code aᵀa} brings.
   *
   * @throws WeightloomException if an element is NaN or infinite
   */
  Matrix triangle(Matrix a);

  /**
   * The thin singular value decomposition.
   *
   * @throws WeightloomException if an element is NaN or infinite, or the iteration fails
   */
  Svd svd(Matrix a);

  /**
   * The singular values in descending order.
   *
   * @throws WeightloomException as {@link #svd}
   */
  double[] singularValues(Matrix a);

  /**
   * Eigenvalues and eigenvectors; only the upper triangle is looked at.
   *
   * @throws WeightloomException if an element is NaN or infinite, or the iteration fails
   */
  Eigen eigen(Matrix symmetric);

  /**
   * The eigenvalues in ascending order; only the upper triangle is looked at.
   *
   * @throws WeightloomException as {@link #eigen}
   */
  double[] eigenvalues(Matrix symmetric);

  /**
   * The Cholesky factor; only the upper triangle is looked at. Empty if the matrix is not
   * numerically positive definite: a pivot is not above n·2⁻⁵² of the largest diagonal element.
   *
   * @throws WeightloomException if an element is NaN or infinite
   */
  Optional<Cholesky> cholesky(Matrix spd);

  /**
   * The rows r·a⁻¹ for the rows r, {@code a} being symmetric positive definite; empty if it is not,
   * as {@link #cholesky} has it.
   */
  default Optional<Matrix> solve(Matrix spd, Matrix rows) {
    return cholesky(spd)
        .map(
            factor -> {
              Matrix x = rows.copy();
              factor.solve(x);
              return x;
            });
  }
}
