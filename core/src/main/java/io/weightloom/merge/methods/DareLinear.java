package io.weightloom.merge.methods;

import static io.weightloom.merge.taskvector.TaskVectorParams.DENSITY;
import static io.weightloom.merge.taskvector.TaskVectorParams.INT8_MASK;
import static io.weightloom.merge.taskvector.TaskVectorParams.LAMBDA;
import static io.weightloom.merge.taskvector.TaskVectorParams.WEIGHT;

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
import io.weightloom.merge.taskvector.TaskVectorRule.Election;
import io.weightloom.merge.taskvector.TaskVectorRule.Keep;
import io.weightloom.merge.taskvector.TaskVectorRule.Trim;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * DARE with task arithmetic: drop each element of a task vector at random, rescale the rest, add
 * the weighted sum to the base (Yu et al., 2023, "Language models are super Mario", §3).
 */
@AutoService(MergeMethod.class)
public final class DareLinear implements TaskVectorMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "dare_linear",
          "DARE + task arithmetic",
          "drops task vectors at random, rescales, adds",
          "https://arxiv.org/abs/2311.03099",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              WEIGHT,
              DENSITY,
              LAMBDA,
              TaskVectorParams.normalize(false),
              TaskVectorParams.rescale(true),
              INT8_MASK,
              ParamSpec.extension(
                  "rescale_by",
                  List.of("l1", "density", "q"),
                  "keep the L1 norm, or divide by the density or by q"),
              ParamSpec.extension("q", 1, Range.DENSITY, "divisor beside rescale_by: q (DAREx-q)"),
              ParamSpec.extension(
                  "mask_strategy", List.of("random", "magnitude"), "what is dropped")),
          List.of(
              new Variant("mergekit", "keeps each tensor's L1 norm", Map.of()),
              new Variant("paper", "divides by the density", Map.of("rescale_by", "density")),
              new Variant(
                  "darex_q",
                  "DAREx (arXiv:2410.09344): divides by a q that is given",
                  Map.of("rescale_by", "q")),
              new Variant(
                  "fusionbench",
                  "density 0.5, scaled by 0.3",
                  Map.of("rescale_by", "density", "weight", 1.0, "density", 0.5, "lambda", 0.3))));

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
    double[] densities = p.numbers("density");
    boolean random = p.choice("mask_strategy").equals("random");
    boolean byDensity = p.flag("rescale") && p.choice("rescale_by").equals("density");
    boolean byQ = p.flag("rescale") && p.choice("rescale_by").equals("q");
    double[] divisors = new double[densities.length];
    Arrays.setAll(divisors, k -> byDensity ? densities[k] : byQ ? p.number("q") : 1);
    return new TaskVectorRule(
        p.numbers("weight"),
        p.number("lambda"),
        random ? new Drop(densities, divisors) : Drop.none(densities.length),
        random ? Trim.none(densities.length) : new Trim(densities, Keep.ABOVE, byDensity),
        p.flag("rescale") && !byDensity && !byQ,
        Election.NONE,
        TaskVectorParams.meanOrSum(p));
  }
}
