package io.weightloom.prune;

import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.Params;

/** A pruning that walks tensors element by element. */
interface ElementwisePruning extends ElementwiseMethod {
  @Override
  default Yield yields(Params params) {
    return PruneParams.yields(params);
  }
}
