package io.weightloom.spectrum;

import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.List;
import java.util.Locale;

/**
 * A tensor seen as matrices, one behind the other.
 *
 * <p>Two dimensions are a matrix. Three are as many matrices as the first says, as fused experts
 * are stored, each with a result of its own; a name with {@code conv} in it makes the third the
 * taps of a convolution. Four and more are a convolution: the first two are the matrix, and the
 * slices that the others number are pooled into one result.
 *
 * @param count matrices with a result of their own
 * @param rows of each
 * @param columns of each
 * @param taps slices that are pooled; the fastest index
 * @param isConvolution whether it is one, if only of one tap
 */
public record MatrixView(int count, int rows, int columns, int taps, boolean isConvolution)
    implements Serializable {
  private static final long serialVersionUID = 1;

  /** The widest Gram matrix that an array holds. */
  static final int WIDEST = 46_340;

  /** Whether {@link #of} can see this shape. */
  static boolean canSee(TensorSpec tensor) {
    List<Long> dims = tensor.shape().dims();
    return dims.size() >= 2
        && tensor.elements() > 0
        && dims.stream().allMatch(d -> d <= Integer.MAX_VALUE - 8);
  }

  /** The view of a tensor of at least two dimensions. */
  static MatrixView of(TensorSpec tensor) {
    List<Long> dims = tensor.shape().dims();
    int rank = dims.size();
    if (rank == 3 && !tensor.name().toLowerCase(Locale.ROOT).contains("conv")) {
      return new MatrixView(at(dims, 0), at(dims, 1), at(dims, 2), 1, false);
    }
    long taps = 1;
    for (int i = 2; i < rank; i++) {
      taps *= dims.get(i);
    }
    return new MatrixView(1, at(dims, 0), at(dims, 1), Math.toIntExact(taps), rank > 2);
  }

  private static int at(List<Long> dims, int i) {
    return Math.toIntExact(dims.get(i));
  }

  /** N. */
  public int larger() {
    return Math.max(rows, columns);
  }

  /** M. */
  public int smaller() {
    return Math.min(rows, columns);
  }

  /** Elements of one matrix with all its taps. */
  long elements() {
    return (long) rows * columns * taps;
  }
}
