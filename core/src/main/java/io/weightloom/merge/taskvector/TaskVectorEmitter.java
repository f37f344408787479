package io.weightloom.merge.taskvector;

import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MergeState.Emitter;
import io.weightloom.merge.MergeState.Rows;
import io.weightloom.merge.Span;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Writes {@code θ₀ + λ·M}, M being the merged task vector of a span. */
final class TaskVectorEmitter<V> implements Emitter<V> {
  private static final double NO_WEIGHT = 1e-8;

  private final TaskVectorState state;
  private final TaskVectorRule rule;
  private final Arith<V> arith;
  private final TaskVectors<V> taskVectors;
  private final double[] weights;
  private final V sign;
  private final long[] kept;
  private final @Nullable Elector<V> elector;
  private final @Nullable ConsensusMask<V> consensus;

  TaskVectorEmitter(TaskVectorState state, Arith<V> arith, Span span) {
    this.state = state;
    this.rule = state.rule(span);
    this.arith = arith;
    this.taskVectors = new TaskVectors<>(state, arith, span);
    this.weights = new double[rule.weights().length];
    for (int k = 0; k < weights.length; k++) {
      weights[k] = arith.scalar(rule.weights()[k]);
    }
    this.sign = arith.vector();
    this.elector = rule.election().votes() ? Elector.of(state, rule, arith) : null;
    this.kept = rule.sparsifies() ? new long[weights.length] : new long[0];
    TaskVectorRule.Consensus agreement = rule.consensus();
    this.consensus = agreement == null ? null : new ConsensusMask<>(agreement, arith);
  }

  @Override
  public Optional<Rows<V>> rows() {
    return taskVectors.rows();
  }

  @Override
  public void emit(Chunk<V> chunk, V out) {
    int n = chunk.length();
    V[] deltas = chunk.inputs();
    if (consensus != null) {
      consensus.keep(chunk);
    }
    taskVectors.subtractBase(chunk);
    for (int k = 0; k < deltas.length; k++) {
      taskVectors.sparsify(k, chunk);
      if (kept.length > 0) {
        kept[k] += arith.countNonZero(deltas[k], n);
      }
    }
    if (elector == null) {
      mergeAll(deltas, out, n);
    } else {
      mergeElected(elector, deltas, out, n);
    }
    if (consensus != null) {
      consensus.mask(chunk.base(), out, n);
      if (!consensus.makesModel()) {
        return;
      }
    }
    if (rule.lambda() != 1) {
      arith.scale(out, rule.lambda(), out, n);
    }
    arith.add(chunk.base(), out, out, n);
  }

  private void mergeAll(V[] deltas, V out, int n) {
    arith.weightedSum(deltas, weights, out, n);
    if (rule.function() == TaskVectorRule.Function.MEAN) {
      double total = 0;
      for (double w : weights) {
        total += w;
      }
      double rounded = arith.scalar(total);
      arith.divide(out, Math.abs(rounded) < NO_WEIGHT ? 1 : rounded, out, n);
    }
  }

  private void mergeElected(Elector<V> elected, V[] deltas, V out, int n) {
    boolean late = rule.function() == TaskVectorRule.Function.SUM_WEIGHTED_LATE;
    if (!late) {
      taskVectors.weigh(deltas, n);
    }
    Integer majority = state.majority();
    elected.elect(deltas, rule.election().zeroSign(majority == null ? 1 : majority), sign, n);
    if (late) {
      taskVectors.weigh(deltas, n);
    }
    if (rule.function() == TaskVectorRule.Function.MAX) {
      arith.disjointMax(deltas, sign, out, n);
      return;
    }
    if (rule.function() == TaskVectorRule.Function.MEAN) {
      arith.disjointMean(deltas, weights, sign, out, n);
    } else {
      arith.disjointSum(deltas, sign, out, n);
    }
  }

  @Override
  public Map<String, long[]> counts() {
    Map<String, long[]> counts = new HashMap<>();
    if (kept.length > 0) {
      counts.put(MergeState.KEPT, kept);
    }
    if (consensus != null) {
      counts.putAll(consensus.counts());
    }
    return counts;
  }
}
