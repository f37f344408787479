package io.weightloom.merge.methods;

import static io.weightloom.merge.taskvector.TaskVectorParams.LAMBDA;
import static io.weightloom.merge.taskvector.TaskVectorParams.WEIGHT;

import com.google.auto.service.AutoService;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.Params;
import io.weightloom.merge.SideTable;
import io.weightloom.merge.SideTable.Per;
import io.weightloom.merge.Span;
import io.weightloom.merge.TensorMerge;
import java.util.List;

/**
 * aTLAS with coefficients that were learned elsewhere: {@code θ₀ + Σ Λₜ⊙τₜ} (Zhang et al., 2024,
 * "Knowledge composition using task vectors with learned anisotropic scaling", eq. 4). One number a
 * model or tensor is its {@code weight}; for random partitions of a tensor, of which each part has
 * a number, Λ is a table of the tensor's shape.
 */
@AutoService(MergeMethod.class)
public final class Atlas implements ElementwiseMethod {
  private static final String COEFFICIENTS = "coefficients";

  private static final MethodSpec SPEC =
      new MethodSpec(
          "atlas",
          "aTLAS",
          "adds task vectors by learned coefficients of tensors or of parts of them",
          "https://arxiv.org/abs/2407.02880",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(WEIGHT.orElse(1), LAMBDA),
          List.of(
              SideTable.values(
                  COEFFICIENTS,
                  Per.MODEL,
                  false,
                  "the coefficient of each element; tensors that it lacks have the weight alone")),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public MergeState begin(MergeScope scope) {
    TensorMerge tensor = scope.tensors().get(0);
    return new Scaled(tensor.params(), tensor.firstSide(COEFFICIENTS) >= 0);
  }

  private record Scaled(Params params, boolean anisotropic) implements MergeState {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      double[] weights = params.numbers("weight");
      for (int k = 0; k < weights.length; k++) {
        weights[k] = arith.scalar(weights[k]);
      }
      return (chunk, out) -> emit(arith, chunk, weights, out);
    }

    private <V> void emit(Arith<V> arith, Chunk<V> chunk, double[] weights, V out) {
      int n = chunk.length();
      V[] deltas = chunk.inputs();
      for (int k = 0; k < deltas.length; k++) {
        arith.subtract(deltas[k], chunk.base(), deltas[k], n);
        if (anisotropic) {
          arith.multiply(deltas[k], chunk.sides()[k], deltas[k], n);
        }
      }
      arith.weightedSum(deltas, weights, out, n);
      arith.scale(out, params.number("lambda"), out, n);
      arith.add(chunk.base(), out, out, n);
    }
  }
}
