package io.weightloom.analysis;

import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.TensorSpec;
import java.util.List;

/**
 * The same range of elements of one tensor of K models, or of K tensors of as many elements.
 *
 * @param tensors the tensor in each model: names and dtypes may differ, shapes only if the scan
 *     knows of it
 * @param place which elements
 * @param data the stored bytes of each model's range, little-endian, from index 0; borrowed for the
 *     call, longer than the range, and reused for the next block
 */
@SuppressWarnings("ArrayRecordComponent") // Lent out, never compared.
public record AlignedBlock(List<TensorSpec> tensors, BlockCut.Block place, byte[][] data) {

  /** Bytes of a model's range. */
  public int length(int model) {
    return Math.toIntExact(place.count() * tensors.get(model).dtype().bits() / 8);
  }

  /** Elements of the range. */
  public int count() {
    return Math.toIntExact(place.count());
  }
}
