package io.weightloom.merge.span;

import io.weightloom.merge.TensorMerge;
import io.weightloom.tensor.Shape;
import java.io.Serializable;
import java.util.List;

/**
 * Which elements of a tensor make up a vector.
 *
 * @param vectors how many there are
 * @param length of consecutive elements: of a row; with {@code interleaved} vectors the distance
 *     from one element to the next
 * @param interleaved whether neighbours belong to different vectors
 */
record Layout(int vectors, long length, boolean interleaved) implements Serializable {
  private static final long serialVersionUID = 1;

  /** Tensors of one dimension or none are one vector along either axis. */
  static Layout of(TensorMerge tensor, Axis axis) {
    Shape shape = tensor.output().shape();
    long elements = shape.elements();
    if (axis == Axis.TENSOR || shape.rank() < 2 || elements == 0) {
      return new Layout(1, Math.max(1, elements), false);
    }
    List<Long> dims = shape.dims();
    if (axis == Axis.ROWS) {
      long length = dims.get(dims.size() - 1);
      return new Layout(Math.toIntExact(elements / length), length, false);
    }
    long columns = elements / dims.get(0);
    return new Layout(Math.toIntExact(columns), columns, true);
  }

  boolean isWhole() {
    return vectors == 1;
  }

  int vector(long element) {
    return (int) (interleaved ? element % length : element / length);
  }
}
