package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.taskvector.TaskVectorMethod;
import io.weightloom.merge.taskvector.TaskVectorParams;
import io.weightloom.merge.taskvector.TaskVectorRule;
import io.weightloom.merge.taskvector.TaskVectorRule.Drop;
import java.util.List;
import java.util.Map;

/**
 * TIES: trim each task vector to its largest magnitudes, elect a sign per coordinate, merge only
 * the values that agree with it (Yadav et al., 2023, "TIES-Merging", §4).
 */
@AutoService(MergeMethod.class)
public final class Ties implements TaskVectorMethod {

  private static final Variant REFERENCE =
      new Variant(
          "reference",
          "the paper's own code",
          Map.of(
              "weight", 1.0,
              "density", 0.2,
              "scope", "model",
              "trim", "reference",
              "zero_sign", "majority"));

  /** What TIES takes everywhere, with the trims and votes that only its own code has. */
  private static final List<ParamSpec> PARAMETERS =
      TaskVectorParams.with(
          TaskVectorParams.ties(true, false).stream()
              .map(p -> p.name().equals("trim") ? TaskVectorParams.TRIM_BY_NORM : p)
              .map(p -> p.name().equals("election") ? TaskVectorParams.ELECTION_BY_NORM : p)
              .toList(),
          TaskVectorParams.STD_FACTOR);

  private static final MethodSpec SPEC =
      new MethodSpec(
          "ties",
          "TIES merging",
          "trims task vectors, elects signs, averages what agrees",
          "https://arxiv.org/abs/2306.01708",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          PARAMETERS,
          List.of(
              new Variant("mergekit", "per tensor, weighted vote", Map.of()),
              REFERENCE,
              REFERENCE.but(
                  "mergelm",
                  "MergeLM's code",
                  Map.of("trim", "mask_rate", "zero_sign", "majority_or_none")),
              REFERENCE.but(
                  "fusionbench",
                  "FusionBench's code: a sum, scaled by 0.3",
                  Map.of("normalize", false, "lambda", 0.3)),
              REFERENCE.but(
                  "std",
                  "the paper's code: keeps what lies a standard deviation from the mean",
                  Map.of("trim", "std")),
              REFERENCE.but(
                  "nf",
                  "the paper's code: keeps the largest that make up 90 % of the squares",
                  Map.of("trim", "nf", "density", 0.9)),
              REFERENCE.but(
                  "normfrac",
                  "the paper's code: the largest share of its task vector's squares elects",
                  Map.of("election", "normfrac")),
              REFERENCE.but(
                  "normmass",
                  "the paper's code: sums of shares of the squares elect",
                  Map.of("election", "normmass"))));

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
    return new TaskVectorRule(
        p.numbers("weight"),
        p.number("lambda"),
        Drop.none(tensor.inputs().size()),
        TaskVectorParams.trim(p, p.numbers("density")),
        p.flag("rescale"),
        TaskVectorParams.election(p),
        TaskVectorParams.function(p));
  }
}
