package io.weightloom.stats;

import io.weightloom.merge.Arith;
import java.io.Serializable;

/** The greatest magnitude of each column; of F64 the least fp32 value that is not below. */
final class ColumnMaxima implements Serializable {
  private static final long serialVersionUID = 1;

  private final int columns;
  private final float[][] chunks;

  ColumnMaxima(int columns) {
    this.columns = columns;
    this.chunks = new float[-Math.floorDiv(-columns, Arith.CAPACITY)][Arith.CAPACITY];
  }

  /**
   * Takes a part of a row in.
   *
   * @param column of the first value
   * @param x finite values
   * @param n at most {@link Arith#CAPACITY}
   */
  void add(int column, float[] x, int n) {
    if (column % Arith.CAPACITY == 0) {
      widen(chunks[column / Arith.CAPACITY], x, n);
    } else {
      for (int i = 0; i < n; i++) {
        add(column + i, x[i]);
      }
    }
  }

  /** Loops over two arrays by one index are what the compiler makes vectors of. */
  private static void widen(float[] maxima, float[] x, int n) {
    for (int i = 0; i < n; i++) {
      maxima[i] = Math.max(maxima[i], Math.abs(x[i]));
    }
  }

  /** Takes a finite value in. */
  void add(int column, double x) {
    float[] chunk = chunks[column / Arith.CAPACITY];
    int at = column % Arith.CAPACITY;
    chunk[at] = Math.max(chunk[at], floatFrom(Math.abs(x)));
  }

  /** The least float that is not below: no value but 0 becomes 0. */
  private static float floatFrom(double x) {
    float nearest = (float) x;
    return nearest < x ? Math.nextUp(nearest) : nearest;
  }

  void merge(ColumnMaxima other) {
    for (int c = 0; c < chunks.length; c++) {
      widen(chunks[c], other.chunks[c], Arith.CAPACITY);
    }
  }

  float[] values() {
    float[] values = new float[columns];
    for (int at = 0; at < columns; at += Arith.CAPACITY) {
      int n = Math.min(Arith.CAPACITY, columns - at);
      System.arraycopy(chunks[at / Arith.CAPACITY], 0, values, at, n);
    }
    return values;
  }
}
