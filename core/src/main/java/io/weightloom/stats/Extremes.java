package io.weightloom.stats;

import java.io.Serializable;

/** The least and the greatest finite value and the flat index of the first of each. */
final class Extremes implements Serializable {
  private static final long serialVersionUID = 1;

  double min = Double.POSITIVE_INFINITY;
  double max = Double.NEGATIVE_INFINITY;
  long argMin = -1;
  long argMax = -1;

  /** −0 lies below +0. */
  boolean isWidenedBy(double[] bounds) {
    return Double.compare(bounds[0], min) < 0 || Double.compare(bounds[1], max) > 0;
  }

  void see(double x, long index) {
    int low = Double.compare(x, min);
    if (low < 0 || (low == 0 && index < argMin)) {
      min = x;
      argMin = index;
    }
    int high = Double.compare(x, max);
    if (high > 0 || (high == 0 && index < argMax)) {
      max = x;
      argMax = index;
    }
  }

  void merge(Extremes other) {
    if (other.argMin >= 0) {
      see(other.min, other.argMin);
      see(other.max, other.argMax);
    }
  }
}
