package io.weightloom.spectrum;

import io.weightloom.tensor.DType;

/**
 * How much of a difference the rounding of the result to its stored type explains. Errors that are
 * independent and even within ±½ ulp have variance ulp²/12; a matrix of such has no singular value
 * much above s·(√N + √M), s² being their mean variance (Vershynin, "High-Dimensional Probability",
 * §4.4). Whatever lies above was put there.
 */
final class RoundingNoise {
  private final int leastExponent;
  private final int digits;
  private double sum;

  /** Of results stored in this type. */
  RoundingNoise(DType dtype) {
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

  /** Takes stored results in. */
  void add(double[] results, int n) {
    for (int i = 0; i < n; i++) {
      int exponent = Math.max(Math.getExponent(results[i]), leastExponent) - digits;
      sum += Math.scalb(1.0, 2 * exponent);
    }
  }

  /** The edge for the results so far, an N×M matrix with so many taps; begins anew. */
  double edge(MatrixView view) {
    double variance = sum / 12 / view.elements();
    sum = 0;
    return Math.sqrt(variance) * (Math.sqrt(view.larger()) + Math.sqrt(view.smaller()));
  }
}
