package io.weightloom.merge.taskvector;

import io.weightloom.kernel.CounterRandom;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.Span;
import org.jspecify.annotations.Nullable;

/**
 * The sparsified task vectors of a span, chunk after chunk in order: dropped, rescaled by 1/p,
 * trimmed and rescaled to their L1 norm, as far as the state knows thresholds and factors. Not
 * thread-safe.
 *
 * @param <V> the work vector
 */
final class TaskVectors<V> {
  private final TaskVectorRule rule;
  private final Arith<V> arith;
  private final boolean isDouble;
  private final @Nullable Threshold[] thresholds;
  private final long[] maskKeys;
  private final long[] quotas;
  private final long[] ties;
  private final double[] factors;

  TaskVectors(TaskVectorState state, Arith<V> arith, Span span) {
    this.rule = state.rule(span);
    this.arith = arith;
    this.isDouble = state.tensor(span).isDouble();
    int models = state.scope().models();
    this.thresholds = state.thresholds();
    this.maskKeys = new long[models];
    this.quotas = new long[models];
    this.ties = new long[models];
    this.factors = new double[models];
    for (int k = 0; k < models; k++) {
      maskKeys[k] = state.maskKey(span, k);
      factors[k] = state.factor(span.tensor(), k);
      Threshold t = thresholds[k];
      if (t != null && t.found() && !t.isExact()) {
        quotas[k] = t.quota(span);
        ties[k] = t.ties().in(span);
      }
    }
  }

  /** Turns the models' values of the chunk into task vectors, in place. */
  void subtractBase(Chunk<V> chunk) {
    V[] deltas = chunk.inputs();
    for (V delta : deltas) {
      arith.subtract(delta, chunk.base(), delta, chunk.length());
    }
  }

  /** Drops, trims and rescales model {@code k}'s task vector in place. */
  void sparsify(int k, Chunk<V> chunk) {
    V delta = chunk.inputs()[k];
    int n = chunk.length();
    double density = rule.drop().densities()[k];
    if (density < 1) {
      arith.drop(delta, maskKeys[k], chunk.first(), CounterRandom.dropBelow(1 - density), n);
      if (rule.drop().inverse()) {
        arith.divide(delta, arith.scalar(density), delta, n);
      }
    }
    Threshold t = thresholds[k];
    if (t != null && t.found()) {
      trim(k, t, delta, n);
      if (rule.trim().inverse()) {
        arith.divide(delta, arith.scalar(rule.trim().densities()[k]), delta, n);
      }
    }
    if (factors[k] != 1) {
      arith.scale(delta, factors[k], delta, n);
    }
  }

  private void trim(int k, Threshold t, V delta, int n) {
    double magnitude = t.magnitude(isDouble);
    boolean allTies = rule.trim().keep() != TaskVectorRule.Keep.EXACT || t.isExact();
    if (rule.trim().keep() == TaskVectorRule.Keep.ABOVE) {
      arith.trim(delta, nextUp(magnitude), n);
    } else if (allTies || quotas[k] == ties[k]) {
      arith.trim(delta, magnitude, n);
    } else if (quotas[k] == 0) {
      arith.trim(delta, nextUp(magnitude), n);
    } else {
      trimWithin(k, magnitude, delta, n);
    }
  }

  /**
   * The quota ends somewhere in this span: only in the chunk where it does are elements counted.
   */
  private void trimWithin(int k, double magnitude, V delta, int n) {
    int equal =
        arith.countAtLeast(delta, magnitude, n) - arith.countAtLeast(delta, nextUp(magnitude), n);
    if (equal <= quotas[k]) {
      arith.trim(delta, magnitude, n);
    } else {
      arith.trimTies(delta, magnitude, (int) quotas[k], n);
    }
    quotas[k] -= Math.min(equal, quotas[k]);
    ties[k] = -1;
  }

  private double nextUp(double magnitude) {
    return isDouble ? Math.nextUp(magnitude) : Math.nextUp((float) magnitude);
  }
}
