package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.span.FixedRule;
import io.weightloom.merge.span.SpanMethod;
import io.weightloom.merge.span.SpanRule;
import io.weightloom.merge.span.Vectors;
import java.util.List;

/**
 * The exponential moving average of a series of checkpoints, {@code ema ← (1−μ)·ema + μ·θ}, the
 * first of which it begins with (Polyak and Juditsky, 1992; the anchor of WARP, Ramé et al., 2024).
 */
@AutoService(MergeMethod.class)
public final class Ema implements SpanMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "ema",
          "Exponential moving average",
          "moves from the first checkpoint a little towards each that follows",
          "https://arxiv.org/abs/2406.16768",
          BaseRule.DONOR,
          1,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.number("mu", 0.01, "how far to move towards each checkpoint")
                  .within(new Range(0, true, 1))),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public SpanRule rule(TensorMerge tensor) {
    double mu = tensor.params().number("mu");
    double[] shares = new double[tensor.inputs().size()];
    double rest = 1;
    for (int k = shares.length - 1; k > 0; k--) {
      shares[k] = mu * rest;
      rest *= 1 - mu;
    }
    shares[0] = rest;
    return new FixedRule(Vectors.MODELS, shares);
  }
}
