package io.weightloom.merge.methods;

import static io.weightloom.merge.taskvector.TaskVectorParams.INT8_MASK;
import static io.weightloom.merge.taskvector.TaskVectorParams.LAMBDA;
import static io.weightloom.merge.taskvector.TaskVectorParams.WEIGHT;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.taskvector.TaskVectorMethod;
import io.weightloom.merge.taskvector.TaskVectorParams;
import io.weightloom.merge.taskvector.TaskVectorRule;
import io.weightloom.merge.taskvector.TaskVectorRule.Drop;
import io.weightloom.merge.taskvector.TaskVectorRule.Election;
import io.weightloom.merge.taskvector.TaskVectorRule.Trim;
import java.util.List;
import java.util.Optional;

/**
 * {@code θ₀ + λ·Σ wₖ(θₖ − θ₀)} (Ilharco et al., 2023, "Editing models with task arithmetic", §2).
 * Negation is a negative weight, an analogy two positive ones and a negative one.
 */
@AutoService(MergeMethod.class)
public final class TaskArithmetic implements TaskVectorMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "task_arithmetic",
          "Task arithmetic",
          "adds the weighted sum of task vectors to the base",
          "https://arxiv.org/abs/2212.04089",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              WEIGHT,
              LAMBDA,
              TaskVectorParams.normalize(false),
              INT8_MASK,
              ParamSpec.perModel("density", "accepted for mergekit's sake; changes nothing")
                  .orElse(1)),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Optional<String> problem(Params params) {
    return TaskVectorParams.weightsThatCancel(params);
  }

  @Override
  public TaskVectorRule rule(TensorMerge tensor) {
    Params p = tensor.params();
    int models = tensor.inputs().size();
    return new TaskVectorRule(
        p.numbers("weight"),
        p.number("lambda"),
        Drop.none(models),
        Trim.none(models),
        false,
        Election.NONE,
        TaskVectorParams.meanOrSum(p));
  }
}
