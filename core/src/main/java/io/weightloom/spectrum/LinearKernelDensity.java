package io.weightloom.spectrum;

import java.util.Arrays;

/** A density estimate with the triangular kernel (1 − |u|/h)/h, |u| &lt; h. */
final class LinearKernelDensity {
  private final double[] ascending;
  private final double bandwidth;

  LinearKernelDensity(double[] ascending, double bandwidth) {
    this.ascending = ascending;
    this.bandwidth = bandwidth;
  }

  double at(double x) {
    double sum = 0;
    for (int i = firstAbove(x - bandwidth);
        i < ascending.length && ascending[i] < x + bandwidth;
        i++) {
      sum += 1 - Math.abs(x - ascending[i]) / bandwidth;
    }
    return sum / (ascending.length * bandwidth);
  }

  private int firstAbove(double bound) {
    int at = Arrays.binarySearch(ascending, bound);
    if (at < 0) {
      return -at - 1;
    }
    while (at < ascending.length && ascending[at] <= bound) {
      at++;
    }
    return at;
  }
}
