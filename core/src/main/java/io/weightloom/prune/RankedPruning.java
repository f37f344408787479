package io.weightloom.prune;

import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;

/** Zeros the least scores of a tensor, of each row, or of the model. */
interface RankedPruning extends ElementwisePruning {
  /** What ranks. */
  Scores scores();

  @Override
  default boolean isWholeModel(Params params) {
    return params.choice("scope").equals("model");
  }

  @Override
  default int reads(MergeScope scope) {
    return isByRow(scope) ? 1 : Ranking.begin(scope, scores()).reads();
  }

  @Override
  default MergeState begin(MergeScope scope) {
    if (!isByRow(scope)) {
      return Ranking.begin(scope, scores());
    }
    TensorMerge tensor = scope.tensors().get(0);
    double sparsity = PruneParams.sparsity(tensor);
    return RowRanking.of(
        tensor,
        scores(),
        sparsity > 0,
        new RowRanking.Least(sparsity, PruneParams.counting(tensor.params())));
  }

  private static boolean isByRow(MergeScope scope) {
    return scope.tensors().get(0).params().choice("scope").equals("row");
  }
}
