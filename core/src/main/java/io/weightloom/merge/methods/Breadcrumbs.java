package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.taskvector.BreadcrumbsRule;
import io.weightloom.merge.taskvector.TaskVectorMethod;
import io.weightloom.merge.taskvector.TaskVectorParams;
import io.weightloom.merge.taskvector.TaskVectorRule;
import io.weightloom.merge.taskvector.TaskVectorRule.Election;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Model Breadcrumbs: of each task vector the largest magnitudes and the smallest are dropped, the
 * rest is added to the base (Davari and Belilovsky, 2023, "Model breadcrumbs", §3).
 */
@AutoService(MergeMethod.class)
public final class Breadcrumbs implements TaskVectorMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "breadcrumbs",
          "Model Breadcrumbs",
          "drops the largest and the smallest of each task vector, adds the rest",
          "https://arxiv.org/abs/2312.06795",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          BreadcrumbsRule.parameters(),
          List.of(
              new Variant("mergekit", "over each tensor, exactly ⌊density·n⌋", Map.of()),
              new Variant(
                  "reference",
                  "the paper's own code: row by row, with its README's values",
                  Map.of(
                      "weight", 1.0,
                      "density", 0.2,
                      "gamma", 0.1,
                      "lambda", 0.4,
                      "over", "row"))));

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
    return BreadcrumbsRule.rule(tensor, Election.NONE, TaskVectorParams.meanOrSum(p));
  }

  @Override
  public Optional<String> warning(TensorMerge tensor) {
    return BreadcrumbsRule.warning(tensor);
  }
}
