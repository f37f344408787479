package io.weightloom.analysis;

import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.List;

/**
 * One read of all blocks of some tensors. Immutable; used by many threads at once.
 *
 * @param <S> what is gathered of a tensor
 * @param <R> what is concluded: small, for it travels to the driver
 */
public interface Scan<S extends Sketch<S>, R extends Serializable> extends Serializable {

  /**
   * A sketch of nothing.
   *
   * @param tensors the tensor as K models have it; K is 1 for one model
   */
  S open(List<TensorSpec> tensors);

  /**
   * What the sketch of all blocks says. Called where the last block was read, or on the driver if
   * tasks shared the tensor.
   */
  R conclude(List<TensorSpec> tensors, S sketch);

  /**
   * Whether one task must see all blocks of this tensor, in their order: for what does not travel,
   * such as a Gram matrix of thousands of rows.
   */
  default boolean isWhole(List<TensorSpec> tensors) {
    return false;
  }

  /** Bytes that the sketch of such a tensor and its conclusion take at most, blocks apart. */
  default long workBytes(List<TensorSpec> tensors) {
    return 0;
  }

  /**
   * What is said of such a tensor that this machine cannot hold; nothing of it is read.
   *
   * @param why with the sizes, and what would help
   * @throws WeightloomException unless the scan has a row for it
   */
  default R tooLarge(List<TensorSpec> tensors, String why) {
    throw WeightloomException.input(why);
  }

  /** Elements of a block, unless a row has more; whole rows stay together. */
  default int blockElements() {
    return BlockCut.DEFAULT_ELEMENTS;
  }
}
