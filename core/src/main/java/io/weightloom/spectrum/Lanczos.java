package io.weightloom.spectrum;

import io.weightloom.kernel.CounterRandom;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Eigen;
import io.weightloom.linalg.Matrix;
import java.util.ArrayList;
import java.util.List;

/**
 * The largest eigenvalue of a symmetric positive semidefinite matrix that is known by its products
 * with vectors alone: the power iteration that keeps all its powers and takes the best of their
 * span (Lanczos, with full reorthogonalisation; Golub and Van Loan, "Matrix Computations", 4th ed.,
 * §10.1 and §10.3.1). A bulk without a gap, on which plain powers take thousands of products, takes
 * it some fifty.
 */
final class Lanczos {
  private static final int STEPS = 400;
  private static final int BETWEEN_LOOKS = 5;

  /** A product with a vector. */
  @FunctionalInterface
  interface Operator {
    /** {@code y = A·x}; y comes with zeros. */
    void apply(double[] x, double[] y);
  }

  private final DenseLinAlg linAlg;
  private final Operator operator;
  private final int dimension;
  private final List<double[]> basis = new ArrayList<>();
  private final List<Double> diagonal = new ArrayList<>();
  private final List<Double> below = new ArrayList<>();

  private Lanczos(DenseLinAlg linAlg, Operator operator, int dimension) {
    this.linAlg = linAlg;
    this.operator = operator;
    this.dimension = dimension;
  }

  /**
   * The largest eigenvalue, at most {@code tolerance} times itself off an eigenvalue; in practice,
   * as the error goes with the square of the residual, nearer by orders of magnitude.
   */
  static double largest(DenseLinAlg linAlg, Operator operator, int dimension, double tolerance) {
    return new Lanczos(linAlg, operator, dimension).run(tolerance);
  }

  private double run(double tolerance) {
    double[] x = start();
    int steps = Math.min(STEPS, dimension);
    for (int k = 1; ; k++) {
      basis.add(x);
      double[] y = new double[dimension];
      operator.apply(x, y);
      diagonal.add(dot(x, y));
      orthogonalise(y);
      orthogonalise(y);
      double rest = Math.sqrt(dot(y, y));
      boolean last = k == steps || !(rest > 0);
      if (last || k % BETWEEN_LOOKS == 0) {
        Eigen ritz = linAlg.eigen(projected());
        double largest = ritz.values()[k - 1];
        double residual = rest * Math.abs(ritz.vectors().at(k - 1, k - 1));
        if (last || residual <= tolerance * largest) {
          return largest;
        }
      }
      below.add(rest);
      for (int i = 0; i < dimension; i++) {
        y[i] /= rest;
      }
      x = y;
    }
  }

  /** Random, but always the same. */
  private double[] start() {
    long key = CounterRandom.key(0, "lanczos", "");
    double[] x = new double[dimension];
    for (int i = 0; i < dimension; i++) {
      x[i] = CounterRandom.uniform(key, i) - 0.5;
    }
    double norm = Math.sqrt(dot(x, x));
    for (int i = 0; i < dimension; i++) {
      x[i] /= norm;
    }
    return x;
  }

  private void orthogonalise(double[] y) {
    for (double[] x : basis) {
      double along = dot(x, y);
      for (int i = 0; i < dimension; i++) {
        y[i] -= along * x[i];
      }
    }
  }

  private Matrix projected() {
    int k = diagonal.size();
    Matrix t = Matrix.zeros(k, k);
    for (int i = 0; i < k; i++) {
      t.values()[i * k + i] = diagonal.get(i);
      if (i + 1 < k) {
        t.values()[i * k + i + 1] = below.get(i);
        t.values()[(i + 1) * k + i] = below.get(i);
      }
    }
    return t;
  }

  /** In eight sums, so that additions need not wait for each other. */
  static double dot(double[] a, double[] b) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    double s4 = 0;
    double s5 = 0;
    double s6 = 0;
    double s7 = 0;
    int i = 0;
    for (; i + 8 <= a.length; i += 8) {
      s0 += a[i] * b[i];
      s1 += a[i + 1] * b[i + 1];
      s2 += a[i + 2] * b[i + 2];
      s3 += a[i + 3] * b[i + 3];
      s4 += a[i + 4] * b[i + 4];
      s5 += a[i + 5] * b[i + 5];
      s6 += a[i + 6] * b[i + 6];
      s7 += a[i + 7] * b[i + 7];
    }
    for (; i < a.length; i++) {
      s0 += a[i] * b[i];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }
}
