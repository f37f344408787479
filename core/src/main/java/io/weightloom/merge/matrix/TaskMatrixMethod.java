package io.weightloom.merge.matrix;

import io.weightloom.merge.MatrixMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.TensorMerge;

/**
 * A method that merges task vectors as matrices: those that {@code matrices} names, and the rest as
 * {@code rest} says.
 */
public interface TaskMatrixMethod extends MatrixMethod {

  @Override
  default boolean isMatrix(TensorMerge tensor) {
    return MatrixParams.isMatrix(tensor);
  }

  @Override
  default MergeState rest(MergeScope scope) {
    return MatrixParams.rest(scope);
  }
}
