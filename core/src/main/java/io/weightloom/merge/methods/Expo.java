package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.span.FixedRule;
import io.weightloom.merge.span.SpanMethod;
import io.weightloom.merge.span.SpanRule;
import io.weightloom.merge.span.Vectors;
import java.util.Arrays;
import java.util.List;

/**
 * Extrapolates beyond an aligned model, {@code θ₁ + α·(θ₁ − θ₀)} with the model before alignment as
 * base; several models are averaged first (Zheng et al., 2024, "Model extrapolation expedites
 * alignment", eq. 2).
 */
@AutoService(MergeMethod.class)
public final class Expo implements SpanMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "expo",
          "ExPO (model extrapolation)",
          "goes beyond the models' mean, away from the base",
          "https://arxiv.org/abs/2404.16792",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(ParamSpec.number("alpha", 0.1, "how far beyond the mean to go")),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public SpanRule rule(TensorMerge tensor) {
    double[] shares = new double[tensor.inputs().size()];
    Arrays.fill(shares, (1 + tensor.params().number("alpha")) / shares.length);
    return new FixedRule(Vectors.TASK_VECTORS, shares);
  }
}
