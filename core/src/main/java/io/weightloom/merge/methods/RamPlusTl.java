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
import io.weightloom.merge.Params;
import io.weightloom.merge.taskvector.Reinforcement;
import java.util.List;

/**
 * RAM+ with tensor-local scales: as RAM, and what a model alone changes is scaled up by how much it
 * shares with others in the tensor, {@code 1 + r·clip(shared/unique, 0, α)} (Yuan et al., 2026,
 * "Behavior knowledge merge in reinforced agentic models", as mergekit has it).
 */
@AutoService(MergeMethod.class)
public final class RamPlusTl implements ElementwiseMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "ramplus_tl",
          "RAM+",
          "adds what one model changes, scaled up, averages what several change",
          "https://arxiv.org/abs/2601.13572",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.number("r", 0.1, "how much what is shared scales up what is not"),
              ParamSpec.number("alpha", 0.2, "upper bound of shared to unique changes"),
              ParamSpec.number("epsilon", 1e-5, "the change that counts as none")
                  .within(new Range(0, true, Double.POSITIVE_INFINITY))),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public int reads(MergeScope scope) {
    return 2;
  }

  @Override
  public MergeState begin(MergeScope scope) {
    Params p = scope.tensors().get(0).params();
    return new Reinforcement(scope, p.number("epsilon"), p.number("r"), p.number("alpha"), null);
  }
}
