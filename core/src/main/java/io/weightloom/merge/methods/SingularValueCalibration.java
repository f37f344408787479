package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.DenseLinAlg.Svd;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.MatrixRows;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.matrix.MatrixParams;
import io.weightloom.merge.matrix.Rest;
import io.weightloom.merge.matrix.Subspace;
import io.weightloom.merge.matrix.TaskMatrices;
import io.weightloom.merge.matrix.TaskMatrixMethod;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Scales down the directions in which task vectors add up what they share. Of {@code M = s·Σ τₖ / T
 * = U·diag(σ)·Vᵀ} each σᵣ is multiplied by {@code γᵣ = T / Σₖ max(α, sᵣₖ)}, where {@code sᵣₖ =
 * ⟨uᵣᵀM, uᵣᵀτₖ⟩ / ‖uᵣᵀτₖ‖²} says how much larger M is along task k than the task itself (2026,
 * "When Shared Knowledge Hurts: Spectral Over-Accumulation in Model Merging"). A task without
 * anything in a direction, there 0/0, counts as α.
 */
@AutoService(MergeMethod.class)
public final class SingularValueCalibration implements TaskMatrixMethod {
  private static final String SCALING = "scaling";
  private static final String ALPHA = "alpha";

  private static final MethodSpec SPEC =
      new MethodSpec(
          "svc",
          "Singular value calibration",
          "scales down the directions in which task vectors add up what they share",
          "https://arxiv.org/abs/2602.05536",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.number(
                  SCALING, 1, "factor of the mean task vector before it is calibrated"),
              MatrixParams.LAMBDA,
              ParamSpec.extension(
                  ALPHA,
                  0.1,
                  new Range(0, false, Double.POSITIVE_INFINITY),
                  "least that a task counts for in a direction; more scales down more"),
              MatrixParams.matrices("all")),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  /** What is no matrix is not calibrated. */
  @Override
  public MergeState rest(MergeScope scope) {
    Params p = scope.tensors().get(0).params();
    return Rest.TaskVectors.mean(p.number("lambda") * p.number(SCALING), scope.models());
  }

  @Override
  public long workBytes(TensorMerge matrix) {
    long m = MatrixParams.rows(matrix);
    long n = MatrixParams.columns(matrix);
    return TaskMatrices.blockBytes(m, n) + Double.BYTES * 3 * m * n + Subspace.svdBytes(m, n);
  }

  /** The base is read for the sum, for each task vector, and for the output. */
  @Override
  public int reads(TensorMerge matrix) {
    return matrix.inputs().size() + 2;
  }

  @Override
  public Map<String, Object> merge(TensorMerge matrix, MatrixRows rows, DenseLinAlg linAlg) {
    Params p = matrix.params();
    TaskMatrices tasks = new TaskMatrices(rows);
    Matrix sum = tasks.sum();
    sum.scale(p.number(SCALING) / tasks.models());
    Svd svd = linAlg.svd(sum);
    double[] total = new double[svd.values().length];
    for (int k = 0; k < tasks.models(); k++) {
      Matrix along = linAlg.multiply(svd.u(), Op.TRANSPOSED, tasks.of(k), Op.AS_IS);
      for (int r = 0; r < total.length; r++) {
        total[r] += Math.max(p.number(ALPHA), excess(svd, along, r));
      }
    }
    double[] calibrated = new double[total.length];
    Arrays.setAll(calibrated, r -> svd.values()[r] * tasks.models() / total[r]);
    svd.vt().scaleRows(calibrated);
    tasks.write(p.number("lambda"), linAlg.multiply(svd.u(), Op.AS_IS, svd.vt(), Op.AS_IS));
    return Map.of();
  }

  /** sᵣ of the task whose parts along the left vectors are the rows of {@code along}. */
  private static double excess(Svd svd, Matrix along, int r) {
    double product = 0;
    double square = 0;
    for (int j = 0; j < along.columns(); j++) {
      product += svd.vt().at(r, j) * along.at(r, j);
      square += along.at(r, j) * along.at(r, j);
    }
    return square == 0 ? 0 : svd.values()[r] * product / square;
  }
}
