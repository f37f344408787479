package io.weightloom.tensor;

import java.io.Serializable;

/**
 * What a checkpoint's header says of a tensor, its place apart.
 *
 * @param name the tensor's name, as stored
 * @param dtype the stored element type
 * @param shape the dimensions
 */
public record TensorSpec(String name, DType dtype, Shape shape) implements Serializable {

  public long elements() {
    return shape.elements();
  }

  /**
   * Bytes of the tensor's data.
   *
   * @throws ArithmeticException if elements times bits does not fit a long or is not whole bytes
   */
  public long byteSize() {
    long bits = Math.multiplyExact(elements(), (long) dtype.bits());
    if (bits % 8 != 0) {
      throw new ArithmeticException(name + " has " + bits + " bits, not whole bytes");
    }
    return bits / 8;
  }
}
