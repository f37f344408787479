package io.weightloom.prune;

import com.google.auto.service.AutoService;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.MatrixRows;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Zeros whole rows or columns of least norm, alone or in groups of so many that stand together, as
 * a head's rows do (Li et al., 2017, "Pruning Filters for Efficient ConvNets"; with groups the
 * projection on the k largest of "Learning k-Level Structured Sparse Neural Networks Using Group
 * Envelope Regularization").
 */
@AutoService(MergeMethod.class)
public final class StructuredPruning implements MatrixPruning {
  private static final String UNIT = "unit";
  private static final String NORM = "norm";
  private static final String GROUP = "group_size";

  private static final MethodSpec SPEC =
      new MethodSpec(
          "structured_pruning",
          "structured pruning",
          "zeros whole rows or columns of least norm, alone or in groups",
          "https://arxiv.org/abs/1608.08710",
          BaseRule.DONOR,
          1,
          1,
          List.of(
              PruneParams.SPARSITY,
              ParamSpec.extension(
                  UNIT, List.of("rows", "columns"), "what goes: outputs or inputs of the layer"),
              ParamSpec.extension(NORM, List.of("l2", "l1"), "the norm that ranks them"),
              ParamSpec.extension(
                  GROUP,
                  1,
                  new Range(1, true, 1 << 20),
                  "rows or columns that go together: head_dim for heads"),
              PruneParams.COUNT,
              PruneParams.TARGETS,
              PruneParams.OUTPUT),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Optional<String> problem(Params params) {
    return params.notWhole(GROUP);
  }

  @Override
  public Optional<String> warning(TensorMerge tensor) {
    if (!isMatrix(tensor)) {
      return Optional.empty();
    }
    int dim = isRows(tensor.params()) ? 0 : 1;
    long units = tensor.output().shape().dims().get(dim);
    long rest = units % (long) tensor.params().number(GROUP);
    return rest == 0
        ? Optional.empty()
        : Optional.of(
            "%s has %d %s, the last %d are a group of their own"
                .formatted(tensor.output().name(), units, tensor.params().choice(UNIT), rest));
  }

  private static boolean isRows(Params params) {
    return params.choice(UNIT).equals("rows");
  }

  @Override
  public long workBytes(TensorMerge matrix) {
    List<Long> dims = matrix.output().shape().dims();
    return Double.BYTES * (3 * (dims.get(0) + dims.get(1)) + (1L << 21));
  }

  @Override
  public int reads(TensorMerge matrix) {
    return 2;
  }

  @Override
  public Map<String, Object> merge(TensorMerge tensor, MatrixRows rows, DenseLinAlg linAlg) {
    Params p = tensor.params();
    boolean byRow = isRows(p);
    int group = (int) p.number(GROUP);
    double[] sums = new double[byRow ? rows.rows() : rows.columns()];
    rows.eachBlock(0, (first, block) -> addNorms(p, byRow, first, block, sums));
    double[] scores = new double[(sums.length + group - 1) / group];
    for (int i = 0; i < sums.length; i++) {
      scores[i / group] += sums[i];
    }
    boolean[] kept = new boolean[scores.length];
    new RowRanking.Least(PruneParams.sparsity(tensor), PruneParams.counting(p))
        .choose(scores, kept, 0, kept.length, new double[kept.length]);
    long[] pruned = {0};
    boolean isMask = PruneParams.isMask(p);
    rows.eachBlock(
        0,
        (first, block) -> {
          for (int i = 0; i < block.rows(); i++) {
            for (int j = 0; j < block.columns(); j++) {
              int at = i * block.columns() + j;
              boolean stays = kept[(byRow ? first + i : j) / group];
              pruned[0] += stays ? 0 : 1;
              block.values()[at] = !stays ? 0 : isMask ? 1 : block.values()[at];
            }
          }
          rows.write(first, block);
        });
    return Map.of(
        "pruned",
        pruned[0],
        "groups_pruned",
        IntStream.range(0, kept.length).filter(i -> !kept[i]).boxed().toList());
  }

  private static void addNorms(Params p, boolean byRow, int first, Matrix block, double[] sums) {
    boolean squares = p.choice(NORM).equals("l2");
    for (int i = 0; i < block.rows(); i++) {
      for (int j = 0; j < block.columns(); j++) {
        double v = block.at(i, j);
        sums[byRow ? first + i : j] += squares ? v * v : Math.abs(v);
      }
    }
  }
}
