package io.weightloom.compare;

import io.weightloom.linalg.Matrix;

/**
 * A matrix of fp32 values that comes element after element, and is looked at with its longer side
 * downwards.
 */
final class TallMatrix {
  private static final int PIECE = 1 << 20;
  private static final int LEAST_BLOCK = 256;

  private final int rows;
  private final int columns;
  private final float[][] pieces;
  private long filled;

  /**
   * @param rows as it is stored
   * @param columns likewise
   */
  TallMatrix(int rows, int columns) {
    this.rows = rows;
    this.columns = columns;
    long elements = (long) rows * columns;
    this.pieces = new float[Math.toIntExact(-Math.floorDiv(-elements, (long) PIECE))][];
    for (int p = 0; p < pieces.length; p++) {
      pieces[p] = new float[(int) Math.min(PIECE, elements - (long) p * PIECE)];
    }
  }

  /** Whether a row here is a stored column. */
  boolean isTransposed() {
    return rows < columns;
  }

  /** The longer side. */
  int height() {
    return Math.max(rows, columns);
  }

  /** The shorter side. */
  int width() {
    return Math.min(rows, columns);
  }

  /** Takes the next stored values in. */
  void append(float[] values, int n) {
    for (int i = 0; i < n; i++) {
      pieces[(int) (filled / PIECE)][(int) (filled % PIECE)] = values[i];
      filled++;
    }
  }

  private float at(int row, int column) {
    long at = (long) row * columns + column;
    return pieces[(int) (at / PIECE)][(int) (at % PIECE)];
  }

  /**
   * Copies rows.
   *
   * @param first of them
   * @param into as many as it has, of {@link #width}
   */
  void copy(int first, Matrix into) {
    double[] to = into.values();
    int width = width();
    if (!isTransposed()) {
      for (int i = 0; i < into.rows(); i++) {
        for (int j = 0; j < width; j++) {
          to[i * width + j] = at(first + i, j);
        }
      }
      return;
    }
    for (int j = 0; j < width; j++) {
      for (int i = 0; i < into.rows(); i++) {
        to[i * width + j] = at(j, first + i);
      }
    }
  }

  /** What is done with a block of rows. */
  @FunctionalInterface
  interface BlockUse {
    void of(int first, Matrix rows);
  }

  /**
   * Shows all rows in blocks that are cut by the shape alone, so that sums over them are the same
   * for everyone; the buffer is used again.
   */
  void blocks(BlockUse use) {
    int step = Math.min(height(), Math.max(LEAST_BLOCK, width()));
    Matrix buffer = Matrix.zeros(step, width());
    for (int first = 0; first < height(); first += step) {
      Matrix block = buffer.firstRows(Math.min(step, height() - first));
      copy(first, block);
      use.of(first, block);
    }
  }
}
