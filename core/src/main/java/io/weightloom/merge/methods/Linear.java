package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.Params;
import io.weightloom.merge.Span;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The weighted average of models, {@code Σ wₖθₖ / Σ wₖ} (model soups, Wortsman et al., 2022; also
 * EMA, WiSE-FT and LITI by their weights).
 */
@AutoService(MergeMethod.class)
public final class Linear implements ElementwiseMethod {
  private static final double NO_WEIGHT = 1e-8;

  private static final MethodSpec SPEC =
      new MethodSpec(
          "linear",
          "Linear average (model soup)",
          "weighted average of the models' weights",
          "https://arxiv.org/abs/2203.05482",
          BaseRule.DONOR,
          1,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.perModel("weight", "the model's share"),
              ParamSpec.flag("normalize", true, "divide by the sum of the weights")),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Optional<String> problem(Params params) {
    double sum = Arrays.stream(params.numbers("weight")).sum();
    return params.flag("normalize") && Math.abs(sum) < NO_WEIGHT
        ? Optional.of("the weights sum to " + sum + " (change a weight, or set normalize: false)")
        : Optional.empty();
  }

  @Override
  public MergeState begin(MergeScope scope) {
    Params params = scope.tensors().get(0).params();
    return new Average(params.numbers("weight"), params.flag("normalize"));
  }

  private record Average(double[] weights, boolean normalize) implements MergeState {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      double total = normalize ? Arrays.stream(weights).sum() : 1;
      if (!arith.roundsEachStep()) {
        double[] shares = Arrays.stream(weights).map(w -> w / total).toArray();
        return (chunk, out) -> arith.weightedSum(chunk.inputs(), shares, out, chunk.length());
      }
      double[] rounded = Arrays.stream(weights).map(arith::scalar).toArray();
      double divisor = normalize ? arith.sum(rounded) : 1;
      return (chunk, out) -> stepwise(arith, chunk, rounded, divisor, out);
    }

    private static <V> void stepwise(
        Arith<V> arith, Chunk<V> chunk, double[] weights, double divisor, V out) {
      arith.weightedSum(chunk.inputs(), weights, out, chunk.length());
      if (divisor != 1) {
        arith.divide(out, divisor, out, chunk.length());
      }
    }
  }
}
