package io.weightloom.merge;

import java.io.Serializable;
import java.util.List;

/**
 * The tensors over which a method's statistics are taken together: one tensor, or all of the model.
 *
 * @param seed keys the random masks
 * @param tensors the tensors, in the order of the plan
 */
public record MergeScope(long seed, List<TensorMerge> tensors) implements Serializable {

  public MergeScope {
    tensors = List.copyOf(tensors);
  }

  public long elements() {
    return tensors.stream().mapToLong(TensorMerge::elements).sum();
  }

  /** Number of models merged, the same for all tensors. */
  public int models() {
    return tensors.get(0).inputs().size();
  }
}
