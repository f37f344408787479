package io.weightloom.prune;

import com.google.auto.service.AutoService;
import io.weightloom.error.WeightloomException;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import java.util.List;
import java.util.Optional;

/**
 * N:M sparsity: of each M consecutive weights of a row, those along the inputs, the N of largest
 * magnitude are kept (Mishra et al., 2021, "Accelerating Sparse Deep Neural Networks"); with {@code
 * rank_by: activation} the N of largest |w|·‖x‖₂ (Wanda's N:M form).
 */
@AutoService(MergeMethod.class)
public final class NmPruning implements ElementwisePruning {
  private static final String RANK_BY = "rank_by";
  private static final String TAIL = "tail";
  private static final int LARGEST = 1024;
  private static final Range SIZE = new Range(1, true, LARGEST);

  private static final MethodSpec SPEC =
      new MethodSpec(
          "nm_pruning",
          "N:M pruning",
          "keeps the N largest of each M consecutive weights of a row",
          "https://arxiv.org/abs/2104.08378",
          BaseRule.DONOR,
          1,
          2,
          List.of(
              ParamSpec.extension("n", 2, SIZE, "weights kept of each group"),
              ParamSpec.extension("m", 4, SIZE, "weights of a group"),
              ParamSpec.extension(
                  TAIL,
                  List.of("dense", "error"),
                  "columns behind the last whole group: kept as they are, or an error"),
              ParamSpec.extension(
                  RANK_BY,
                  List.of("magnitude", "activation"),
                  "what ranks: the magnitude, or that times the norm of the weight's input"),
              PruneParams.TARGETS,
              Lacking.PARAM,
              PruneParams.OUTPUT),
          List.of(Scores.norms(false)),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Optional<String> problem(Params params) {
    return NmGroups.problem(params.number("n"), params.number("m"));
  }

  @Override
  public Optional<String> warning(TensorMerge tensor) {
    int m = (int) tensor.params().number("m");
    long tail = PruneParams.isTarget(tensor) ? columns(tensor) % m : 0;
    return tail == 0
        ? Optional.empty()
        : Optional.of(
            "%s has %d columns, the last %d are no whole group of %d and stay dense"
                .formatted(tensor.output().name(), columns(tensor), tail, m));
  }

  private static long columns(TensorMerge tensor) {
    List<Long> dims = tensor.output().shape().dims();
    return dims.isEmpty() ? 1 : dims.get(dims.size() - 1);
  }

  @Override
  public MergeState begin(MergeScope scope) {
    TensorMerge tensor = scope.tensors().get(0);
    Params p = tensor.params();
    int n = (int) p.number("n");
    int m = (int) p.number("m");
    if (PruneParams.isTarget(tensor)
        && p.choice(TAIL).equals("error")
        && columns(tensor) % m != 0) {
      throw WeightloomException.input(
          "Cannot prune %s to %d:%d: a row has %d weights, no multiple of %d (leave it out, or set weightloom: {tail: dense} to keep the last %d)"
              .formatted(tensor.output().name(), n, m, columns(tensor), m, columns(tensor) % m));
    }
    Scores scores = p.choice(RANK_BY).equals("activation") ? Scores.ACTIVATION : Scores.MAGNITUDE;
    return RowRanking.of(tensor, scores, true, new RowRanking.Groups(n, m));
  }
}
