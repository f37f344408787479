package io.weightloom.stats;

import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * What is said of a tensor of a model.
 *
 * @param model the model's name
 * @param tensor the tensor
 * @param stats its statistics; null if it was not looked at
 * @param stored what its bytes say; null likewise
 * @param skipped why not; null if it was
 */
public record TensorReport(
    String model,
    TensorSpec tensor,
    @Nullable TensorStats stats,
    @Nullable Stored stored,
    @Nullable String skipped) {

  /**
   * What the bytes of a tensor say, whatever they stand for.
   *
   * @param digest of all, as manifests have it: 32 hexadecimal digits
   * @param repeatedRows rows that equal an earlier one bit for bit, rows of +0 alone aside
   * @param largestRowGroup rows of the largest group of such; 1 if all differ, 0 for a vector
   * @param firstOfLargestRowGroup its first row; −1 without one
   */
  public record Stored(
      String digest, long repeatedRows, long largestRowGroup, long firstOfLargestRowGroup)
      implements Serializable {
    private static final long serialVersionUID = 1;
  }

  public static TensorReport of(String model, TensorStats stats, Stored stored) {
    return new TensorReport(model, stats.tensor(), stats, stored, null);
  }

  /** Of a tensor that holds no floating-point values. */
  public static TensorReport skipped(String model, TensorSpec tensor) {
    return new TensorReport(
        model,
        tensor,
        null,
        null,
        tensor.dtype() + " holds no floating-point values that are computed on");
  }
}
