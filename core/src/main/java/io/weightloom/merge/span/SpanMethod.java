package io.weightloom.merge.span;

import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.Numerics;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.tensor.DType;
import java.util.List;
import java.util.Optional;

/** A method that is a rule for coefficients. */
public interface SpanMethod extends ElementwiseMethod {

  /** Whether angles are taken in each tensor or over all of the model. */
  ParamSpec SCOPE =
      ParamSpec.extension(
          "scope", List.of("tensor", "model"), "what lengths and angles are taken over");

  /** The rule that the parameters of this tensor make. */
  SpanRule rule(TensorMerge tensor);

  /** How mergekit computes it in 16 bits, where that differs by more than one rounding. */
  default Optional<Steps> steps(TensorMerge tensor) {
    return Optional.empty();
  }

  @Override
  default boolean isWholeModel(Params params) {
    return "model".equals(params.global().get(SCOPE.name()));
  }

  @Override
  default int reads(MergeScope scope) {
    return stepwise(scope)
        .map(Steps::reads)
        .orElseGet(() -> scope.tensors().stream().anyMatch(t -> rule(t).needsGram()) ? 2 : 1);
  }

  @Override
  default MergeState begin(MergeScope scope) {
    Optional<Steps> steps = stepwise(scope);
    return steps.isPresent()
        ? StepState.begin(scope.tensors().get(0), steps.get())
        : SpanState.begin(scope, scope.tensors().stream().map(this::rule).toList());
  }

  private Optional<Steps> stepwise(MergeScope scope) {
    TensorMerge tensor = scope.tensors().get(0);
    boolean rounds =
        tensor.numerics() == Numerics.MERGEKIT
            && (tensor.compute() == DType.BF16 || tensor.compute() == DType.F16);
    return rounds && scope.tensors().size() == 1 ? steps(tensor) : Optional.empty();
  }
}
