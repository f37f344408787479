package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.span.FixedRule;
import io.weightloom.merge.span.Soup;
import io.weightloom.merge.span.SpanMethod;
import io.weightloom.merge.span.SpanRule;
import io.weightloom.merge.span.Vectors;
import java.util.List;

/**
 * The average of models fine-tuned on one task from different auxiliary tasks: of all, or of those
 * that a greedy search accepts, which unlike that of model soups takes in what makes the average no
 * worse (Ramé et al., 2023, "Model Ratatouille: Recycling diverse models for out-of-distribution
 * generalization", §3).
 */
@AutoService(MergeMethod.class)
public final class Ratatouille implements SpanMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "ratatouille",
          "Model ratatouille",
          "averages fine-tunings of different auxiliary models, all or greedily by given scores",
          "https://arxiv.org/abs/2212.10445",
          BaseRule.DONOR,
          1,
          Integer.MAX_VALUE,
          List.of(Soup.SCORE, Soup.SOUP_SCORE, Soup.SELECT),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public SpanRule rule(TensorMerge tensor) {
    return new FixedRule(Vectors.MODELS, Soup.shares(tensor.params(), true));
  }
}
