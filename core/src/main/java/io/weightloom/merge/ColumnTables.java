package io.weightloom.merge;

import io.weightloom.merge.SpanRunner.BlockReader;
import io.weightloom.merge.SpanRunner.Feed;
import io.weightloom.tensor.TensorSpec;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The side tables of a merge that have one value a column: read whole before the first block, and
 * laid beside the elements of each chunk.
 *
 * @param <V> the work vector
 */
final class ColumnTables<V> {
  private final Arith<V> arith;
  private final Feed feed;
  private final TensorMerge tensor;
  private final double[] @Nullable [] columns;
  private final double[] tile;

  ColumnTables(Arith<V> arith, Feed feed) {
    this.arith = arith;
    this.feed = feed;
    this.tensor = feed.tensor();
    this.columns = new double[tensor.sides().size()][];
    boolean any = tensor.sides().stream().anyMatch(s -> s.layout() == SideTable.Layout.COLUMNS);
    this.tile = new double[any ? Arith.CAPACITY : 0];
  }

  /** Whether this side table is one of them. */
  boolean has(int side) {
    return tensor.sides().get(side).layout() == SideTable.Layout.COLUMNS;
  }

  /**
   * Reads all of them.
   *
   * @param sides scratch: a vector for each side table
   */
  void read(BlockReader reader, V[] sides) {
    for (int side = 0; side < columns.length; side++) {
      if (has(side)) {
        columns[side] = read(side, reader, sides[side]);
      }
    }
  }

  private double[] read(int side, BlockReader reader, V part) {
    TensorSpec spec = tensor.sides().get(side).spec();
    int source = feed.sources()[1 + tensor.inputs().size() + side];
    int count = Math.toIntExact(spec.elements());
    int width = spec.dtype().bytes();
    byte[] bytes = new byte[Math.multiplyExact(count, width)];
    // The span where the tensor begins reads them in their turn, the others read them again.
    if (feed.span().first() == 0) {
      reader.read(source, 0, bytes, bytes.length);
    } else {
      reader.readAhead(source, 0, bytes, bytes.length);
    }
    double[] all = new double[count];
    for (int at = 0; at < count; at += Arith.CAPACITY) {
      int n = Math.min(Arith.CAPACITY, count - at);
      arith.decode(spec.dtype(), bytes, at * width, part, n);
      ValueChecks.requireAllowed(arith, tensor, tensor.sides().get(side), part, at, n);
      arith.widen(part, all, at, n);
    }
    return all;
  }

  /** Lays a table's values beside {@code n} elements from the flat index {@code first} on. */
  void spread(int side, long first, int n, V into) {
    double[] all = Objects.requireNonNull(columns[side]);
    int column = (int) (first % all.length);
    for (int at = 0; at < n; ) {
      int run = Math.min(n - at, all.length - column);
      System.arraycopy(all, column, tile, at, run);
      at += run;
      column = 0;
    }
    arith.narrow(tile, into, n);
  }
}
