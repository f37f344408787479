package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.taskvector.Reinforcement;
import java.util.List;

/**
 * RAM: a change that one model alone makes is added whole, what several make is averaged among them
 * (Yuan et al., 2026, "Behavior knowledge merge in reinforced agentic models", as mergekit has it).
 */
@AutoService(MergeMethod.class)
public final class Ram implements ElementwiseMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "ram",
          "RAM",
          "adds what one model changes, averages what several change",
          "https://arxiv.org/abs/2601.13572",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.number("epsilon", 1e-5, "the change that counts as none")
                  .within(new Range(0, true, Double.POSITIVE_INFINITY))),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public MergeState begin(MergeScope scope) {
    double epsilon = scope.tensors().get(0).params().number("epsilon");
    return new Reinforcement(scope, epsilon, 0, 0, null);
  }
}
