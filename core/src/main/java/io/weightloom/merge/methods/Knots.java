package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Eigen;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.MatrixRows;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.matrix.Coordinates;
import io.weightloom.merge.matrix.MatrixParams;
import io.weightloom.merge.matrix.TaskMatrices;
import io.weightloom.merge.matrix.TaskMatrixMethod;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Merges task vectors in a basis that they share: the left singular vectors U of {@code
 * [τ₁|…|τ_T]}. The coordinates {@code Uᵀτₖ} are trimmed, elect signs and are averaged as TIES does
 * it, and go back through U (Stoica et al., 2025, "Model merging with SVD to tie the Knots", §4).
 *
 * <p>U and σ come from {@code Σ τₖτₖᵀ}, which finds σ to √ε·σ₁; coordinates are products with an
 * orthonormal U, whatever its error. Here each matrix is trimmed by itself; the paper's code ranks
 * the coordinates of all layers together.
 */
@AutoService(MergeMethod.class)
public final class Knots implements TaskMatrixMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "knots",
          "KnOTS",
          "TIES in the left singular vectors that all task vectors share",
          "https://arxiv.org/abs/2410.19735",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.number("lambda", 0.6, "factor of the merged task vector"),
              ParamSpec.extension(
                  "keep", 0.2, Range.DENSITY, "share of each matrix's coordinates to keep"),
              ParamSpec.extension(
                  "min_singular_value",
                  1e-5,
                  new Range(0, true, Double.POSITIVE_INFINITY),
                  "smaller directions are left out"),
              MatrixParams.matrices("layers"),
              MatrixParams.rest("base")),
          List.of(
              new Variant(
                  "per_tensor", "the paper's own code, each matrix trimmed by itself", Map.of()),
              new Variant(
                  "fusionbench",
                  "as FusionBench's helper drops directions",
                  Map.of("min_singular_value", 1e-4))));

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public long workBytes(TensorMerge matrix) {
    long m = MatrixParams.rows(matrix);
    long n = MatrixParams.columns(matrix);
    long models = matrix.inputs().size();
    return TaskMatrices.blockBytes(m, n) + Double.BYTES * (5 * m * m + (models + 3) * m * n);
  }

  @Override
  public int reads(TensorMerge matrix) {
    return 2 * matrix.inputs().size() + 1;
  }

  @Override
  public Map<String, Object> merge(TensorMerge matrix, MatrixRows rows, DenseLinAlg linAlg) {
    TaskMatrices tasks = new TaskMatrices(rows);
    Params params = matrix.params();
    Matrix basis = basis(tasks, params.number("min_singular_value"), linAlg);
    List<Matrix> coordinates = new ArrayList<>();
    for (int k = 0; k < tasks.models(); k++) {
      coordinates.add(linAlg.multiply(basis, Op.AS_IS, tasks.of(k), Op.AS_IS));
    }
    Matrix merged = Coordinates.merge(coordinates, params.number("keep"));
    tasks.write(params.number("lambda"), linAlg.multiply(basis, Op.TRANSPOSED, merged, Op.AS_IS));
    return Map.of("rank", basis.rows());
  }

  /** The left singular vectors of all task vectors side by side, one a row. */
  private static Matrix basis(TaskMatrices tasks, double least, DenseLinAlg linAlg) {
    int m = tasks.rows();
    Matrix sum = Matrix.zeros(m, m);
    for (int k = 0; k < tasks.models(); k++) {
      Matrix task = tasks.of(k);
      linAlg.multiply(1, task, Op.AS_IS, task, Op.TRANSPOSED, 1, sum);
    }
    Eigen eigen = linAlg.eigen(sum);
    int dropped = 0;
    while (dropped < m && !(Math.sqrt(Math.max(0, eigen.values()[dropped])) > least)) {
      dropped++;
    }
    return TaskMatrices.rowsOf(eigen.vectors(), dropped, m - dropped);
  }
}
