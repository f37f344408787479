package io.weightloom.prune;

import io.weightloom.error.WeightloomException;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.TensorMerge;
import java.util.List;

/** What becomes of a tensor that a table does not describe. */
final class Lacking {

  /** {@code lacking}: an error, or the tensor stays as it is. */
  static final ParamSpec PARAM =
      ParamSpec.extension(
          "lacking",
          List.of("error", "dense"),
          "a tensor to prune that the table lacks: an error, or left as it is");

  private Lacking() {}

  /**
   * Whether the table describes the tensor.
   *
   * @throws WeightloomException if it does not and that is an error
   */
  static boolean hasTable(TensorMerge tensor, String table) {
    if (tensor.firstSide(table) >= 0) {
      return true;
    }
    if (tensor.params().choice(PARAM.name()).equals("dense")) {
      return false;
    }
    throw WeightloomException.input(
        "Cannot prune %s: the table %s lacks it (add it, give the tensor sparsity 0, or set weightloom: {lacking: dense} to leave such tensors as they are)"
            .formatted(tensor.output().name(), table));
  }
}
