package io.weightloom.stats;

import io.weightloom.error.WeightloomException;
import io.weightloom.kernel.Kernels;
import io.weightloom.merge.Arith;

/**
 * How far a block follows an N:M sparsity pattern: of each {@code m} consecutive elements at most
 * {@code n} are not 0. Groups are counted from the block's begin; where rows are a multiple of
 * {@code m} long, no group crosses a row. An incomplete last group is not counted.
 *
 * @param groups all groups
 * @param compliant those that follow the pattern
 */
public record NmPattern(long groups, long compliant) {

  /**
   * Looks at a block.
   *
   * @param n from 0 to {@code m}
   * @param m at least 1
   */
  public static NmPattern of(BlockData block, int n, int m, Kernels kernels) {
    if (n < 0 || m < 1 || n > m) {
      throw WeightloomException.usage(
          "Cannot look for a %d:%d pattern: it says how many of how many are kept (as in 2:4)"
              .formatted(n, m));
    }
    return BlockData.work(
        kernels,
        new BlockData.Work<NmPattern>() {
          @Override
          public <V> NmPattern in(Arith<V> arith) {
            Tally tally = new Tally(n, m);
            block.forEach(
                arith,
                (x, first, count) -> {
                  for (int i = 0; i < count; i++) {
                    tally.see(arith.at(x, i) != 0);
                  }
                });
            return new NmPattern(tally.groups, tally.compliant);
          }
        },
        block.dtype());
  }

  /** The share of groups that follow the pattern; NaN if there are none. */
  public double share() {
    return (double) compliant / groups;
  }

  private static final class Tally {
    private final int n;
    private final int m;
    private int seen;
    private int nonZero;
    private long groups;
    private long compliant;

    Tally(int n, int m) {
      this.n = n;
      this.m = m;
    }

    void see(boolean isNonZero) {
      nonZero += isNonZero ? 1 : 0;
      if (++seen == m) {
        groups++;
        compliant += nonZero <= n ? 1 : 0;
        seen = 0;
        nonZero = 0;
      }
    }
  }
}
