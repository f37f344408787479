package io.weightloom.merge.methods;

import static io.weightloom.merge.taskvector.TaskVectorParams.DISJOINT;
import static io.weightloom.merge.taskvector.TaskVectorParams.ELECTION;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.taskvector.BreadcrumbsRule;
import io.weightloom.merge.taskvector.TaskVectorMethod;
import io.weightloom.merge.taskvector.TaskVectorParams;
import io.weightloom.merge.taskvector.TaskVectorRule;
import java.util.List;
import java.util.Optional;

/**
 * Model Breadcrumbs with TIES' sign election (Davari and Belilovsky, 2023, §3 and Yadav et al.,
 * 2023, §4.2), as mergekit combines them.
 */
@AutoService(MergeMethod.class)
public final class BreadcrumbsTies implements TaskVectorMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "breadcrumbs_ties",
          "Breadcrumbs + TIES",
          "drops the largest and the smallest of each task vector, elects signs, merges what agrees",
          "https://arxiv.org/abs/2312.06795",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          TaskVectorParams.with(BreadcrumbsRule.parameters(), ELECTION, DISJOINT),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public TaskVectorRule rule(TensorMerge tensor) {
    Params p = tensor.params();
    return BreadcrumbsRule.rule(tensor, TaskVectorParams.voted(p), TaskVectorParams.function(p));
  }

  @Override
  public Optional<String> warning(TensorMerge tensor) {
    return BreadcrumbsRule.warning(tensor);
  }
}
