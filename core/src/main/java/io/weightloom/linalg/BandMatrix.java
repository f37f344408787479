package io.weightloom.linalg;

import java.util.Arrays;
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

  /**
   * A sweep. Blocks are worked on in columns of their own: loops over arrays of one index are what
   * the JIT compiler turns into vectors.
   */
  private final class Sweep {
    private final int column;
    private final AtomicIntegerArray done;
    private final double[] v = new double[width];
    private final double[] u = new double[width];
    private final double[] w = new double[width];
    private final double[][] block = new double[width][width];

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
      load(first, length, column, 1);
      double tau = reflect(block[0], length, mine);
      store(first, length, column, 1);
      for (int number = 0; ; number++) {
        awaitBlock(number);
        bothSides(first, length, mine, tau);
        int below = first + length;
        int height = Math.min(width, n - below);
        if (height <= 0) {
          return;
        }
        load(below, height, first, length);
        fromRight(height, length, mine, tau);
        tau = reflect(block[0], height, next);
        fromLeft(height, length, next, tau);
        store(below, height, first, length);
        done.setRelease(column * APART, number + 1);
        double[] swap = mine;
        mine = next;
        next = swap;
        first = below;
        length = height;
      }
    }

    private void load(int row, int height, int first, int length) {
      for (int q = 0; q < length; q++) {
        System.arraycopy(values, at(row, first + q), block[q], 0, height);
      }
    }

    private void store(int row, int height, int first, int length) {
      for (int q = 0; q < length; q++) {
        System.arraycopy(block[q], 0, values, at(row, first + q), height);
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
     * @return τ, 0 where there is nothing to do
     */
    private double reflect(double[] x, int length, double[] vector) {
      double sum = dot(x, x, 1, length);
      if (sum == 0) {
        return 0;
      }
      double head = x[0];
      double norm = Math.sqrt(head * head + sum);
      double beta = head > 0 ? -norm : norm;
      double factor = 1 / (head - beta);
      vector[0] = 1;
      for (int i = 1; i < length; i++) {
        vector[i] = x[i] * factor;
        x[i] = 0;
      }
      x[0] = beta;
      return (beta - head) / beta;
    }

    /** The symmetric block at {@code first} between two reflections. */
    private void bothSides(int first, int length, double[] vector, double tau) {
      if (tau == 0) {
        return;
      }
      Arrays.fill(w, 0, length, 0);
      for (int q = 0; q < length; q++) {
        double[] x = block[q];
        System.arraycopy(values, at(first + q, first + q), x, q, length - q);
        w[q] += x[q] * vector[q] + dot(x, vector, q + 1, length);
        add(vector[q], x, w, q + 1, length);
      }
      double half = tau * tau / 2 * dot(w, vector, 0, length);
      for (int i = 0; i < length; i++) {
        w[i] = tau * w[i] - half * vector[i];
      }
      for (int q = 0; q < length; q++) {
        double[] x = block[q];
        subtractBoth(vector[q], w[q], vector, w, x, q, length);
        System.arraycopy(x, q, values, at(first + q, first + q), length - q);
      }
    }

    private void fromRight(int height, int length, double[] vector, double tau) {
      if (tau == 0) {
        return;
      }
      Arrays.fill(w, 0, height, 0);
      for (int q = 0; q < length; q++) {
        add(vector[q], block[q], w, 0, height);
      }
      for (int q = 0; q < length; q++) {
        add(-tau * vector[q], w, block[q], 0, height);
      }
    }

    /** All columns but the first, which {@link #reflect} has seen to. */
    private void fromLeft(int height, int length, double[] vector, double tau) {
      for (int q = 1; q < length && tau != 0; q++) {
        add(-tau * dot(block[q], vector, 0, height), vector, block[q], 0, height);
      }
    }
  }

  private static void add(double factor, double[] x, double[] y, int from, int to) {
    for (int i = from; i < to; i++) {
      y[i] += factor * x[i];
    }
  }

  private static void subtractBoth(
      double vq, double wq, double[] v, double[] w, double[] x, int from, int to) {
    for (int i = from; i < to; i++) {
      x[i] -= v[i] * wq + w[i] * vq;
    }
  }

  private static double dot(double[] x, double[] y, int from, int to) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = from;
    for (; i + 4 <= to; i += 4) {
      s0 += x[i] * y[i];
      s1 += x[i + 1] * y[i + 1];
      s2 += x[i + 2] * y[i + 2];
      s3 += x[i + 3] * y[i + 3];
    }
    for (; i < to; i++) {
      s0 += x[i] * y[i];
    }
    return (s0 + s1) + (s2 + s3);
  }
}
