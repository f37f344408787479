package io.weightloom.linalg.openblas;

import static org.bytedeco.openblas.global.openblas.CblasColMajor;
import static org.bytedeco.openblas.global.openblas.CblasLeft;
import static org.bytedeco.openblas.global.openblas.CblasLower;
import static org.bytedeco.openblas.global.openblas.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas.CblasNonUnit;
import static org.bytedeco.openblas.global.openblas.CblasRight;
import static org.bytedeco.openblas.global.openblas.CblasTrans;
import static org.bytedeco.openblas.global.openblas.CblasUpper;

import io.weightloom.linalg.BandMatrix;
import io.weightloom.linalg.Crew;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.openblas.global.openblas;

/**
 * A symmetric matrix to one of few diagonals by reflections, a panel of columns at a time: the
 * first of two stages, nearly all of it products of matrices, where the reduction to three
 * diagonals at once reads the whole matrix for each column (Bischof, Lang and Sun, "A framework for
 * symmetric band reduction", ACM TOMS 26, 2000).
 *
 * <p>Products are cut into tiles by the size of the matrix alone, for whoever has a core to spare.
 */
final class BandReduction implements AutoCloseable {
  /** Diagonals that are left below the main one. */
  static final int WIDTH = 32;

  private static final int TILE = 256;

  private final int n;
  private final DoublePointer a;
  private final DoublePointer panel;
  private final DoublePointer triangle = new DoublePointer((long) WIDTH * WIDTH);
  private final DoublePointer small = new DoublePointer((long) WIDTH * WIDTH);

  /** Copies the lower triangle of a column-major matrix. */
  BandReduction(int n, double[] values) {
    this.n = n;
    this.a = new DoublePointer((long) n * n);
    this.panel = new DoublePointer(3L * WIDTH * n);
    a.put(values, 0, n * n);
  }

  BandMatrix band() {
    for (int k = 0; n - k - WIDTH > 1; k += WIDTH) {
      reduce(k);
    }
    BandMatrix band = new BandMatrix(n, WIDTH);
    double[] column = new double[WIDTH + 1];
    for (int j = 0; j < n; j++) {
      at(j, j).get(column, 0, Math.min(WIDTH + 1, n - j));
      band.setColumn(j, column);
    }
    return band;
  }

  private DoublePointer at(int row, int column) {
    return a.getPointer(row + (long) column * n);
  }

  /** A QR factorisation of what is too far below the diagonal, and its reflections on the rest. */
  private void reduce(int k) {
    int first = k + WIDTH;
    int m = n - first;
    int p = Math.min(m, WIDTH);
    OpenBlasLapack.require(
        openblas.LAPACKE_dgeqrt3(OpenBlasLapack.COLUMNS, m, p, at(first, k), n, triangle, p),
        "dgeqrt3");
    DoublePointer v = panel;
    openblas.LAPACKE_dlacpy(OpenBlasLapack.COLUMNS, (byte) 'L', m, p, at(first, k), n, v, m);
    openblas.LAPACKE_dlaset(OpenBlasLapack.COLUMNS, (byte) 'U', m, p, 0, 1, v, m);
    if (p < WIDTH) {
      applyToRest(m, p, at(first, k + p), WIDTH - p);
    }
    DoublePointer w = panel.getPointer((long) m * p);
    DoublePointer again = panel.getPointer(2L * m * p);
    openblas.LAPACKE_dlacpy(OpenBlasLapack.COLUMNS, (byte) 'A', m, p, v, m, again, m);
    int tiles = -Math.floorDiv(-m, TILE);
    Crew.forEach(tiles, i -> productRows(first, m, p, i * TILE, v, w));
    correct(m, p, v, w);
    Crew.forEach(tiles, i -> updateColumns(first, m, p, i * TILE, v, w));
  }

  /** Columns of a last, short panel that have no reflections of their own: c −= v·tᵀ·vᵀ·c. */
  private void applyToRest(int m, int p, DoublePointer c, int columns) {
    product(CblasTrans, CblasNoTrans, p, columns, m, 1, panel, m, c, n, 0, small, p);
    triangular(CblasLeft, CblasTrans, p, columns, small, p);
    product(CblasNoTrans, CblasNoTrans, m, columns, p, -1, panel, m, small, p, 1, c, n);
  }

  /** Rows of w = a·v, of a the lower triangle being known. */
  private void productRows(int first, int m, int p, int row, DoublePointer v, DoublePointer w) {
    int height = Math.min(TILE, m - row);
    int below = m - row - height;
    DoublePointer out = w.getPointer(row);
    DoublePointer diagonal = at(first + row, first + row);
    openblas.cblas_dsymm(
        CblasColMajor,
        CblasLeft,
        CblasLower,
        height,
        p,
        1,
        diagonal,
        n,
        v.getPointer(row),
        m,
        0,
        out,
        m);
    if (row > 0) {
      DoublePointer left = at(first + row, first);
      product(CblasNoTrans, CblasNoTrans, height, p, row, 1, left, n, v, m, 1, out, m);
    }
    if (below > 0) {
      DoublePointer under = at(first + row + height, first + row);
      DoublePointer rest = v.getPointer(row + height);
      product(CblasTrans, CblasNoTrans, height, p, below, 1, under, n, rest, m, 1, out, m);
    }
  }

  /** w ← x − ½·v·tᵀ·vᵀ·x with x = w·t, so that qᵀ·a·q = a − v·wᵀ − w·vᵀ. */
  private void correct(int m, int p, DoublePointer v, DoublePointer w) {
    triangular(CblasRight, CblasNoTrans, m, p, w, m);
    product(CblasTrans, CblasNoTrans, p, p, m, 1, v, m, w, m, 0, small, p);
    triangular(CblasLeft, CblasTrans, p, p, small, p);
    product(CblasNoTrans, CblasNoTrans, m, p, p, -0.5, v, m, small, p, 1, w, m);
  }

  /** Columns of a − (v w)·(w v)ᵀ, from the diagonal down. */
  private void updateColumns(
      int first, int m, int p, int column, DoublePointer v, DoublePointer w) {
    int count = Math.min(TILE, m - column);
    product(
        CblasNoTrans,
        CblasTrans,
        m - column,
        count,
        2 * p,
        -1,
        v.getPointer(column),
        m,
        w.getPointer(column),
        m,
        1,
        at(first + column, first + column),
        n);
  }

  private void triangular(int side, int transpose, int m, int p, DoublePointer b, int ldb) {
    int size = side == CblasLeft ? m : p;
    openblas.cblas_dtrmm(
        CblasColMajor, side, CblasUpper, transpose, CblasNonUnit, m, p, 1, triangle, size, b, ldb);
  }

  private static void product(
      int transposeA,
      int transposeB,
      int m,
      int n,
      int k,
      double alpha,
      DoublePointer a,
      int lda,
      DoublePointer b,
      int ldb,
      double beta,
      DoublePointer c,
      int ldc) {
    openblas.cblas_dgemm(
        CblasColMajor, transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  }

  @Override
  public void close() {
    a.close();
    panel.close();
    triangle.close();
    small.close();
  }
}
