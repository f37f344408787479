package io.weightloom.stats;

import io.weightloom.tensor.TensorSpec;
import org.jspecify.annotations.Nullable;

/**
 * What is said of a tensor of a model.
 *
 * @param model the model's name
 * @param tensor the tensor
 * @param stats its statistics; null if it was not looked at
 * @param skipped why not; null if it was
 */
public record TensorReport(
    String model, TensorSpec tensor, @Nullable TensorStats stats, @Nullable String skipped) {

  public static TensorReport of(String model, TensorStats stats) {
    return new TensorReport(model, stats.tensor(), stats, null);
  }

  /** Of a tensor that holds no floating-point values. */
  public static TensorReport skipped(String model, TensorSpec tensor) {
    return new TensorReport(
        model,
        tensor,
        null,
        tensor.dtype() + " holds no floating-point values that are computed on");
  }
}
