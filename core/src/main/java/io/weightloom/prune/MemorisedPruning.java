package io.weightloom.prune;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.TensorMerge;
import java.util.List;

/**
 * Zeros the weights that a memorised example needs and others do not: those among the share of
 * largest |w|·‖x‖ of their row for the memorised inputs, where that is above the score for neutral
 * inputs (Chavhan et al., 2024, "Memorized Images in Diffusion Models share a Subspace that can be
 * Located and Deleted"). Masks of several examples are joined by {@code weightloom masks}.
 */
@AutoService(MergeMethod.class)
public final class MemorisedPruning implements ElementwisePruning {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "memorised_pruning",
          "memorised-subspace pruning",
          "zeros the weights that matter more to a memorised example than to neutral ones",
          "https://arxiv.org/abs/2406.18566",
          BaseRule.DONOR,
          1,
          1,
          List.of(PruneParams.SPARSITY, PruneParams.TARGETS, Lacking.PARAM, PruneParams.OUTPUT),
          List.of(
              Scores.norms(
                  Scores.MEMORISED_NORMS,
                  "L2 norm of each input of the layer on the memorised example"),
              Scores.norms(
                  Scores.NEUTRAL_NORMS, "L2 norm of each input of the layer on neutral examples")),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public MergeState begin(MergeScope scope) {
    TensorMerge tensor = scope.tensors().get(0);
    double share = PruneParams.sparsity(tensor);
    return RowRanking.of(
        tensor, Scores.MEMORISED, share > 0, new RowRanking.Most(share, Counting.FLOOR));
  }
}
