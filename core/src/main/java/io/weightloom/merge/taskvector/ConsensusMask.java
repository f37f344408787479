package io.weightloom.merge.taskvector;

import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.MergeMethod.Yield;
import io.weightloom.merge.taskvector.TaskVectorRule.Consensus;
import java.util.Map;

/**
 * Keeps of a merged task vector the coordinates that enough models use, and counts how many use
 * each. For one thread.
 *
 * @param <V> the work vector
 */
final class ConsensusMask<V> {
  private final Consensus rule;
  private final Arith<V> arith;
  private final V[] models;
  private final double[] own = new double[Arith.CAPACITY];
  private final double[] others = new double[Arith.CAPACITY];
  private final double[] mask = new double[Arith.CAPACITY];
  private final int[] uses = new int[Arith.CAPACITY];
  private final V scratch;
  private final long[] used;
  private final long[] usedBy;

  ConsensusMask(Consensus rule, Arith<V> arith) {
    this.rule = rule;
    this.arith = arith;
    int count = rule.lambdas().length;
    this.models = arith.vectors(count);
    this.scratch = arith.vector();
    this.used = new long[count];
    this.usedBy = new long[count + 1];
  }

  /** Takes down the models' values, before they become task vectors. */
  void keep(Chunk<V> chunk) {
    for (int k = 0; k < models.length; k++) {
      if (rule.throughModels()) {
        arith.scale(chunk.inputs()[k], 1, models[k], chunk.length());
      } else {
        arith.subtract(chunk.inputs()[k], chunk.base(), models[k], chunk.length());
      }
    }
  }

  /** Sets to 0 what too few models use; or leaves all, or makes a mask of it, as the rule says. */
  void mask(V base, V merged, int n) {
    count(base, merged, n);
    if (rule.yield() == Yield.MASK) {
      arith.narrow(mask, merged, n);
    } else if (rule.yield() == Yield.MODEL) {
      arith.widen(merged, own, 0, n);
      for (int i = 0; i < n; i++) {
        own[i] = uses[i] >= rule.uses() ? own[i] : 0;
      }
      arith.narrow(own, merged, n);
    }
  }

  private void count(V base, V merged, int n) {
    java.util.Arrays.fill(uses, 0, n, 0);
    for (int k = 0; k < models.length; k++) {
      differences(base, merged, models[k], n);
      int count = 0;
      double lambda = arith.scalar(rule.lambdas()[k]);
      for (int i = 0; i < n; i++) {
        int use = Math.abs(own[i]) > arith.scalar(Math.abs(others[i]) * lambda) ? 1 : 0;
        uses[i] += use;
        count += use;
        mask[i] = k == rule.maskOf() ? use : mask[i];
      }
      used[k] += count;
    }
    for (int i = 0; i < n; i++) {
      usedBy[uses[i]]++;
    }
  }

  /** What the model changes and what the merge would still change of it, up to their signs. */
  private void differences(V base, V merged, V model, int n) {
    if (rule.throughModels()) {
      arith.subtract(base, model, scratch, n);
      arith.widen(scratch, own, 0, n);
      arith.add(base, merged, scratch, n);
      arith.subtract(scratch, model, scratch, n);
    } else {
      arith.widen(model, own, 0, n);
      arith.subtract(merged, model, scratch, n);
    }
    arith.widen(scratch, others, 0, n);
  }

  boolean makesModel() {
    return rule.yield() == Yield.MODEL;
  }

  Map<String, long[]> counts() {
    return Map.of("used", used, "used_by", usedBy);
  }
}
