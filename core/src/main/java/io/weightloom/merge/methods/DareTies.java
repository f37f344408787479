package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.taskvector.TaskVectorMethod;
import io.weightloom.merge.taskvector.TaskVectorParams;
import io.weightloom.merge.taskvector.TaskVectorRule;
import io.weightloom.merge.taskvector.TaskVectorRule.Drop;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * DARE with TIES' sign election: drop at random, rescale, elect signs, merge what agrees (Yu et
 * al., 2023, "Language models are super Mario", §3 and Yadav et al., 2023, §4.2).
 */
@AutoService(MergeMethod.class)
public final class DareTies implements TaskVectorMethod {

  private static final Variant PAPER =
      new Variant(
          "paper",
          "divides by the density, then TIES as MergeLM has it",
          Map.of(
              "rescale_by", "density",
              "weight", 1.0,
              "trim_density", 0.2,
              "scope", "model",
              "trim", "mask_rate",
              "zero_sign", "majority_or_none",
              "normalize", true));

  private static final MethodSpec SPEC =
      new MethodSpec(
          "dare_ties",
          "DARE + TIES",
          "drops task vectors at random, rescales, elects signs, merges what agrees",
          "https://arxiv.org/abs/2311.03099",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          TaskVectorParams.with(
              TaskVectorParams.ties(false, true),
              ParamSpec.extension(
                  "rescale_by", List.of("l1", "density"), "keep the L1 norm, or divide by density"),
              ParamSpec.extension(
                  "trim_density", 1, Range.DENSITY, "share that TIES' own trim keeps of the rest")),
          List.of(
              new Variant("mergekit", "keeps each tensor's L1 norm, no trim", Map.of()),
              PAPER,
              PAPER.but(
                  "fusionbench",
                  "density 0.5, then TIES at 20 %, a sum scaled by 0.5",
                  Map.of(
                      "density",
                      0.5,
                      "trim",
                      "reference",
                      "zero_sign",
                      "majority",
                      "normalize",
                      false,
                      "lambda",
                      0.5))));

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public boolean isWholeModel(Params params) {
    return TaskVectorParams.isWholeModel(params);
  }

  @Override
  public TaskVectorRule rule(TensorMerge tensor) {
    Params p = tensor.params();
    boolean byDensity = p.flag("rescale") && p.choice("rescale_by").equals("density");
    double[] trimmed = new double[tensor.inputs().size()];
    Arrays.fill(trimmed, p.number("trim_density"));
    return new TaskVectorRule(
        p.numbers("weight"),
        p.number("lambda"),
        Drop.of(p.numbers("density"), byDensity),
        TaskVectorParams.trim(p, trimmed),
        p.flag("rescale") && !byDensity,
        TaskVectorParams.election(p),
        TaskVectorParams.function(p));
  }
}
