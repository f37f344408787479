package io.weightloom.job;

import io.weightloom.job.MergeResult.TensorResult;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.prune.PruneParams;

/**
 * How many weights a pruning took.
 *
 * @param tensors that were to be pruned, those included that kept all
 * @param weights in them
 * @param pruned how many of these went
 */
public record PrunedCounts(int tensors, long weights, long pruned) {

  /** Counts what became of the tensors that a pruning aims at; all 0 for another merge. */
  public static PrunedCounts of(MergeResult result) {
    int tensors = 0;
    long weights = 0;
    long pruned = 0;
    for (TensorResult t : result.tensors()) {
      if (t.planned() instanceof Merged m && PruneParams.isPruned(m.merge())) {
        tensors++;
        weights += m.merge().elements();
        pruned += pruned(t);
      }
    }
    return new PrunedCounts(tensors, weights, pruned);
  }

  /** Methods of matrices record what went, the others count what they kept. */
  private static long pruned(TensorResult tensor) {
    if (tensor.decisions().get("pruned") instanceof Number pruned) {
      return pruned.longValue();
    }
    return tensor.kept().isEmpty()
        ? 0
        : tensor.planned().output().elements() - tensor.kept().get(0);
  }

  /** The share that went. */
  public double sparsity() {
    return weights == 0 ? 0 : (double) pruned / weights;
  }
}
