package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.DenseLinAlg.Svd;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.MatrixRows;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.matrix.MatrixParams;
import io.weightloom.merge.matrix.Subspace;
import io.weightloom.merge.matrix.TaskMatrices;
import io.weightloom.merge.matrix.TaskMatrixMethod;
import java.util.List;
import java.util.Map;

/**
 * As Iso-C, with a part of the rank given to what is each task's own: the leading directions of the
 * sum of task vectors, and those of each task vector outside of them, made orthogonal and given one
 * singular value, the mean (Marczak et al., 2025, §4.2).
 */
@AutoService(MergeMethod.class)
public final class IsoCts implements TaskMatrixMethod {
  private static final String FRACTION = "common_space_fraction";

  private static final MethodSpec SPEC =
      new MethodSpec(
          "iso_cts",
          "Iso-CTS (common and task-specific subspaces)",
          "isotropic merging of a common subspace and one of each task",
          "https://arxiv.org/abs/2502.04959",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              MatrixParams.LAMBDA,
              ParamSpec.extension(
                  FRACTION, 0.8, new Range(0, true, 1), "share of the rank that is common"),
              MatrixParams.matrices("reference")),
          MatrixParams.BY_CODE);

  /**
   * How the rank is shared out.
   *
   * @param common directions of the sum
   * @param task directions of each task
   */
  record Ranks(int common, int task) {

    /** As the reference has it: the tasks' part is rounded, half to even, to a multiple of T. */
    static Ranks of(int side, double fraction, int models) {
      int common = (int) (side * fraction);
      long task = (long) Math.rint((side - common) / (double) models);
      task = Math.min(task, side / models);
      return new Ranks((int) (side - task * models), (int) task);
    }
  }

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public long workBytes(TensorMerge matrix) {
    long m = MatrixParams.rows(matrix);
    long n = MatrixParams.columns(matrix);
    long k = Math.min(m, n);
    long whileAdding =
        Double.BYTES * (k * (m + n) + 2 * m * k + k * n + 2 * m * n) + Subspace.svdBytes(m, n);
    return TaskMatrices.blockBytes(m, n) + Math.max(whileAdding, Subspace.bytes(m, n, k));
  }

  @Override
  public int reads(TensorMerge matrix) {
    return matrix.inputs().size() + 2;
  }

  @Override
  public Map<String, Object> merge(TensorMerge matrix, MatrixRows rows, DenseLinAlg linAlg) {
    TaskMatrices tasks = new TaskMatrices(rows);
    Ranks ranks = Ranks.of(tasks.side(), matrix.params().number(FRACTION), tasks.models());
    tasks.write(matrix.params().number("lambda"), merged(tasks, ranks, linAlg));
    return Map.of("common_rank", ranks.common(), "rank_per_model", ranks.task());
  }

  private static Matrix merged(TaskMatrices tasks, Ranks ranks, DenseLinAlg linAlg) {
    Subspace all = new Subspace(tasks.rows(), tasks.columns(), tasks.side(), linAlg);
    Svd sum = linAlg.svd(tasks.sum());
    Matrix common = TaskMatrices.firstColumns(sum.u(), ranks.common());
    for (int k = 0; ranks.task() > 0 && k < tasks.models(); k++) {
      all.add(linAlg.svd(without(common, tasks.of(k), linAlg)), ranks.task());
    }
    all.add(sum, ranks.common());
    all.makeIsotropic();
    return all.orthogonalised();
  }

  /** {@code x − c·cᵀ·x}, in place. */
  private static Matrix without(Matrix c, Matrix x, DenseLinAlg linAlg) {
    Matrix along = linAlg.multiply(c, Op.TRANSPOSED, x, Op.AS_IS);
    linAlg.multiply(-1, c, Op.AS_IS, along, Op.AS_IS, 1, x);
    return x;
  }
}
