package io.weightloom.prune;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import java.util.List;

/**
 * Zeros the weights of least |w|·‖x‖₂, x being the values that the weight's input took over the
 * calibration data (Sun et al., 2024, "A Simple and Effective Pruning Approach for Large Language
 * Models", eq. 1), row by row as the paper does, or over tensor or model. The norms are those of
 * the dense model: the reference computes them anew behind each layer that it has pruned.
 */
@AutoService(MergeMethod.class)
public final class Wanda implements RankedPruning {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "wanda",
          "Wanda",
          "zeros the weights of least magnitude times input norm, by row, tensor or model",
          "https://arxiv.org/abs/2306.11695",
          BaseRule.DONOR,
          1,
          2,
          List.of(
              PruneParams.SPARSITY,
              PruneParams.scope("row", "tensor", "model"),
              PruneParams.COUNT,
              PruneParams.TARGETS,
              Lacking.PARAM,
              PruneParams.OUTPUT),
          List.of(Scores.norms(true)),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Scores scores() {
    return Scores.ACTIVATION;
  }
}
