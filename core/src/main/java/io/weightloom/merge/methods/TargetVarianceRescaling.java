package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.span.FixedRule;
import io.weightloom.merge.span.Gram;
import io.weightloom.merge.span.Moments;
import io.weightloom.merge.span.SpanMethod;
import io.weightloom.merge.span.SpanRule;
import io.weightloom.merge.span.Vectors;
import io.weightloom.tensor.TensorName;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Brings matrices that have grown too far back to a target: where {@code σ/σ_target > threshold},
 * {@code w ← (w − μ)/σ·σ_target + μ} (Owen et al., 2025, "Variance Control via Weight Rescaling in
 * LLM Pre-training", Target Variance Rescaling), μ and σ of each tensor, σ with n − 1 as the
 * paper's code has it; by depth the target is {@code σ_target/√l}, l being the layer's number from
 * 1 on. That code also sets the bias beside a rescaled matrix to 0; here a bias stays.
 */
@AutoService(MergeMethod.class)
public final class TargetVarianceRescaling implements SpanMethod {
  private static final String TARGET = "target";
  private static final String THRESHOLD = "threshold";
  private static final String TARGETS = "targets";
  private static final String DEPTH = "by_depth";
  private static final Range POSITIVE = new Range(0, false, Double.POSITIVE_INFINITY);

  private static final MethodSpec SPEC =
      new MethodSpec(
          "target_variance_rescaling",
          "Target Variance Rescaling",
          "scales matrices about their mean to a target deviation where they exceed it",
          "https://arxiv.org/abs/2503.17500",
          BaseRule.DONOR,
          1,
          1,
          List.of(
              ParamSpec.number(TARGET, 0.02, "the standard deviation σ_target").within(POSITIVE),
              ParamSpec.extension(
                  THRESHOLD, 1.2, POSITIVE, "the σ/σ_target above which a tensor is rescaled"),
              ParamSpec.extension(
                  DEPTH, List.of("no", "sqrt"), "sqrt: layer l, from 1 on, has the target over √l"),
              ParamSpec.extension(
                  TARGETS,
                  List.of("layers", "matrices"),
                  "tensors of two dimensions that are looked at: in numbered layers, or anywhere")),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public SpanRule rule(TensorMerge tensor) {
    Params p = tensor.params();
    Optional<TensorName.Layer> layer = TensorName.layer(tensor.output().name());
    boolean isTarget = layer.isPresent() || p.choice(TARGETS).equals("matrices");
    if (tensor.output().shape().rank() != 2 || !isTarget) {
      return new FixedRule(Vectors.MODELS, new double[] {1});
    }
    int depth = p.choice(DEPTH).equals("sqrt") ? layer.map(l -> l.index() + 1).orElse(1) : 1;
    return new Rule(p.number(TARGET) / Math.sqrt(depth), p.number(THRESHOLD));
  }

  private record Rule(double target, double threshold) implements SpanRule {
    private static final long serialVersionUID = 1;

    @Override
    public Vectors vectors() {
      return Vectors.MODELS_AND_ONES;
    }

    @Override
    public double[] coefficients(Gram gram) {
      Moments moments = Moments.of(gram, 0);
      double deviation = deviation(moments);
      double[] itself = {1, 0};
      return deviation / target > threshold
          ? moments.stretched(itself, target / deviation)
          : itself;
    }

    @Override
    public boolean roundsOnce() {
      return true;
    }

    private static double deviation(Moments moments) {
      return Math.sqrt(moments.sampleVariance());
    }

    @Override
    public Map<String, Object> decisions(Gram gram) {
      return Map.of("deviation", deviation(Moments.of(gram, 0)), "deviation_target", target);
    }
  }
}
