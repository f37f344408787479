package io.weightloom.spectrum;

import io.weightloom.tensor.DType;
import java.util.Arrays;

/**
 * How much of a difference the rounding of the result to its stored type explains. Errors that are
 * independent and even within ±½ ulp have variance ulp²/12. A matrix of independent elements has no
 * singular value much above √(the largest row's sum of variances) + √(the largest column's), which
 * for equal ones is s·(√N + √M) (Bandeira and van Handel, "Sharp nonasymptotic bounds on the norm
 * of random matrices with independent entries", Annals of Probability 44, 2016, Theorem 3.1).
 * Whatever lies above was put there.
 */
final class RoundingNoise {
  private final int leastExponent;
  private final int digits;
  private final MatrixView view;
  private final double[] rows;
  private final double[] columns;
  private int row;
  private int column;
  private int tap;

  /** Of results stored in this type, matrices of this view one after the other. */
  RoundingNoise(DType dtype, MatrixView view) {
    this.view = view;
    this.rows = new double[view.rows()];
    this.columns = new double[view.columns()];
    this.leastExponent =
        switch (dtype) {
          case F16 -> -14;
          case F64 -> Double.MIN_EXPONENT;
          default -> Float.MIN_EXPONENT;
        };
    this.digits =
        switch (dtype) {
          case BF16 -> 7;
          case F16 -> 10;
          case F64 -> 52;
          default -> 23;
        };
  }

  /** Takes the next stored results in, none of them of the next matrix. */
  void add(double[] results, int n) {
    for (int i = 0; i < n; i++) {
      int exponent = Math.max(Math.getExponent(results[i]), leastExponent) - digits;
      double square = Math.scalb(1.0, 2 * exponent);
      rows[row] += square;
      columns[column] += square;
      step();
    }
  }

  private void step() {
    if (++tap < view.taps()) {
      return;
    }
    tap = 0;
    if (++column == view.columns()) {
      column = 0;
      row++;
    }
  }

  /** The edge for the matrix that came; begins the next. */
  double edge() {
    double most = Math.sqrt(Arrays.stream(rows).max().orElse(0));
    most += Math.sqrt(Arrays.stream(columns).max().orElse(0));
    Arrays.fill(rows, 0);
    Arrays.fill(columns, 0);
    row = 0;
    return most / Math.sqrt(12.0 * view.taps());
  }
}
