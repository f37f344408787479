package io.weightloom.compare;

import io.weightloom.kernel.Kernels;
import io.weightloom.stats.BinCounts;
import java.io.Serializable;

/** How often the upper 16 bits of magnitudes occur, of 31 without the sign. For one thread. */
final class DeltaHistogram implements Serializable {
  private static final long serialVersionUID = 1;

  /** Bits that the histogram does not tell apart. */
  static final int SHIFT = 15;

  /** The last bin of finite values. */
  static final int GREATEST = (0x7f800000 >>> SHIFT) - 1;

  private final BinCounts keys = new BinCounts(Kernels.BINS, 1);

  /** The least magnitude of a bin. */
  static double magnitude(int key) {
    return Float.intBitsToFloat(key << SHIFT);
  }

  void add(Kernels kernels, float[] x, int n) {
    kernels.histogram(x, SHIFT, 0, keys.counters(n)[0], n);
  }

  void addZeros(int n) {
    keys.counters(n)[0][0] += n;
  }

  long[] counts() {
    return keys.counts();
  }

  void merge(DeltaHistogram other) {
    keys.merge(other.keys);
  }
}
