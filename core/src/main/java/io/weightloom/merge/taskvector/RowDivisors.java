package io.weightloom.merge.taskvector;

import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.MergeState.Rows;

/**
 * Looks at whole rows and keeps for each element of each model what it is to be divided by. For one
 * thread.
 *
 * @param <V> the work vector
 */
final class RowDivisors<V> implements Rows<V> {
  private final RowMask mask;
  private final Arith<V> arith;
  private final long[] keys;
  private final double[][] divisors;
  private final double[] values = new double[Arith.CAPACITY];
  private double[] sorted = new double[0];
  private int[] seen = new int[0];
  private long first;
  private int count;
  private int row;

  RowDivisors(RowMask mask, Arith<V> arith, long[] keys) {
    this.mask = mask;
    this.arith = arith;
    this.keys = keys;
    this.divisors = new double[keys.length][0];
  }

  @Override
  public void begin(long newFirst, int newCount, int newRow) {
    first = newFirst;
    count = newCount;
    row = newRow;
    for (int k = 0; k < divisors.length; k++) {
      if (mask.masks(k) && divisors[k].length < count) {
        divisors[k] = new double[count];
      }
    }
    if (sorted.length < row) {
      sorted = new double[row];
      seen = new int[row];
    }
  }

  @Override
  public void see(Chunk<V> chunk) {
    int at = (int) (chunk.first() - first);
    for (int k = 0; k < divisors.length; k++) {
      if (mask.masks(k)) {
        V delta = chunk.inputs()[k];
        arith.subtract(delta, chunk.base(), delta, chunk.length());
        arith.widen(delta, divisors[k], at, chunk.length());
        for (int i = at; i < at + chunk.length(); i++) {
          divisors[k][i] = Math.abs(divisors[k][i]);
        }
      }
    }
  }

  @Override
  public void end() {
    for (int k = 0; k < divisors.length; k++) {
      if (mask.masks(k)) {
        for (int from = 0; from < count; from += row) {
          mask.divisors(k, divisors[k], from, row, sorted, seen, keys[k], first + from);
        }
      }
    }
  }

  /** Drops and rescales model {@code k}'s task vector in place. */
  void apply(int k, Chunk<V> chunk) {
    if (!mask.masks(k)) {
      return;
    }
    V delta = chunk.inputs()[k];
    int at = (int) (chunk.first() - first);
    arith.widen(delta, values, 0, chunk.length());
    for (int i = 0; i < chunk.length(); i++) {
      double divisor = divisors[k][at + i];
      values[i] = divisor == 0 ? 0 : values[i] / divisor;
    }
    arith.narrow(values, delta, chunk.length());
  }
}
