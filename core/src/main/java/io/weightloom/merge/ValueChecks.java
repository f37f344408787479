package io.weightloom.merge;

import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.TensorSpec;

/** What may not stand in a model or in a side table, and how a user is told. */
final class ValueChecks {

  private ValueChecks() {}

  /**
   * Refuses NaNs and infinities of a model.
   *
   * @param input index of the model in the merge, or {@link SpanRunner#BASE}
   * @param spec the model's tensor
   * @param first flat index of the first value
   */
  static <V> void requireFinite(
      Arith<V> arith, TensorMerge tensor, int input, TensorSpec spec, V values, long first, int n) {
    int bad = arith.firstNonFinite(values, n);
    if (bad >= 0) {
      String model =
          input == SpanRunner.BASE ? "the base model" : tensor.inputs().get(input).model();
      throw WeightloomException.input(
          "Cannot merge %s: %s holds %s at element %d of %s (mend the model, or set weightloom: {non_finite: keep} to merge it as it is)"
              .formatted(
                  tensor.output().name(), model, arith.at(values, bad), first + bad, spec.name()));
    }
  }

  /**
   * Refuses what a side table may not hold. Every value is looked at, every time: a user computed
   * them elsewhere.
   *
   * @param first flat index of the first value
   */
  static <V> void requireAllowed(
      Arith<V> arith, TensorMerge tensor, TensorMerge.Side side, V values, long first, int n) {
    int bad = arith.firstNonFinite(values, n);
    if (bad < 0 && arith.least(values, n) < side.least()) {
      bad = 0;
      while (arith.at(values, bad) >= side.least()) {
        bad++;
      }
    }
    if (bad >= 0) {
      throw WeightloomException.input(
          "Cannot merge %s: %s holds %s at element %d of %s, %s (compute the table again)"
              .formatted(
                  tensor.output().name(),
                  side.table(),
                  arith.at(values, bad),
                  first + bad,
                  side.spec().name(),
                  side.least() == 0
                      ? "and none may be negative or not finite"
                      : "and every value must be finite"));
    }
  }
}
