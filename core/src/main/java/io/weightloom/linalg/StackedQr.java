package io.weightloom.linalg;

/**
 * The triangular factor of a tall matrix that is never whole in memory: rows are collected and
 * factored together with the triangle of those before (TSQR; Demmel et al., 2012,
 * "Communication-optimal parallel and sequential QR and LU factorizations"). As accurate as
 * factoring the whole; the bits depend on nothing but the rows, however they are handed in.
 */
public final class StackedQr {
  private final DenseLinAlg linAlg;
  private final Matrix stack;
  private int filled;

  /** Of no rows yet. */
  public StackedQr(DenseLinAlg linAlg, int columns) {
    this.linAlg = linAlg;
    this.stack = Matrix.zeros(Math.multiplyExact(2, columns), columns);
  }

  /** Adds rows. */
  public void add(Matrix rows) {
    int n = stack.columns();
    for (int done = 0; done < rows.rows(); ) {
      if (filled == stack.rows()) {
        reduce();
      }
      int count = Math.min(rows.rows() - done, stack.rows() - filled);
      System.arraycopy(rows.values(), done * n, stack.values(), filled * n, count * n);
      filled += count;
      done += count;
    }
  }

  private Matrix reduce() {
    Matrix triangle = linAlg.triangle(stack.firstRows(filled));
    System.arraycopy(triangle.values(), 0, stack.values(), 0, triangle.size());
    filled = triangle.rows();
    return triangle;
  }

  /** The triangle of all rows so far: min(rows, columns)×columns. */
  public Matrix triangle() {
    return reduce();
  }

  /** Bytes held for this many columns, the library's copy included. */
  public static long bytes(long columns) {
    return Double.BYTES * 5 * columns * columns;
  }
}
