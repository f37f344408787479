package io.weightloom.linalg;

/**
 * The Gram matrix {@code Σ bᵀb} of the row blocks b of a matrix: n×n, however many rows there are.
 * Grams of parts add up to the Gram of the whole. The sums depend on how the rows are cut, in the
 * last bits; whoever wants the same bits cuts alike.
 */
public final class Gram {
  private final DenseLinAlg linAlg;
  private final Matrix upper;

  /** The Gram matrix of no rows. */
  public Gram(DenseLinAlg linAlg, int columns) {
    this.linAlg = linAlg;
    this.upper = Matrix.zeros(columns, columns);
  }

  /** Adds rows. */
  public Gram add(Matrix rows) {
    linAlg.addGram(rows, upper);
    return this;
  }

  /** Makes room for other rows. */
  public void clear() {
    java.util.Arrays.fill(upper.values(), 0);
  }

  /** The whole symmetric matrix; the same array at each call. */
  public Matrix matrix() {
    int n = upper.columns();
    double[] g = upper.values();
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < i; j++) {
        g[i * n + j] = g[j * n + i];
      }
    }
    return upper;
  }
}
