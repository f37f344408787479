package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.merge.MatrixRows;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.matrix.Isotropic;
import io.weightloom.merge.matrix.MatrixParams;
import io.weightloom.merge.matrix.TaskMatrices;
import io.weightloom.merge.matrix.TaskMatrixMethod;
import java.util.List;
import java.util.Map;

/**
 * Gives all singular values of the sum of task vectors their mean: {@code mean(σ) · U·Vᵀ} of {@code
 * Σ τₖ = U·diag(σ)·Vᵀ} (Marczak et al., 2025, "No Task Left Behind: Isotropic Model Merging with
 * Common and Task-Specific Subspaces", §4.1).
 */
@AutoService(MergeMethod.class)
public final class IsoC implements TaskMatrixMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "iso_c",
          "Iso-C (isotropic merging)",
          "gives all singular values of the summed task vectors their mean",
          "https://arxiv.org/abs/2502.04959",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(MatrixParams.LAMBDA, MatrixParams.matrices("reference")),
          MatrixParams.BY_CODE);

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public long workBytes(TensorMerge matrix) {
    return Isotropic.bytes(MatrixParams.rows(matrix), MatrixParams.columns(matrix));
  }

  @Override
  public int reads(TensorMerge matrix) {
    return 3;
  }

  @Override
  public Map<String, Object> merge(TensorMerge matrix, MatrixRows rows, DenseLinAlg linAlg) {
    return new Isotropic(new TaskMatrices(rows), linAlg).write(matrix.params().number("lambda"));
  }
}
