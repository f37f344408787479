package io.weightloom.prune;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import java.util.List;
import java.util.Map;

/**
 * Zeros the weights of least magnitude, in each tensor, each row, or by one threshold over the
 * model (essential sparsity: Jaiswal et al., 2023, "The Emergence of Essential Sparsity in Large
 * Pre-trained Models"). With a second model the mask of the first is laid on the second: with a
 * checkpoint from early in training that is a lottery ticket (Frankle and Carbin, 2019).
 */
@AutoService(MergeMethod.class)
public final class MagnitudePruning implements RankedPruning {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "magnitude_pruning",
          "magnitude pruning",
          "zeros the weights of least magnitude, by tensor, row or model; of a second model at the"
              + " same places",
          "https://arxiv.org/abs/2306.03805",
          BaseRule.DONOR,
          1,
          2,
          List.of(
              PruneParams.SPARSITY,
              PruneParams.scope("tensor", "row", "model"),
              PruneParams.COUNT,
              PruneParams.TARGETS,
              PruneParams.OUTPUT),
          List.of(
              new Variant("exact", "exactly ⌊s·n⌋, of equal weights the first", Map.of()),
              new Variant(
                  "torch",
                  "the number that torch.nn.utils.prune takes away",
                  PruneParams.counts("round")),
              new Variant(
                  "llm_compressor",
                  "llm-compressor's threshold, ties go",
                  PruneParams.counts("ties")),
              new Variant(
                  "wanda_repo", "Wanda's magnitude baseline", PruneParams.counts("beyond"))));

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Scores scores() {
    return Scores.MAGNITUDE;
  }
}
