package io.weightloom.merge.taskvector;

import io.weightloom.merge.Arith;
import io.weightloom.merge.taskvector.TaskVectorRule.Vote;
import java.util.Objects;

/**
 * Elects a sign for each coordinate of a chunk. For one thread.
 *
 * @param <V> the work vector
 */
final class Elector<V> {
  private final Vote vote;
  private final Arith<V> arith;
  private final double[] squares;
  private final double[] value = new double[Arith.CAPACITY];
  private final double[] elected = new double[Arith.CAPACITY];
  private final double[] largest = new double[Arith.CAPACITY];

  /**
   * Votes as the state's rule has it.
   *
   * @param squares ‖δ‖² by model, for votes that are counted in shares of it
   */
  Elector(Vote vote, double[] squares, Arith<V> arith) {
    this.vote = vote;
    this.squares = squares;
    this.arith = arith;
  }

  static <V> Elector<V> of(TaskVectorState state, TaskVectorRule rule, Arith<V> arith) {
    double[] known = state.squares();
    return new Elector<>(
        Objects.requireNonNull(rule.election().vote()),
        known == null ? new double[0] : known,
        arith);
  }

  /** Fills {@code sign} with +1 and −1, and {@code zeroSign} where the vote is zero. */
  void elect(V[] deltas, double zeroSign, V sign, int n) {
    switch (vote) {
      case MASS -> arith.electByMass(deltas, zeroSign, sign, n);
      case COUNT -> arith.electByCount(deltas, zeroSign, sign, n);
      case LARGEST_SHARE, SHARES -> electByShares(deltas, zeroSign, sign, n);
    }
  }

  private void electByShares(V[] deltas, double zeroSign, V sign, int n) {
    java.util.Arrays.fill(elected, 0, n, 0);
    java.util.Arrays.fill(largest, 0, n, 0);
    for (int k = 0; k < deltas.length; k++) {
      arith.widen(deltas[k], value, 0, n);
      for (int i = 0; i < n; i++) {
        double share = squares[k] == 0 ? 0 : value[i] * value[i] / squares[k];
        if (vote == Vote.SHARES) {
          elected[i] += Math.copySign(share, value[i]);
        } else if (share > largest[i]) {
          largest[i] = share;
          elected[i] = value[i];
        }
      }
    }
    for (int i = 0; i < n; i++) {
      elected[i] = elected[i] > 0 ? 1 : elected[i] < 0 ? -1 : zeroSign;
    }
    arith.narrow(elected, sign, n);
  }
}
