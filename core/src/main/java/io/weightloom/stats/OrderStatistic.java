package io.weightloom.stats;

import java.io.Serializable;

/**
 * A quantile under way: of the value that it is, the upper bits are known.
 *
 * @param ofMagnitudes whether the sign counts for nothing
 * @param index its place in {@link Quantiles#VALUES} or {@link Quantiles#MAGNITUDES}
 * @param knownBits how many bits are known
 * @param prefix these bits; of a magnitude with a sign of 0
 * @param rank its rank by magnitude, from 1, among the elements that share them
 */
public record OrderStatistic(boolean ofMagnitudes, int index, int knownBits, long prefix, long rank)
    implements Serializable {
  private static final long serialVersionUID = 1;

  /** Whether both look for their next bits among the same elements. */
  boolean sharesWith(OrderStatistic other) {
    return ofMagnitudes == other.ofMagnitudes
        && knownBits == other.knownBits
        && prefix == other.prefix;
  }

  /**
   * The same with the next bits.
   *
   * @param counts of elements that share the prefix, by these bits
   */
  OrderStatistic next(long[] counts) {
    long left = rank;
    int at = 0;
    while (left > counts[at]) {
      left -= counts[at++];
    }
    return new OrderStatistic(
        ofMagnitudes,
        index,
        knownBits + StoredFloat.CODE_BITS,
        prefix << StoredFloat.CODE_BITS | at,
        left);
  }

  double value(StoredFloat type) {
    return type == StoredFloat.F32
        ? Float.intBitsToFloat((int) prefix)
        : Double.longBitsToDouble(prefix);
  }
}
