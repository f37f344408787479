package io.weightloom.io.table;

import io.weightloom.io.TensorLocation;
import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.function.Consumer;

/**
 * A block of a tensor and where its bytes are.
 *
 * @param tensor the tensor
 * @param block the elements; a tensor without elements has one block of none
 * @param file the full path of the file that holds the bytes
 * @param begin the first byte in the file
 * @param end the byte behind the last
 */
public record BlockRow(TensorSpec tensor, BlockCut.Block block, String file, long begin, long end)
    implements Serializable {
  private static final long serialVersionUID = 1;

  /** A wider type than all others has 8 bytes an element: a block of so many is 1 GiB. */
  public static final int MAX_ELEMENTS = 1 << 27;

  /** How many rows a tensor has in a table. */
  public static long count(TensorSpec tensor, int elements) {
    return Math.max(1, BlockCut.of(tensor, elements).blocks());
  }

  /**
   * Gives some of a tensor's rows, in order.
   *
   * @param elements the target of the cut, see {@link BlockCut#of}
   * @param from the first row
   * @param to the row behind the last
   */
  public static void each(
      TensorLocation tensor, int elements, long from, long to, Consumer<BlockRow> use) {
    BlockCut cut = BlockCut.of(tensor.spec(), elements);
    int bits = tensor.spec().dtype().bits();
    for (long i = from; i < to; i++) {
      BlockCut.Block block = cut.blocks() == 0 ? new BlockCut.Block(0, 0, 0, 0, 0) : cut.block(i);
      long begin = tensor.begin() + block.offset() * bits / 8;
      long end = tensor.begin() + (block.offset() + block.count()) * bits / 8;
      use.accept(new BlockRow(tensor.spec(), block, tensor.file(), begin, end));
    }
  }

  /** The bytes of the block's data. */
  public int bytes() {
    return Math.toIntExact(end - begin);
  }
}
