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
  private static final PrunedCounts NONE = new PrunedCounts(0, 0, 0);

  /** Counts what became of the tensors that a pruning aims at; all 0 for another merge. */
  public static PrunedCounts of(MergeResult result) {
    return result.tensors().stream().map(PrunedCounts::of).reduce(NONE, PrunedCounts::plus);
  }

  /** Counts what became of one tensor. */
  static PrunedCounts of(TensorResult tensor) {
    return tensor.planned() instanceof Merged m && PruneParams.isPruned(m.merge())
        ? new PrunedCounts(1, m.merge().elements(), pruned(tensor, m.merge().elements()))
        : NONE;
  }

  PrunedCounts plus(PrunedCounts other) {
    return new PrunedCounts(
        tensors + other.tensors, weights + other.weights, pruned + other.pruned);
  }

  /**
   * Methods of matrices record what went, the others count what they kept.
   *
   * @param weights of the tensor; a packed mask has fewer elements
   */
  private static long pruned(TensorResult tensor, long weights) {
    if (tensor.decisions().get("pruned") instanceof Number pruned) {
      return pruned.longValue();
    }
    return tensor.kept().isEmpty() ? 0 : weights - tensor.kept().get(0);
  }

  /** The share that went. */
  public double sparsity() {
    return weights == 0 ? 0 : (double) pruned / weights;
  }
}
