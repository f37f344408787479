package io.weightloom.prune;

/** The k-th smallest of a few thousand numbers, by radix: its time does not depend on them. */
final class OrderStatistic {
  private static final int DIGIT_BITS = 11;
  private static final int DIGITS = 1 << DIGIT_BITS;
  private static final int TOP = 63 - DIGIT_BITS;

  private OrderStatistic() {}

  /**
   * The element of this rank in ascending order, 1 being the smallest.
   *
   * @param x holds {@code n} numbers at {@code from}, none negative; NaN counts as the largest
   * @param scratch of at least {@code n}
   */
  static double ofRank(double[] x, int from, int n, int rank, double[] scratch) {
    int[] counts = new int[DIGITS];
    double[] source = x;
    int begin = from;
    int left = n;
    int open = rank;
    for (int shift = TOP; ; shift = Math.max(0, shift - DIGIT_BITS)) {
      java.util.Arrays.fill(counts, 0);
      for (int i = begin; i < begin + left; i++) {
        counts[digit(source[i], shift)]++;
      }
      int digit = 0;
      while (counts[digit] < open) {
        open -= counts[digit++];
      }
      int found = 0;
      for (int i = begin; i < begin + left; i++) {
        if (digit(source[i], shift) == digit) {
          scratch[found++] = source[i];
        }
      }
      if (shift == 0 || found == 1) {
        return scratch[0];
      }
      source = scratch;
      begin = 0;
      left = found;
    }
  }

  private static int digit(double value, int shift) {
    return (int) (Double.doubleToRawLongBits(value) >>> shift) & (DIGITS - 1);
  }
}
