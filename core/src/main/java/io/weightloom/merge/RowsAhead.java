package io.weightloom.merge;

import io.weightloom.error.WeightloomException;
import io.weightloom.merge.SpanRunner.BlockReader;
import java.util.List;

/** Shows the whole rows that touch a block to those lanes that want to see them first. */
final class RowsAhead {

  /** Elements of a row that a method may hold whole: 512 MiB a model. */
  private static final int LONGEST_ROW = 1 << 26;

  private final BlockReader reader;
  private final BlockBuffers buffers;
  private long seenFrom = -1;
  private long seenTo = -1;

  RowsAhead(BlockReader reader, BlockBuffers buffers) {
    this.reader = reader;
    this.buffers = buffers;
  }

  /**
   * Shows the rows of a block, unless it ends in the row that was shown last. Where the block is
   * made of whole rows, its sources are read in their turn already, and stay in the buffers.
   *
   * @param sources those that are wanted of the block
   * @return whether that was so
   */
  boolean look(List<? extends Lane<?>> lanes, List<Lane.Source> sources, long first, int count) {
    int row = row(lanes.get(0).tensor);
    long begin = first / row * row;
    long end = (first + count + row - 1) / row * row;
    if (begin == seenFrom && end == seenTo) {
      return false;
    }
    boolean isBlock = begin == first && end == first + count;
    lanes.forEach(lane -> lane.beginRows(begin, Math.toIntExact(end - begin), row));
    for (long at = begin; at < end; at += buffers.elements()) {
      int n = (int) Math.min(buffers.elements(), end - at);
      for (Lane.Source s : sources) {
        if (s.ahead()) {
          byte[] into = buffers.toFill(s.number(), s.width());
          if (isBlock) {
            reader.read(s.number(), at * s.width(), into, n * s.width());
          } else {
            reader.readAhead(s.number(), at * s.width(), into, n * s.width());
          }
        }
      }
      for (Lane<?> lane : lanes) {
        lane.lookAhead(at, n);
      }
    }
    lanes.forEach(Lane::endRows);
    seenFrom = begin;
    seenTo = end;
    return isBlock;
  }

  private static int row(TensorMerge tensor) {
    List<Long> dims = tensor.output().shape().dims();
    long row = dims.isEmpty() ? 1 : dims.get(dims.size() - 1);
    if (row > LONGEST_ROW) {
      throw WeightloomException.input(
          "Cannot merge %s: a row has %d elements, and this method treats rows of at most %d as a whole (use a method that works element by element)"
              .formatted(tensor.output().name(), row, LONGEST_ROW));
    }
    return (int) row;
  }
}
