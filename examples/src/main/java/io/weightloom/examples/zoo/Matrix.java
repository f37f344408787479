package io.weightloom.examples.zoo;

import java.util.Arrays;

/**
 * Products of matrices in plain loops that the JIT compiler turns into SIMD code: it does so for
 * small methods over whole arrays whose factors are arguments, and not if they were read from an
 * array nearby. Each element is summed in one fixed order, so the bits are the same on every
 * machine.
 */
final class Matrix {

  private Matrix() {}

  /** A matrix inside an array: element (i, j) at {@code offset + i·rowStep + j·columnStep}. */
  static final class View {
    private final float[] data;
    private final int offset;
    private final int rowStep;
    private final int columnStep;

    private View(float[] data, int offset, int rowStep, int columnStep) {
      this.data = data;
      this.offset = offset;
      this.rowStep = rowStep;
      this.columnStep = columnStep;
    }

    /** A row-major matrix; the array is borrowed. */
    static View rows(float[] data, int offset, int columns) {
      return new View(data, offset, columns, 1);
    }

    View transposed() {
      return new View(data, offset, columnStep, rowStep);
    }
  }

  /** {@code c = a·b}; see {@link #multiplyAdd}. */
  static void multiply(View a, float[][] b, float[][] c, int m, int k, int n) {
    for (int i = 0; i < m; i++) {
      Arrays.fill(c[i], 0, n, 0f);
    }
    multiplyAdd(a, b, c, m, k, n);
  }

  /** {@code c += a·b} for a of m×k, b and c arrays of k and m rows of n. */
  static void multiplyAdd(View a, float[][] b, float[][] c, int m, int k, int n) {
    for (int i = 0; i < m; i++) {
      multiplyAddRow(a, i, b, c[i], k, n);
    }
  }

  /** {@code c += a[i]·b}: one row of a product. */
  static void multiplyAddRow(View a, int i, float[][] b, float[] c, int k, int n) {
    int step = a.columnStep;
    int at = a.offset + i * a.rowStep;
    float[] d = a.data;
    int p = 0;
    for (; p + 4 <= k; p += 4, at += 4 * step) {
      addFour(
          d[at],
          d[at + step],
          d[at + 2 * step],
          d[at + 3 * step],
          b[p],
          b[p + 1],
          b[p + 2],
          b[p + 3],
          c,
          n);
    }
    for (; p < k; p++, at += step) {
      addOne(d[at], b[p], c, n);
    }
  }

  private static void addFour(
      float a0,
      float a1,
      float a2,
      float a3,
      float[] b0,
      float[] b1,
      float[] b2,
      float[] b3,
      float[] c,
      int n) {
    for (int j = 0; j < n; j++) {
      c[j] += (a0 * b0[j] + a1 * b1[j]) + (a2 * b2[j] + a3 * b3[j]);
    }
  }

  private static void addOne(float a, float[] b, float[] c, int n) {
    for (int j = 0; j < n; j++) {
      c[j] += a * b[j];
    }
  }

  /** {@code out[j][i] = a[i][j]} for a of {@code rows} rows of {@code columns}. */
  static void transpose(float[][] a, int rows, int columns, float[][] out) {
    for (int i = 0; i < rows; i++) {
      float[] row = a[i];
      for (int j = 0; j < columns; j++) {
        out[j][i] = row[j];
      }
    }
  }
}
