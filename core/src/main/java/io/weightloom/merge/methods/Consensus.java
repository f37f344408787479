package io.weightloom.merge.methods;

import static io.weightloom.merge.taskvector.TaskVectorParams.DENSITY;
import static io.weightloom.merge.taskvector.TaskVectorParams.LAMBDA;
import static io.weightloom.merge.taskvector.TaskVectorParams.WEIGHT;

import com.google.auto.service.AutoService;
import io.weightloom.merge.BundlePart;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.taskvector.RowMask;
import io.weightloom.merge.taskvector.TaskVectorMethod;
import io.weightloom.merge.taskvector.TaskVectorRule;
import io.weightloom.merge.taskvector.TaskVectorRule.Drop;
import io.weightloom.merge.taskvector.TaskVectorRule.Election;
import io.weightloom.merge.taskvector.TaskVectorRule.Function;
import io.weightloom.merge.taskvector.TaskVectorRule.Keep;
import io.weightloom.merge.taskvector.TaskVectorRule.Trim;
import java.util.List;
import java.util.Map;

/**
 * Consensus merging with TALL masks: of a merged task vector only the coordinates stay that enough
 * models use, {@code θ₀ + α·[Σₜ mₜ ≥ k]⊙M} with {@code mₜ = |θ₀ − θₜ| > λₜ·|θ₀ + M − θₜ|} (Wang et
 * al., 2024, "Localizing task information for improved model merging and compression", eq. 3 and
 * §4.3).
 */
@AutoService(MergeMethod.class)
public final class Consensus implements TaskVectorMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "consensus",
          "Consensus merging (TALL masks)",
          "keeps of a merged task vector what enough models use",
          "https://arxiv.org/abs/2405.07813",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              WEIGHT.orElse(1),
              DENSITY,
              LAMBDA,
              ParamSpec.perModel(
                      "mask_lambda", "how much of the rest a model's own change outweighs")
                  .within(new Range(0, true, Double.POSITIVE_INFINITY))
                  .orElse(0.4)
                  .forEmission(),
              ParamSpec.extension(
                      "prun_thre_k",
                      2,
                      new Range(0, true, Double.POSITIVE_INFINITY),
                      "how many models must use a parameter")
                  .forEmission(),
              ParamSpec.extension(
                  "multi_task",
                  List.of("task_arithmetic", "ties", "ties_mergekit"),
                  "how the merged task vector is made"),
              ParamSpec.extension(
                  "compare", List.of("models", "deltas"), "what is subtracted to make a mask"),
              BundlePart.PART,
              BundlePart.MASK_OF),
          List.of(
              new Variant("reference", "the paper's own code: compares parameters", Map.of()),
              new Variant("delta", "the same formula on task vectors", Map.of("compare", "deltas")),
              new Variant(
                  "ties",
                  "of TIES at 20 %, a sum, as the paper's code has it",
                  Map.of("multi_task", "ties", "density", 0.2)),
              new Variant(
                  "consensus_ta",
                  "as in mergekit from December 2024 to February 2025",
                  Map.of("compare", "deltas", "mask_lambda", 1.0, "prun_thre_k", 1.0)),
              new Variant(
                  "consensus_ties",
                  "as in mergekit from December 2024 to February 2025",
                  Map.of(
                      "compare",
                      "deltas",
                      "mask_lambda",
                      1.0,
                      "prun_thre_k",
                      1.0,
                      "multi_task",
                      "ties_mergekit"))));

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public boolean isWholeModel(Params params) {
    return params.choice("multi_task").equals("ties");
  }

  @Override
  public TaskVectorRule rule(TensorMerge tensor) {
    Params p = tensor.params();
    int models = tensor.inputs().size();
    boolean ties = !p.choice("multi_task").equals("task_arithmetic");
    boolean whole = isWholeModel(p);
    return new TaskVectorRule(
        p.numbers("weight"),
        p.number("lambda"),
        Drop.none(models),
        RowMask.none(models),
        ties
            ? new Trim(p.numbers("density"), whole ? Keep.REFERENCE : Keep.EXACT, false)
            : Trim.none(models),
        false,
        whole ? Election.MASS_MAJORITY : ties ? Election.MASS : Election.NONE,
        ties && !whole ? Function.MEAN : Function.SUM,
        new TaskVectorRule.Consensus(
            p.numbers("mask_lambda"),
            (int) Math.ceil(p.number("prun_thre_k")),
            p.choice("compare").equals("models"),
            BundlePart.of(p),
            BundlePart.maskOf(p)));
  }

  @Override
  public Yield yields(Params params) {
    return BundlePart.of(params);
  }
}
