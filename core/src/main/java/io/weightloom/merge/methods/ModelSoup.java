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
 * The average of fine-tuned models: of all, or of those that a greedy search accepts, one after the
 * other in the order of their scores, if the soup becomes better than the best so far (Wortsman et
 * al., 2022, "Model soups: averaging weights of multiple fine-tuned models", recipe 1).
 */
@AutoService(MergeMethod.class)
public final class ModelSoup implements SpanMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "model_soup",
          "Model soup",
          "averages models, all or greedily by given scores",
          "https://arxiv.org/abs/2203.05482",
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
    return new FixedRule(Vectors.MODELS, Soup.shares(tensor.params(), false));
  }
}
