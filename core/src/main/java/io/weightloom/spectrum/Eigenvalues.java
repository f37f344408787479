package io.weightloom.spectrum;

import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.Gram;
import io.weightloom.linalg.Matrix;
import java.util.Arrays;

/**
 * Eigenvalues of WᵀW or WWᵀ, whichever is smaller. Blocks are cut by the shape alone, so that the
 * sums do not depend on how a matrix was read.
 */
final class Eigenvalues {
  private static final int LEAST_BLOCK = 256;

  private final DenseLinAlg linAlg;

  Eigenvalues(DenseLinAlg linAlg) {
    this.linAlg = linAlg;
  }

  /** The Gram matrix of a tall matrix whose rows come one after the other, as they may be read. */
  static final class TallGram {
    private final Gram gram;
    private final Matrix block;
    private final long wanted;
    private long seen;
    private int filled;

    TallGram(DenseLinAlg linAlg, int rows, int columns) {
      this.gram = new Gram(linAlg, columns);
      this.block = Matrix.zeros(Math.min(rows, Math.max(LEAST_BLOCK, columns)), columns);
      this.wanted = (long) rows * columns;
    }

    void append(double[] values, int n) {
      int done = 0;
      while (done < n) {
        int part = Math.min(n - done, block.size() - filled);
        System.arraycopy(values, done, block.values(), filled, part);
        filled += part;
        done += part;
        seen += part;
        if (filled == block.size() || seen == wanted) {
          gram.add(block.firstRows(filled / block.columns()));
          filled = 0;
        }
      }
    }
  }

  /** Ascending; rounding may leave some a little below zero. */
  double[] of(TallGram tall) {
    return linAlg.eigenvalues(tall.gram.matrix());
  }

  /** Of a slice. */
  double[] ofSlice(Matrix slice) {
    Matrix tall = slice.rows() >= slice.columns() ? slice : slice.transposed();
    TallGram gram = new TallGram(linAlg, tall.rows(), tall.columns());
    gram.append(tall.values(), tall.size());
    return of(gram);
  }

  /** Of a matrix without taps that is held. */
  double[] ofHeld(HeldValues held, MatrixView view) {
    return view.rows() < view.columns() ? ofWide(held, view) : ofTall(held, view);
  }

  private double[] ofTall(HeldValues held, MatrixView view) {
    TallGram gram = new TallGram(linAlg, view.rows(), view.columns());
    double[] row = new double[view.columns()];
    for (int r = 0; r < view.rows(); r++) {
      held.row(r, 0, row);
      gram.append(row, row.length);
    }
    return of(gram);
  }

  /** Columns go into the sum in tiles. */
  private double[] ofWide(HeldValues held, MatrixView view) {
    Gram gram = new Gram(linAlg, view.rows());
    Matrix tile =
        Matrix.zeros(Math.min(view.columns(), Math.max(LEAST_BLOCK, view.rows())), view.rows());
    for (int first = 0; first < view.columns(); first += tile.rows()) {
      Matrix part = tile.firstRows(Math.min(tile.rows(), view.columns() - first));
      held.columns(first, part);
      gram.add(part);
    }
    return linAlg.eigenvalues(gram.matrix());
  }

  /** Squares of the singular values of a full decomposition: small ones keep their digits. */
  double[] bySingularValues(Matrix slice) {
    return Arrays.stream(linAlg.singularValues(slice)).map(s -> s * s).sorted().toArray();
  }

  /** λ_max of a slice of a matrix that is held. */
  double largest(HeldValues held, MatrixView view, int tap, double tolerance) {
    double[] row = new double[view.columns()];
    return Lanczos.largest(
        linAlg,
        (x, y) -> {
          for (int r = 0; r < view.rows(); r++) {
            held.row(r, tap, row);
            double along = Lanczos.dot(row, x);
            for (int j = 0; j < y.length; j++) {
              y[j] += along * row[j];
            }
          }
        },
        view.columns(),
        tolerance);
  }
}
