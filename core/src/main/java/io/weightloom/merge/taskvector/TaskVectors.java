package io.weightloom.merge.taskvector;

import io.weightloom.kernel.CounterRandom;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.MergeState.Rows;
import io.weightloom.merge.Span;
import io.weightloom.merge.taskvector.Selection.Trimmer;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The sparsified task vectors of a span, chunk after chunk in order: dropped, rescaled by 1/p,
 * masked by rows, trimmed and rescaled to their L1 norm, as far as the state knows thresholds and
 * factors. Not thread-safe.
 *
 * @param <V> the work vector
 */
final class TaskVectors<V> {
  private final TaskVectorRule rule;
  private final Arith<V> arith;
  private final Map<Integer, Trimmer<V>> trimmers = new HashMap<>();
  private final @Nullable RowDivisors<V> rows;
  private final long[] maskKeys;
  private final double[] factors;
  private final double @Nullable [][] spreads;
  private final double[] values = new double[Arith.CAPACITY];

  TaskVectors(TaskVectorState state, Arith<V> arith, Span span) {
    this.rule = state.rule(span);
    this.arith = arith;
    int models = state.scope().models();
    this.maskKeys = new long[models];
    this.factors = new double[models];
    for (int k = 0; k < models; k++) {
      maskKeys[k] = state.maskKey(span, k);
      factors[k] = state.factor(span.tensor(), k);
    }
    Selection thresholds = state.thresholds();
    for (int slot = 0; slot < 2 * models && thresholds.isFound(); slot++) {
      if (thresholds.slot(slot) != null) {
        trimmers.put(slot, thresholds.trimmer(slot, arith, span));
      }
    }
    this.spreads = state.spreads();
    this.rows = rule.rows().masks() ? new RowDivisors<>(rule.rows(), arith, maskKeys) : null;
  }

  /** What must see whole rows beforehand. */
  Optional<Rows<V>> rows() {
    return Optional.ofNullable(rows);
  }

  /** Turns the models' values of the chunk into task vectors, in place. */
  void subtractBase(Chunk<V> chunk) {
    V[] deltas = chunk.inputs();
    for (V delta : deltas) {
      arith.subtract(delta, chunk.base(), delta, chunk.length());
    }
  }

  /** Drops at random from model {@code k}'s task vector and rescales it, in place. */
  void drop(int k, Chunk<V> chunk) {
    double density = rule.drop().densities()[k];
    if (density < 1) {
      V delta = chunk.inputs()[k];
      int n = chunk.length();
      arith.drop(delta, maskKeys[k], chunk.first(), CounterRandom.dropBelow(1 - density), n);
      if (rule.drop().divisors()[k] != 1) {
        arith.divide(delta, arith.scalar(rule.drop().divisors()[k]), delta, n);
      }
    }
  }

  /** Drops, trims and rescales model {@code k}'s task vector in place. */
  void sparsify(int k, Chunk<V> chunk) {
    V delta = chunk.inputs()[k];
    int n = chunk.length();
    drop(k, chunk);
    if (rows != null) {
      rows.apply(k, chunk);
    }
    if (spreads != null) {
      keepFarFromMean(spreads[k], delta, n);
    }
    Trimmer<V> trimmer = trimmers.get(k);
    if (trimmer != null) {
      trim(trimmer, delta, n);
      if (rule.trim().inverse()) {
        arith.divide(delta, arith.scalar(rule.trim().densities()[k]), delta, n);
      }
    }
    Trimmer<V> outliers = trimmers.get(factors.length + k);
    if (outliers != null) {
      outliers.dropLargest(delta, n);
    }
    if (factors[k] != 1) {
      arith.scale(delta, factors[k], delta, n);
    }
  }

  private void keepFarFromMean(double[] spread, V delta, int n) {
    arith.widen(delta, values, 0, n);
    for (int i = 0; i < n; i++) {
      values[i] = Math.abs(values[i] - spread[0]) > spread[1] ? values[i] : 0;
    }
    arith.narrow(values, delta, n);
  }

  /** The factors of the models before they vote, in place; none where all vote alike. */
  void weigh(V[] deltas, int n) {
    for (int k = 0; k < deltas.length; k++) {
      double weight = arith.scalar(rule.weights()[k]);
      if (weight != 1) {
        arith.scale(deltas[k], weight, deltas[k], n);
      }
    }
  }

  /** Turns a chunk into what votes on signs, in place. */
  void candidates(Chunk<V> chunk) {
    subtractBase(chunk);
    for (int k = 0; k < chunk.inputs().length; k++) {
      sparsify(k, chunk);
    }
    if (rule.function() != TaskVectorRule.Function.SUM_WEIGHTED_LATE) {
      weigh(chunk.inputs(), chunk.length());
    }
  }

  private void trim(Trimmer<V> trimmer, V delta, int n) {
    switch (rule.trim().keep()) {
      case EXACT, BELOW_OUTLIERS, SQUARES, FAR_FROM_MEAN -> trimmer.keepLargest(delta, n);
      case REFERENCE, MASK_RATE -> trimmer.keepReaching(delta, n);
      case ABOVE -> trimmer.keepAbove(delta, n);
    }
  }
}
