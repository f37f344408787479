package io.weightloom.linalg;

import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * A symmetric matrix whose elements more than {@code width} off the diagonal are zero, and its
 * reduction to a tridiagonal one: the second of two stages, the first being products of matrices
 * (Bischof, Lang and Sun, "A framework for symmetric band reduction", ACM TOMS 26, 2000).
 *
 * <p>A sweep turns one column tridiagonal by a reflection and chases the bulge which that makes
 * down the band, block by block. A sweep may follow the one before it two blocks behind, so that
 * several go down the band at once; what they compute does not depend on how many.
 */
public final class BandMatrix {
  private static final int PATIENCE = 2000;
  private static final int APART = 16;

  private final int n;
  private final int width;

  /** Twice the width: room for bulges. */
  private final int stride;

  private final double[] values;

  /** Zeros. */
  public BandMatrix(int n, int width) {
    this.n = n;
    this.width = width;
    this.stride = 2 * width;
    this.values = new double[Math.multiplyExact(n, stride)];
  }

  /**
   * Sets what lies on and below the diagonal of a column.
   *
   * @param column element (column + i, column) at i, for i up to the width
   */
  public void setColumn(int index, double[] column) {
    System.arraycopy(column, 0, values, index * stride, Math.min(width + 1, n - index));
  }

  /**
   * Reduces; what the band held is lost.
   *
   * @param diagonal receives n values
   * @param below receives the n − 1 values beside it
   */
  public void toTridiagonal(double[] diagonal, double[] below) {
    if (width > 1) {
      AtomicIntegerArray done = new AtomicIntegerArray(Math.multiplyExact(n, APART));
      Crew.forEach(Math.max(0, n - 2), j -> new Sweep(j, done).run());
    }
    for (int j = 0; j < n; j++) {
      diagonal[j] = values[j * stride];
      if (j + 1 < n) {
        below[j] = values[j * stride + 1];
      }
    }
  }

  /** The place of element (row, column). */
  private int at(int row, int column) {
    return column * stride + row - column;
  }

  private final class Sweep {
    private final int column;
    private final AtomicIntegerArray done;
    private final double[] v = new double[width];
    private final double[] u = new double[width];
    private final double[] w = new double[width];

    Sweep(int column, AtomicIntegerArray done) {
      this.column = column;
      this.done = done;
    }

    void run() {
      try {
        chase();
      } finally {
        done.setRelease(column * APART, Integer.MAX_VALUE);
      }
    }

    private void chase() {
      double[] mine = v;
      double[] next = u;
      int first = column + 1;
      int length = Math.min(width, n - first);
      awaitBlock(0);
      double tau = reflect(at(first, column), length, mine);
      for (int block = 0; ; block++) {
        awaitBlock(block);
        if (tau != 0) {
          bothSides(first, length, mine, tau);
        }
        int below = first + length;
        int height = Math.min(width, n - below);
        if (height <= 0) {
          return;
        }
        if (tau != 0) {
          fromRight(below, height, first, length, mine, tau);
        }
        tau = reflect(at(below, first), height, next);
        if (tau != 0) {
          fromLeft(below, height, first + 1, length - 1, next, tau);
        }
        done.setRelease(column * APART, block + 1);
        double[] swap = mine;
        mine = next;
        next = swap;
        first = below;
        length = height;
      }
    }

    /** Gives way after a while: whoever is waited for may want this core. */
    @SuppressWarnings("ThreadPriorityCheck")
    private void awaitBlock(int block) {
      int before = column - 1;
      for (int i = 0; before >= 0 && done.getAcquire(before * APART) < block + 2; i++) {
        if (i < PATIENCE) {
          Thread.onSpinWait();
        } else {
          Thread.yield();
        }
      }
    }

    /**
     * The reflection I − τvvᵀ that leaves a vector but its first element zero, applied to it.
     *
     * @param at where the vector is
     * @return τ, 0 where there is nothing to do
     */
    private double reflect(int at, int length, double[] vector) {
      double sum = dot(values, at + 1, values, at + 1, length - 1);
      if (sum == 0) {
        return 0;
      }
      double head = values[at];
      double norm = Math.sqrt(head * head + sum);
      double beta = head > 0 ? -norm : norm;
      double factor = 1 / (head - beta);
      vector[0] = 1;
      for (int i = 1; i < length; i++) {
        vector[i] = values[at + i] * factor;
        values[at + i] = 0;
      }
      values[at] = beta;
      return (beta - head) / beta;
    }

    /** The symmetric block at {@code first} between two reflections. */
    private void bothSides(int first, int length, double[] vector, double tau) {
      java.util.Arrays.fill(w, 0, length, 0);
      for (int q = 0; q < length; q++) {
        int at = at(first + q, first + q);
        int rest = length - q - 1;
        w[q] += values[at] * vector[q] + dot(values, at + 1, vector, q + 1, rest);
        add(vector[q], values, at + 1, w, q + 1, rest);
      }
      double half = tau * tau / 2 * dot(w, 0, vector, 0, length);
      for (int i = 0; i < length; i++) {
        w[i] = tau * w[i] - half * vector[i];
      }
      for (int q = 0; q < length; q++) {
        int at = at(first + q, first + q);
        subtractBoth(vector[q], w[q], vector, w, q, at, length - q);
      }
    }

    private void subtractBoth(
        double vq, double wq, double[] vector, double[] w, int from, int at, int count) {
      for (int i = 0; i < count; i++) {
        values[at + i] -= vector[from + i] * wq + w[from + i] * vq;
      }
    }

    private void fromRight(
        int row, int height, int first, int length, double[] vector, double tau) {
      java.util.Arrays.fill(w, 0, height, 0);
      for (int q = 0; q < length; q++) {
        add(vector[q], values, at(row, first + q), w, 0, height);
      }
      for (int q = 0; q < length; q++) {
        add(-tau * vector[q], w, 0, values, at(row, first + q), height);
      }
    }

    private void fromLeft(int row, int height, int first, int length, double[] vector, double tau) {
      for (int q = 0; q < length; q++) {
        int at = at(row, first + q);
        add(-tau * dot(values, at, vector, 0, height), vector, 0, values, at, height);
      }
    }
  }

  private static void add(double factor, double[] x, int xAt, double[] y, int yAt, int count) {
    for (int i = 0; i < count; i++) {
      y[yAt + i] += factor * x[xAt + i];
    }
  }

  private static double dot(double[] x, int xAt, double[] y, int yAt, int count) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = 0;
    for (; i + 4 <= count; i += 4) {
      s0 += x[xAt + i] * y[yAt + i];
      s1 += x[xAt + i + 1] * y[yAt + i + 1];
      s2 += x[xAt + i + 2] * y[yAt + i + 2];
      s3 += x[xAt + i + 3] * y[yAt + i + 3];
    }
    for (; i < count; i++) {
      s0 += x[xAt + i] * y[yAt + i];
    }
    return (s0 + s1) + (s2 + s3);
  }
}
