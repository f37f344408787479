package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.span.FixedRule;
import io.weightloom.merge.span.Gram;
import io.weightloom.merge.span.SpanMethod;
import io.weightloom.merge.span.SpanRule;
import io.weightloom.merge.span.Vectors;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Patches a model with the robustness of others: the signature of a robust model is its task vector
 * without what is parallel to the clean model's, and a share α/n of each is added to the clean
 * model (Cai et al., 2023, "Robust weight signatures: Gaining robustness as easy as patching
 * weights?", §3). The base is what all were trained from, the first model the clean one, the others
 * are robust. The authors' code weighs each signature twice.
 *
 * <p>The paper patches the shallow layers only: give {@code alpha} a filter. Batch normalisation,
 * which its code averages over the robust models, is {@code average} with a filter.
 */
@AutoService(MergeMethod.class)
public final class RobustWeightSignatures implements SpanMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "rws",
          "Robust weight signatures",
          "adds to the first model what the others have and it has not",
          "https://arxiv.org/abs/2302.12480",
          BaseRule.REQUIRED,
          2,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.number("alpha", 1, "factor of the mean signature; 0 keeps the first model"),
              ParamSpec.flag("average", false, "the mean of the robust models instead"),
              ParamSpec.extension(
                  "weighed", List.of("twice", "once"), "how often α/n multiplies a signature")),
          List.of(
              new Variant("reference", "the authors' code", Map.of()),
              new Variant("paper", "the paper's formula", Map.of("weighed", "once"))));

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public SpanRule rule(TensorMerge tensor) {
    Params params = tensor.params();
    int robust = tensor.inputs().size() - 1;
    if (params.flag("average")) {
      double[] mean = new double[robust + 1];
      Arrays.fill(mean, 1, robust + 1, 1.0 / robust);
      return new FixedRule(Vectors.TASK_VECTORS, mean);
    }
    double share = params.number("alpha") / robust;
    return new Rule(robust, params.choice("weighed").equals("once") ? share : share * share);
  }

  private record Rule(int robust, double share) implements SpanRule {
    private static final long serialVersionUID = 1;

    @Override
    public Vectors vectors() {
      return Vectors.TASK_VECTORS;
    }

    @Override
    public double[] coefficients(Gram gram) {
      double[] coefficients = new double[robust + 1];
      coefficients[0] = 1;
      for (int c = 1; c <= robust; c++) {
        coefficients[c] = share;
        // A clean model that did not move takes nothing away.
        double along = gram.dot(0, 0) == 0 ? 0 : gram.dot(0, c) / gram.dot(0, 0);
        coefficients[0] -= share * along;
      }
      return coefficients;
    }
  }
}
