package io.weightloom.prune;

import io.weightloom.merge.MatrixMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;

/** A pruning of whole matrices by a sparsity. */
interface MatrixPruning extends MatrixMethod {
  @Override
  default Yield yields(Params params) {
    return PruneParams.yields(params);
  }

  @Override
  default boolean isMatrix(TensorMerge tensor) {
    return tensor.output().shape().rank() == 2
        && PruneParams.isTarget(tensor)
        && PruneParams.sparsity(tensor) > 0;
  }

  /** What is no matrix stays as it is. */
  @Override
  default MergeState rest(MergeScope scope) {
    return new Dense(scope.tensors().get(0).params());
  }
}
