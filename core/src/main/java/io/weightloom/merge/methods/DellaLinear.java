package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.taskvector.DellaRule;
import io.weightloom.merge.taskvector.TaskVectorMethod;
import io.weightloom.merge.taskvector.TaskVectorParams;
import io.weightloom.merge.taskvector.TaskVectorRule;
import io.weightloom.merge.taskvector.TaskVectorRule.Election;
import java.util.Optional;

/**
 * DELLA without sign election: drops task vectors at random, small magnitudes more often than large
 * ones of their row, rescales, adds the weighted sum to the base (Deep et al., 2024,
 * "DELLA-Merging", §3).
 */
@AutoService(MergeMethod.class)
public final class DellaLinear implements TaskVectorMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "della_linear",
          "DELLA + task arithmetic",
          "drops small values of task vectors more often than large ones, adds",
          "https://arxiv.org/abs/2406.11617",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          DellaRule.parameters(false),
          DellaRule.VARIANTS);

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Optional<String> problem(Params params) {
    return DellaRule.problem(params).or(() -> TaskVectorParams.weightsThatCancel(params));
  }

  @Override
  public TaskVectorRule rule(TensorMerge tensor) {
    Params p = tensor.params();
    return DellaRule.rule(p, Election.NONE, TaskVectorParams.meanOrSum(p));
  }
}
