package io.weightloom.spectrum;

import io.weightloom.linalg.Matrix;
import io.weightloom.merge.Arith;
import java.util.ArrayList;
import java.util.List;

/**
 * The elements of one matrix, exactly, in as little memory as that takes: four bytes each, eight in
 * pieces that hold a value which fp32 has not.
 */
final class HeldValues {
  private static final int PIECE = 1 << 16;

  private final MatrixView view;
  private final List<Piece> pieces = new ArrayList<>();
  private final double[] last = new double[PIECE];
  private int filled;

  HeldValues(MatrixView view) {
    this.view = view;
  }

  private sealed interface Piece {
    void copy(int from, double[] to, int at, int n);
  }

  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  private record Narrow(float[] values) implements Piece {
    @Override
    public void copy(int from, double[] to, int at, int n) {
      for (int i = 0; i < n; i++) {
        to[at + i] = values[from + i];
      }
    }
  }

  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  private record Wide(double[] values) implements Piece {
    @Override
    public void copy(int from, double[] to, int at, int n) {
      System.arraycopy(values, from, to, at, n);
    }
  }

  /** Takes the next values in. */
  void append(double[] values, int n) {
    int done = 0;
    while (done < n) {
      int part = Math.min(n - done, PIECE - filled);
      System.arraycopy(values, done, last, filled, part);
      filled += part;
      done += part;
      if (filled == PIECE) {
        pieces.add(piece());
        filled = 0;
      }
    }
  }

  private Piece piece() {
    float[] narrow = new float[filled];
    for (int i = 0; i < filled; i++) {
      narrow[i] = (float) last[i];
      if (narrow[i] != last[i]) {
        return new Wide(java.util.Arrays.copyOf(last, filled));
      }
    }
    return new Narrow(narrow);
  }

  /** Says that no more come. */
  void close() {
    if (filled > 0) {
      pieces.add(piece());
      filled = 0;
    }
  }

  private void copy(long from, double[] to, int at, int n) {
    int done = 0;
    while (done < n) {
      int piece = (int) ((from + done) / PIECE);
      int offset = (int) ((from + done) % PIECE);
      int part = Math.min(n - done, PIECE - offset);
      pieces.get(piece).copy(offset, to, at + done, part);
      done += part;
    }
  }

  /** Row {@code row} of the slice of one tap. */
  void row(int row, int tap, double[] to) {
    int taps = view.taps();
    if (taps == 1) {
      copy((long) row * view.columns(), to, 0, view.columns());
      return;
    }
    double[] part = new double[taps * Math.min(view.columns(), Math.max(1, Arith.CAPACITY / taps))];
    int most = part.length / taps;
    for (int first = 0; first < view.columns(); first += most) {
      int n = Math.min(most, view.columns() - first);
      copy(((long) row * view.columns() + first) * taps, part, 0, n * taps);
      for (int j = 0; j < n; j++) {
        to[first + j] = part[j * taps + tap];
      }
    }
  }

  /** The slice of one tap, as a new matrix. */
  Matrix slice(int tap) {
    Matrix slice = Matrix.zeros(view.rows(), view.columns());
    double[] row = new double[view.columns()];
    for (int r = 0; r < view.rows(); r++) {
      row(r, tap, row);
      System.arraycopy(row, 0, slice.values(), r * view.columns(), row.length);
    }
    return slice;
  }

  /**
   * Columns {@code first} and on of the only slice, transposed: a row of the result is a column.
   */
  void columns(int first, Matrix into) {
    int rows = view.rows();
    double[] part = new double[into.rows()];
    for (int r = 0; r < rows; r++) {
      copy((long) r * view.columns() + first, part, 0, part.length);
      for (int j = 0; j < part.length; j++) {
        into.values()[j * rows + r] = part[j];
      }
    }
  }
}
