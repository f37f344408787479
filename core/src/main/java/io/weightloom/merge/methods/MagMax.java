package io.weightloom.merge.methods;

import static io.weightloom.merge.taskvector.TaskVectorParams.LAMBDA;

import com.google.auto.service.AutoService;
import io.weightloom.merge.Arith;
import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.Span;
import java.util.List;

/**
 * MagMax: at each coordinate the largest change of all models, {@code θ₀ + λ·τ} with τ the task
 * vector's value of largest magnitude, of equal ones the last model's (Marczak et al., 2024,
 * "MagMax: Leveraging model merging for seamless continual learning", §4).
 */
@AutoService(MergeMethod.class)
public final class MagMax implements ElementwiseMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "magmax",
          "MagMax",
          "keeps the largest change at each coordinate",
          "https://arxiv.org/abs/2407.06322",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(LAMBDA.orElse(0.5)),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public MergeState begin(MergeScope scope) {
    return new Largest(scope.models(), scope.tensors().get(0).params().number("lambda"));
  }

  private record Largest(int models, double lambda) implements MergeState {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      double[] largest = new double[Arith.CAPACITY];
      double[] other = new double[Arith.CAPACITY];
      return (chunk, out) -> {
        int n = chunk.length();
        for (int k = 0; k < models; k++) {
          arith.subtract(chunk.inputs()[k], chunk.base(), out, n);
          arith.widen(out, k == 0 ? largest : other, 0, n);
          for (int i = 0; i < n && k > 0; i++) {
            largest[i] = Math.abs(other[i]) >= Math.abs(largest[i]) ? other[i] : largest[i];
          }
        }
        arith.narrow(largest, out, n);
        arith.scale(out, lambda, out, n);
        arith.add(chunk.base(), out, out, n);
      };
    }
  }
}
