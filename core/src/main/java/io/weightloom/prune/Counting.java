package io.weightloom.prune;

import java.math.BigDecimal;

/** How many of n weights a sparsity s prunes. */
public enum Counting {
  /** Exactly ⌊s·n⌋, s read as the decimal number that was written. */
  FLOOR,
  /** Exactly s·n rounded to the nearest whole, halves to even (torch.nn.utils.prune). */
  ROUND,
  /** All that do not exceed the ⌊s·n⌋-th smallest score, more than that where scores tie. */
  TIES,
  /** All that do not exceed the (⌊s·n⌋ + 1)-th smallest score: at least one. */
  BEYOND;

  static Counting of(String word) {
    return valueOf(word.toUpperCase(java.util.Locale.ROOT));
  }

  /** Whether scores equal to the threshold are told apart by their place. */
  public boolean isExact() {
    return this == FLOOR || this == ROUND;
  }

  /**
   * How many are pruned, ties apart.
   *
   * @param sparsity from 0 to 1
   * @param n how many there are
   */
  public long pruned(double sparsity, long n) {
    long floor =
        BigDecimal.valueOf(sparsity).multiply(BigDecimal.valueOf(n)).toBigInteger().longValue();
    return switch (this) {
      case FLOOR, TIES -> floor;
      case ROUND -> Math.min(n, (long) Math.rint(sparsity * n));
      case BEYOND -> Math.min(n, floor + 1);
    };
  }
}
