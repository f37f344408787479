package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.span.Arc;
import io.weightloom.merge.span.Gram;
import io.weightloom.merge.span.SpanMethod;
import io.weightloom.merge.span.SpanRule;
import io.weightloom.merge.span.Vectors;
import java.util.Arrays;
import java.util.List;

/**
 * SLERP of task vectors, layer by layer, then interpolation towards the initialisation (LITI) (Ramé
 * et al., 2024, "WARP: On the benefits of weight averaged rewarded policies", §3). More than two
 * policies are taken in one after the other, each with its share of those so far, which is 1/m for
 * the m-th of equal weights. The moving average of its first stage is the method {@code ema}.
 */
@AutoService(MergeMethod.class)
public final class Warp implements SpanMethod {
  private static final double NO_NORM = 1e-12;

  private static final MethodSpec SPEC =
      new MethodSpec(
          "warp",
          "WARP",
          "SLERP of task vectors, then interpolation towards the base",
          "https://arxiv.org/abs/2406.16768",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.perModel("weight", "the model's share of the way").orElse(1),
              ParamSpec.number(
                  "eta", 1, "how far to go from the base to the SLERP; the next iteration's 0.3"),
              SCOPE),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public SpanRule rule(TensorMerge tensor) {
    return new Rule(tensor.params().numbers("weight"), tensor.params().number("eta"));
  }

  private record Rule(double[] weights, double eta) implements SpanRule {
    private static final long serialVersionUID = 1;

    @Override
    public Vectors vectors() {
      return Vectors.TASK_VECTORS;
    }

    @Override
    public double[] coefficients(Gram gram) {
      double[] merged = new double[weights.length];
      merged[0] = 1;
      double total = weights[0];
      for (int m = 1; m < weights.length; m++) {
        total += weights[m];
        double share = total == 0 ? 0 : weights[m] / total;
        double[] next = new double[weights.length];
        next[m] = 1;
        double norms = gram.norm(merged) * gram.norm(m);
        // A task vector of zeros has no angle: on the chord it counts for nothing, as it should.
        double[] arc =
            norms < NO_NORM ? Arc.chord(share) : Arc.slerp(gram.dot(merged, next) / norms, share);
        for (int i = 0; i < m; i++) {
          merged[i] *= arc[0];
        }
        merged[m] = arc[1];
      }
      return Arrays.stream(merged).map(c -> c * eta).toArray();
    }
  }
}
