package io.weightloom.linalg;

import io.weightloom.error.WeightloomException;
import java.io.Serializable;
import java.util.Arrays;

/**
 * An fp64 matrix, row after row, as checkpoints store them. A view: the array belongs to whoever
 * made it and may be longer than the matrix, as a buffer's is.
 *
 * @param rows number of rows
 * @param columns number of columns
 * @param values element (i, j) at {@code i · columns + j}
 */
public record Matrix(int rows, int columns, double[] values) implements Serializable {
  private static final long serialVersionUID = 1;
  private static final int MOST = Integer.MAX_VALUE - 8;

  public Matrix {
    if (rows < 0 || columns < 0 || (long) rows * columns > values.length) {
      throw new IllegalArgumentException(
          "%d × %d matrix in an array of %d".formatted(rows, columns, values.length));
    }
  }

  /**
   * Zeros.
   *
   * @throws WeightloomException if an array cannot hold it
   */
  public static Matrix zeros(int rows, int columns) {
    if ((long) rows * columns > MOST) {
      throw WeightloomException.input(
          "Cannot hold a %d × %d matrix: an array has %d elements at most (keep such tensors out of the matrices)"
              .formatted(rows, columns, MOST));
    }
    return new Matrix(rows, columns, new double[rows * columns]);
  }

  /** Copies rows of equal length, at least one. */
  public static Matrix of(double[]... rows) {
    Matrix m = zeros(rows.length, rows[0].length);
    for (int i = 0; i < rows.length; i++) {
      if (rows[i].length != m.columns) {
        throw new IllegalArgumentException(
            "row %d has %d values, the first %d".formatted(i, rows[i].length, m.columns));
      }
      System.arraycopy(rows[i], 0, m.values, i * m.columns, m.columns);
    }
    return m;
  }

  public double at(int row, int column) {
    return values[row * columns + column];
  }

  /** Number of elements. */
  public int size() {
    return rows * columns;
  }

  /** The first rows, on the same array. */
  public Matrix firstRows(int count) {
    return new Matrix(count, columns, values);
  }

  public Matrix copy() {
    return new Matrix(rows, columns, Arrays.copyOf(values, size()));
  }

  public Matrix transposed() {
    Matrix t = zeros(columns, rows);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        t.values[j * rows + i] = values[i * columns + j];
      }
    }
    return t;
  }

  /** Σ of the squares of all elements, in their order. */
  public double sumOfSquares() {
    double sum = 0;
    for (int i = 0; i < size(); i++) {
      sum += values[i] * values[i];
    }
    return sum;
  }

  /** Multiplies row {@code i} by {@code factors[i]}, in place. */
  public void scaleRows(double[] factors) {
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        values[i * columns + j] *= factors[i];
      }
    }
  }

  /** Multiplies everything, in place. */
  public void scale(double factor) {
    for (int i = 0; i < size(); i++) {
      values[i] *= factor;
    }
  }

  /** Adds {@code factor} times a matrix of the same size, in place. */
  public void add(double factor, Matrix other) {
    for (int i = 0; i < size(); i++) {
      values[i] += factor * other.values[i];
    }
  }

  @Override
  public String toString() {
    return rows + " × " + columns + " matrix";
  }
}
