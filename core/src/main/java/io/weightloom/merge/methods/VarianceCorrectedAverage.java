package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.span.Gram;
import io.weightloom.merge.span.Moments;
import io.weightloom.merge.span.SpanMethod;
import io.weightloom.merge.span.SpanRule;
import io.weightloom.merge.span.Vectors;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The average, stretched about its mean so that its variance is the mean of the models' variances:
 * {@code μ + (w̄ − μ)·√(mean σ²(wᵢ) / σ²(w̄))} (Tian et al., 2024, "Vanishing variance problem in
 * fully decentralized neural-network systems", §4).
 */
@AutoService(MergeMethod.class)
public final class VarianceCorrectedAverage implements SpanMethod {
  /** Models that are alike lose none, but for rounding. */
  private static final double ROUNDING = 1e-12;

  private static final MethodSpec SPEC =
      new MethodSpec(
          "variance_corrected",
          "Variance-corrected averaging",
          "averages models and restores the variance that averaging takes away",
          "https://arxiv.org/abs/2404.04616",
          BaseRule.DONOR,
          1,
          Integer.MAX_VALUE,
          List.of(SCOPE),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public SpanRule rule(TensorMerge tensor) {
    return new Rule(tensor.inputs().size());
  }

  private record Rule(int models) implements SpanRule {
    private static final long serialVersionUID = 1;

    @Override
    public Vectors vectors() {
      return Vectors.MODELS_AND_ONES;
    }

    @Override
    public double[] coefficients(Gram gram) {
      double[] average = average();
      return Moments.of(gram, average).stretched(average, 1 / Math.sqrt(shrinkage(gram)));
    }

    private double[] average() {
      double[] average = new double[models + 1];
      Arrays.fill(average, 0, models, 1.0 / models);
      return average;
    }

    /** Variance of the average over that of the models; 1 where there is none to restore. */
    private double shrinkage(Gram gram) {
      double sum = 0;
      for (int i = 0; i < models; i++) {
        sum += Moments.of(gram, i).variance();
      }
      double left = Moments.of(gram, average()).variance();
      double shrinkage = sum == 0 || left == 0 ? 1 : left / (sum / models);
      return Math.abs(shrinkage - 1) < ROUNDING ? 1 : shrinkage;
    }

    @Override
    public Map<String, Object> decisions(Gram gram) {
      return Map.of("variance_shrinkage", shrinkage(gram));
    }
  }
}
