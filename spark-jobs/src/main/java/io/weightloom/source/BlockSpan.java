package io.weightloom.source;

import java.io.Serializable;

/**
 * A run of a tensor's blocks.
 *
 * @param tensor the tensor
 * @param first number of the first block
 * @param end number behind the last
 */
record BlockSpan(TensorBlocks tensor, long first, long end) implements Serializable {
  private static final long serialVersionUID = 1;

  long count() {
    return end - first;
  }

  /** Bytes of the blocks in all inputs. */
  long bytes() {
    long bytes = 0;
    for (int i = 0; i < tensor.inputs().size(); i++) {
      bytes += tensor.end(i, tensor.block(end - 1)) - tensor.begin(i, tensor.block(first));
    }
    return bytes;
  }
}
