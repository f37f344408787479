package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.MatrixRows;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.matrix.MatrixParams;
import io.weightloom.merge.matrix.Subspace;
import io.weightloom.merge.matrix.TaskMatrices;
import io.weightloom.merge.matrix.TaskMatrixMethod;
import java.util.List;
import java.util.Map;

/**
 * Keeps the leading singular triplets of each task vector, an equal share of the rank a model, and
 * makes left and right vectors of all models orthogonal to each other: {@code polar([U₁…U_T]) ·
 * diag(S₁…S_T) · polar([V₁…V_T])} (Gargiulo et al., 2025, "Task Singular Vectors: Reducing Task
 * Interference in Model Merging", alg. 1).
 */
@AutoService(MergeMethod.class)
public final class TsvM implements TaskMatrixMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "tsv_m",
          "TSV-M (task singular vectors)",
          "keeps the leading singular triplets of each task vector and makes them orthogonal",
          "https://arxiv.org/abs/2412.00081",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(MatrixParams.LAMBDA, MatrixParams.matrices("reference")),
          MatrixParams.BY_CODE);

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  /** Triplets a model, k/T as the reference takes it: a product of doubles, truncated. */
  static int share(long side, int models) {
    return (int) (side * (1.0 / models));
  }

  @Override
  public long workBytes(TensorMerge matrix) {
    long m = MatrixParams.rows(matrix);
    long n = MatrixParams.columns(matrix);
    int models = matrix.inputs().size();
    long k = (long) share(Math.min(m, n), models) * models;
    return TaskMatrices.blockBytes(m, n)
        + Math.max(
            Double.BYTES * (k * (m + n) + m * n) + Subspace.svdBytes(m, n),
            Subspace.bytes(m, n, k));
  }

  @Override
  public int reads(TensorMerge matrix) {
    return matrix.inputs().size() + 1;
  }

  @Override
  public Map<String, Object> merge(TensorMerge matrix, MatrixRows rows, DenseLinAlg linAlg) {
    TaskMatrices tasks = new TaskMatrices(rows);
    int share = share(tasks.side(), tasks.models());
    tasks.write(matrix.params().number("lambda"), merged(tasks, share, linAlg));
    return Map.of("rank_per_model", share);
  }

  private static Matrix merged(TaskMatrices tasks, int share, DenseLinAlg linAlg) {
    Subspace all = new Subspace(tasks.rows(), tasks.columns(), share * tasks.models(), linAlg);
    for (int k = 0; k < tasks.models(); k++) {
      all.add(linAlg.svd(tasks.of(k)), share);
    }
    return all.orthogonalised();
  }
}
