package io.weightloom.merge.methods;

import static io.weightloom.merge.taskvector.TaskVectorParams.DENSITY;
import static io.weightloom.merge.taskvector.TaskVectorParams.ELECTION;
import static io.weightloom.merge.taskvector.TaskVectorParams.SCOPE;
import static io.weightloom.merge.taskvector.TaskVectorParams.TRIM;
import static io.weightloom.merge.taskvector.TaskVectorParams.ZERO_SIGN;

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
import io.weightloom.merge.taskvector.TaskVectorRule.Election;
import io.weightloom.merge.taskvector.TaskVectorRule.Function;
import io.weightloom.merge.taskvector.TaskVectorRule.Trim;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * AdaMerging with coefficients that were learned elsewhere: {@code θ₀ + Σ clamp(λₜ, 0, 1)·τₜ}, one
 * λ a model, or one a model and tensor from a table (Yang et al., 2024, "AdaMerging", eq. 3 and 4).
 * AdaMerging++ takes the entries that TIES selects for τ: trimmed, and of the elected sign.
 */
@AutoService(MergeMethod.class)
public final class AdaMerging implements TaskVectorMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "adamerging",
          "AdaMerging",
          "adds task vectors by learned coefficients, a table of them if need be",
          "https://arxiv.org/abs/2310.02575",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.perModel("weight", "learned coefficient λ").orElse(0.3),
              DENSITY,
              ParamSpec.extension(
                  "clamp", List.of("yes", "no"), "whether λ is kept within 0 and 1"),
              ParamSpec.extension(
                  "select", List.of("all", "ties"), "which entries take part: all, or TIES' own"),
              SCOPE,
              TRIM,
              ELECTION,
              ZERO_SIGN),
          List.of(
              new Variant("adamerging", "the paper's code", Map.of()),
              new Variant(
                  "plusplus",
                  "AdaMerging++: of the top 20 %, what has the elected sign",
                  Map.of(
                      "select",
                      "ties",
                      "density",
                      0.2,
                      "scope",
                      "model",
                      "trim",
                      "reference",
                      "zero_sign",
                      "majority")),
              new Variant("fusionbench", "λ is not clamped", Map.of("clamp", "no"))));

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
    boolean clamped = p.choice("clamp").equals("yes");
    boolean selects = p.choice("select").equals("ties");
    return new TaskVectorRule(
        Arrays.stream(p.numbers("weight"))
            .map(w -> clamped ? Math.max(0, Math.min(1, w)) : w)
            .toArray(),
        1,
        Drop.none(tensor.inputs().size()),
        selects
            ? TaskVectorParams.trim(p, p.numbers("density"))
            : Trim.none(tensor.inputs().size()),
        false,
        selects ? TaskVectorParams.election(p) : Election.NONE,
        selects ? Function.SUM_WEIGHTED_LATE : Function.SUM);
  }
}
