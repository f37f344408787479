package io.weightloom.job;

import io.weightloom.io.ByteSource;
import io.weightloom.io.TensorLocation;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.List;

/**
 * What a merge sees of a stored tensor: all of it, or of a larger matrix its first rows and
 * columns.
 *
 * @param spec the tensor as the merge sees it
 * @param stored the tensor as it lies in its file
 */
record TensorView(TensorSpec spec, TensorLocation stored) implements Serializable {
  private static final long serialVersionUID = 1;

  /**
   * Reads bytes of the view.
   *
   * @param offset first byte, from the start of the view's data
   */
  void read(ByteSource source, long offset, byte[] into, int n) {
    if (stored.spec().dtype() == DType.U8 && spec.dtype() == DType.BF16) {
      PackedBits.read(source, stored.begin(), offset, into, n);
      return;
    }
    long row = rowBytes(spec);
    long storedRow = rowBytes(stored.spec());
    if (row == storedRow) {
      source.readFully(stored.begin() + offset, into, 0, n);
      return;
    }
    int done = 0;
    while (done < n) {
      long at = offset + done;
      int part = (int) Math.min(row - at % row, n - done);
      source.readFully(stored.begin() + at / row * storedRow + at % row, into, done, part);
      done += part;
    }
  }

  private static long rowBytes(TensorSpec spec) {
    List<Long> dims = spec.shape().dims();
    return dims.size() < 2
        ? 0
        : dims.subList(1, dims.size()).stream().reduce(1L, Math::multiplyExact)
            * spec.dtype().bits()
            / 8;
  }
}
