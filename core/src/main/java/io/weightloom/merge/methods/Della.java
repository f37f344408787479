package io.weightloom.merge.methods;

import static io.weightloom.merge.taskvector.TaskVectorParams.DISJOINT;
import static io.weightloom.merge.taskvector.TaskVectorParams.ELECTION;

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
import java.util.Optional;

/**
 * DELLA: drops task vectors at random, small magnitudes more often than large ones of their row,
 * rescales, elects signs, merges what agrees (Deep et al., 2024, "DELLA-Merging", §3).
 */
@AutoService(MergeMethod.class)
public final class Della implements TaskVectorMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "della",
          "DELLA",
          "drops small values of task vectors more often than large ones, elects signs, merges",
          "https://arxiv.org/abs/2406.11617",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          TaskVectorParams.with(DellaRule.parameters(true), ELECTION, DISJOINT),
          DellaRule.VARIANTS);

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Optional<String> problem(Params params) {
    return DellaRule.problem(params);
  }

  @Override
  public TaskVectorRule rule(TensorMerge tensor) {
    Params p = tensor.params();
    return DellaRule.rule(p, TaskVectorParams.voted(p), TaskVectorParams.function(p));
  }
}
