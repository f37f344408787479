package io.weightloom.prune;

import com.google.auto.service.AutoService;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.Arith;
import io.weightloom.merge.MatrixMethod;
import io.weightloom.merge.MatrixRows;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.Span;
import io.weightloom.merge.TensorMerge;
import java.util.List;
import java.util.Map;

/**
 * Measures how far a pruned, quantised or otherwise changed model's layers are from the first
 * model's on the calibration inputs: {@code tr(ΔHΔᵀ)/tr(WHWᵀ)}, H being the inputs' Gram matrix.
 * The output is the second model as it is; the errors are in its manifest, tensor by tensor.
 */
@AutoService(MergeMethod.class)
public final class ReconstructionError implements MatrixMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "reconstruction_error",
          "reconstruction error",
          "records how far the second model's layers are from the first's on calibration inputs",
          "",
          BaseRule.DONOR,
          2,
          2,
          List.of(PruneParams.TARGETS, Lacking.PARAM),
          List.of(Hessian.table(true)),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public boolean isMatrix(TensorMerge tensor) {
    return tensor.output().shape().rank() == 2
        && PruneParams.isTarget(tensor)
        && Lacking.hasTable(tensor, Hessian.GRAMS);
  }

  @Override
  public MergeState rest(MergeScope scope) {
    return new Second();
  }

  /** The second model's values as they are. */
  private record Second() implements MergeState {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      return (chunk, out) -> arith.scale(chunk.inputs()[1], 1, out, chunk.length());
    }
  }

  @Override
  public long workBytes(TensorMerge matrix) {
    long m = matrix.output().shape().dims().get(0);
    long n = matrix.output().shape().dims().get(1);
    return Double.BYTES * (3 * m * n + 2 * n * n);
  }

  @Override
  public int reads(TensorMerge matrix) {
    return 1;
  }

  @Override
  public Map<String, Object> merge(TensorMerge tensor, MatrixRows rows, DenseLinAlg linAlg) {
    Matrix dense = rows.readAll(0);
    Matrix changed = rows.readAll(1);
    rows.writeAll(changed);
    Matrix gram = Hessian.checked(tensor, rows.gram(Hessian.GRAMS, 0));
    return Map.of("relative_error", Hessian.relativeError(dense, changed, gram, linAlg));
  }
}
