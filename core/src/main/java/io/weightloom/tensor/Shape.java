package io.weightloom.tensor;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The dimensions of a tensor, outermost first; rank 0 is one element, a dimension may be 0.
 *
 * @param dims the sizes, none negative
 */
public record Shape(List<Long> dims) implements Serializable {

  public Shape {
    dims = List.copyOf(dims);
    for (long d : dims) {
      if (d < 0) {
        throw new IllegalArgumentException("negative dimension in " + dims);
      }
    }
  }

  public static Shape of(long... dims) {
    return new Shape(Arrays.stream(dims).boxed().toList());
  }

  public int rank() {
    return dims.size();
  }

  /**
   * The number of elements.
   *
   * @throws ArithmeticException if the product, taken left to right, does not fit a long
   */
  public long elements() {
    long n = 1;
    for (long d : dims) {
      n = Math.multiplyExact(n, d);
    }
    return n;
  }

  /** As PyTorch prints it: {@code [2048, 512]}. */
  @Override
  public String toString() {
    return dims.stream().map(String::valueOf).collect(Collectors.joining(", ", "[", "]"));
  }
}
