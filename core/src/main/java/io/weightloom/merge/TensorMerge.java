package io.weightloom.merge;

import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One output tensor of a merge and what it is made from.
 *
 * @param output name, dtype and shape to write
 * @param base the base model's tensor, or null for methods without one
 * @param inputs the models' tensors in recipe order, of the output's shape
 * @param compute the dtype that {@link Numerics#MERGEKIT} rounds to
 * @param numerics how to round
 * @param params the parameters that hold for this tensor
 */
public record TensorMerge(
    TensorSpec output,
    @Nullable TensorSpec base,
    List<Input> inputs,
    DType compute,
    Numerics numerics,
    Params params)
    implements Serializable {

  private static final long serialVersionUID = 1;

  /**
   * A model's tensor.
   *
   * @param model the name that keys the model's random masks
   * @param spec the tensor as stored; its name may differ from the output's (another layer)
   */
  public record Input(String model, TensorSpec spec) implements Serializable {}

  public TensorMerge {
    inputs = List.copyOf(inputs);
  }

  public long elements() {
    return output.elements();
  }

  /** Whether the work vectors are fp64. */
  public boolean isDouble() {
    if (numerics == Numerics.MERGEKIT) {
      return compute == DType.F64;
    }
    return output.dtype() == DType.F64
        || (base != null && base.dtype() == DType.F64)
        || inputs.stream().anyMatch(i -> i.spec().dtype() == DType.F64);
  }
}
