package io.weightloom.merge;

import static io.weightloom.merge.SpanRunner.BASE;

import io.weightloom.merge.MergeState.Rows;
import io.weightloom.merge.SpanRunner.BlockReader;
import io.weightloom.merge.SpanRunner.Feed;
import io.weightloom.tensor.TensorSpec;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One merge's way through the blocks of a span, chunk by chunk: a survey's or an emission's.
 *
 * @param <V> the work vector
 */
abstract class Lane<V> {
  final Arith<V> arith;
  final Feed feed;
  final TensorMerge tensor;
  final BlockBuffers buffers;

  private final long end;
  private final V base;
  private final V[] inputs;
  private final V[] sides;
  private final int from;
  private final Chunk<V> chunk;
  private final ColumnTables<V> columns;

  /**
   * @param end behind the last element that it looks at
   * @param ofSides whether it looks at the side tables alone
   */
  Lane(Arith<V> arith, Feed feed, BlockBuffers buffers, long end, boolean ofSides) {
    this.arith = arith;
    this.feed = feed;
    this.tensor = feed.tensor();
    this.buffers = buffers;
    this.end = end;
    this.base = arith.vector();
    this.inputs = arith.vectors(tensor.inputs().size());
    this.sides = arith.vectors(tensor.sides().size());
    this.from = ofSides ? inputs.length : BASE;
    this.chunk = new Chunk<>(tensor.base() == null ? null : base, inputs, sides);
    this.columns = new ColumnTables<>(arith, feed);
  }

  /**
   * A source of a read.
   *
   * @param number the reader's
   * @param width bytes of an element
   * @param until behind the last element that anyone wants of it
   * @param ahead whether its rows are looked at before they are read in their turn
   */
  record Source(int number, int width, long until, boolean ahead) {
    private Source and(Source other) {
      return new Source(number, width, Math.max(until, other.until), ahead || other.ahead);
    }
  }

  /** What wants to see whole rows first; always the same, for it has a memory. */
  abstract Optional<Rows<V>> rows();

  /** Looks at a chunk that begins at element {@code at} of its block. */
  abstract void see(Chunk<V> seen, int at);

  /** After the last chunk of a block. */
  void endBlock(long first, int count) {}

  /** Behind the last element that it looks at. */
  long end() {
    return end;
  }

  boolean hasRows() {
    return rows().isPresent();
  }

  /** Adds what it wants read block by block to what the others want. */
  void addSources(Map<Integer, Source> sources) {
    for (int i = from; i < inputs.length + sides.length; i++) {
      TensorSpec spec = spec(i);
      if (spec != null && !isByColumn(i)) {
        int number = feed.sources()[i + 1];
        sources.merge(
            number, new Source(number, spec.dtype().bytes(), end, hasRows()), Source::and);
      }
    }
  }

  /** Reads the side tables that are not read block by block. */
  void readColumns(BlockReader reader) {
    columns.read(reader, sides);
  }

  /** Goes through the block that lies in the buffers. */
  void block(long first, int count) {
    for (int at = 0; at < count; at += Arith.CAPACITY) {
      int n = Math.min(Arith.CAPACITY, count - at);
      decode(first + at, at, n);
      see(chunk.at(first + at, n), at);
    }
    endBlock(first, count);
  }

  void beginRows(long begin, int count, int row) {
    rows().ifPresent(r -> r.begin(begin, count, row));
  }

  void endRows() {
    rows().ifPresent(Rows::end);
  }

  /** Shows the block that lies in the buffers to what wants to see whole rows. */
  void lookAhead(long first, int count) {
    for (int at = 0; hasRows() && at < count; at += Arith.CAPACITY) {
      int n = Math.min(Arith.CAPACITY, count - at);
      decode(first + at, at, n);
      rows().orElseThrow().see(chunk.at(first + at, n));
    }
  }

  private void decode(long first, int at, int n) {
    for (int i = from; i < inputs.length + sides.length; i++) {
      TensorSpec spec = spec(i);
      if (spec != null && isByColumn(i)) {
        columns.spread(i - inputs.length, first, n, values(i));
      } else if (spec != null) {
        V values = values(i);
        byte[] block = buffers.filled(feed.sources()[i + 1]);
        arith.decode(spec.dtype(), block, at * spec.dtype().bytes(), values, n);
        if (i >= inputs.length) {
          ValueChecks.requireAllowed(
              arith, tensor, tensor.sides().get(i - inputs.length), values, first, n);
        } else if (feed.checkFinite()) {
          ValueChecks.requireFinite(arith, tensor, i, spec, values, first, n);
        }
      }
    }
  }

  private boolean isByColumn(int input) {
    return input >= inputs.length && columns.has(input - inputs.length);
  }

  private V values(int input) {
    if (input == BASE) {
      return base;
    }
    return input < inputs.length ? inputs[input] : sides[input - inputs.length];
  }

  private @Nullable TensorSpec spec(int input) {
    if (input == BASE) {
      return tensor.base();
    }
    return input < inputs.length
        ? tensor.inputs().get(input).spec()
        : tensor.sides().get(input - inputs.length).spec();
  }
}
