package io.weightloom.merge.taskvector;

import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.TensorMerge;
import java.util.List;

/** A method that is a rule for task vectors. */
public interface TaskVectorMethod extends ElementwiseMethod {

  /** The rule that the parameters of this tensor make. */
  TaskVectorRule rule(TensorMerge tensor);

  /** The merge of a scope by one rule a tensor. */
  static MergeState merge(MergeScope scope, List<TaskVectorRule> rules) {
    return TaskVectorState.begin(scope, rules);
  }

  @Override
  default int reads(MergeScope scope) {
    return TaskVectorState.begin(scope, scope.tensors().stream().map(this::rule).toList()).reads();
  }

  @Override
  default MergeState begin(MergeScope scope) {
    return TaskVectorState.begin(scope, scope.tensors().stream().map(this::rule).toList());
  }
}
