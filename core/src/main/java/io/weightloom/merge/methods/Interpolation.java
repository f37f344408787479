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
import java.util.List;

/**
 * A point of the line through two models, {@code (1−t)·θ₀ + t·θ₁}: WiSE-FT (Wortsman et al., 2022),
 * SPHINX's mix of two training runs (Lin et al., 2023), LITI, and with a filter on t the
 * interpolation of one module that RiFT ends with (Zhu et al., 2023, §4.2).
 */
@AutoService(MergeMethod.class)
public final class Interpolation implements SpanMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "interpolation",
          "Linear interpolation (WiSE-FT)",
          "a point of the line from the base to a model",
          "https://arxiv.org/abs/2109.01903",
          BaseRule.REQUIRED,
          1,
          1,
          List.of(ParamSpec.required("t", "how far to go: 0 is the base, 1 the model")),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public SpanRule rule(TensorMerge tensor) {
    double t = tensor.params().number("t");
    return new FixedRule(Vectors.MODELS_AND_BASE, new double[] {t, 1 - t});
  }
}
