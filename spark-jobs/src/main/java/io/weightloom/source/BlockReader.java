package io.weightloom.source;

import io.weightloom.io.ByteSource;
import io.weightloom.io.LocalStorage;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.source.BlockColumn.Needs;
import io.weightloom.source.HeaderFilter.Truth;
import io.weightloom.tensor.BlockCut.Block;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.jspecify.annotations.Nullable;

/**
 * Walks over the blocks of a task. Files are opened when data is asked for, and closed at the end.
 * For one thread.
 */
final class BlockReader implements PartitionReader<InternalRow> {
  /** Where Spark looks for the bytes that a task has read; Hadoop's own reads are there already. */
  @SuppressWarnings("deprecation") // Spark reads no other.
  private static final FileSystem.Statistics LOCAL_FILES =
      FileSystem.getStatistics("file", LocalFileSystem.class);

  private final List<BlockColumn> columns;
  private final HeaderFilter filter;
  private final List<BlockSpan> spans;
  private final @Nullable Object[] @Nullable [] tensorCells;
  private final boolean interleaved;
  private final long last;
  private final Map<String, ByteSource> sources = new HashMap<>();
  private final Set<String> tensors = new HashSet<>();
  private final ReadMetrics metrics = new ReadMetrics();

  private int span = -1;
  private long block;
  private @Nullable BlockRow row;

  BlockReader(ReadTask task, List<BlockColumn> columns, HeaderFilter filter) {
    this.columns = columns;
    this.filter = filter;
    this.spans = task.spans();
    this.tensorCells = new Object[spans.size()][];
    this.interleaved = task instanceof ReadTask.OfTensor && spans.size() > 1;
    this.last = spans.stream().mapToLong(BlockSpan::end).max().orElse(0);
    this.block = interleaved ? 0 : -1;
  }

  @Override
  public boolean next() {
    row = null;
    while (advance()) {
      TensorBlocks tensor = spans.get(span).tensor();
      Block at = tensor.block(block);
      if (filter.test(tensor.facts(at)) == Truth.TRUE) {
        row = row(tensor, at);
        metrics.addBlock();
        if (tensors.add(tensor.name())) {
          metrics.addTensor();
        }
        return true;
      }
    }
    return false;
  }

  /** Moves on to a block that is in its span, whether it passes or not. */
  private boolean advance() {
    return interleaved ? advanceByBlock() : advanceBySpan();
  }

  private boolean advanceBySpan() {
    if (span >= 0 && block + 1 < spans.get(span).end()) {
      block++;
      return true;
    }
    if (span + 1 >= spans.size()) {
      return false;
    }
    span++;
    block = spans.get(span).first();
    return true;
  }

  private boolean advanceByBlock() {
    while (block < last) {
      for (span++; span < spans.size(); span++) {
        if (block >= spans.get(span).first() && block < spans.get(span).end()) {
          return true;
        }
      }
      span = -1;
      block++;
    }
    return false;
  }

  private BlockRow row(TensorBlocks tensor, Block at) {
    @Nullable Object[] known = tensorCells[span];
    if (known == null) {
      known = new Object[columns.size()];
      for (int i = 0; i < known.length; i++) {
        BlockColumn column = columns.get(i);
        known[i] =
            switch (column.kind().needs()) {
              case TENSOR -> tensor.value(column, null);
              case BLOCK -> null;
              case DATA -> BlockRow.PENDING;
            };
      }
      tensorCells[span] = known;
    }
    @Nullable Object[] cells = known.clone();
    for (int i = 0; i < cells.length; i++) {
      if (columns.get(i).kind().needs() == Needs.BLOCK) {
        cells[i] = tensor.value(columns.get(i), at);
      }
    }
    return new BlockRow(cells, this, tensor, at);
  }

  @Override
  public InternalRow get() {
    if (row == null) {
      throw new IllegalStateException("there is no next row");
    }
    return row;
  }

  BlockColumn column(int ordinal) {
    return columns.get(ordinal);
  }

  ReadMetrics metrics() {
    return metrics;
  }

  /** The bytes of a block in an array of its own: Spark may keep it. */
  byte[] read(TensorBlocks tensor, int input, Block at) {
    TensorLocation location = tensor.inputs().get(input).location();
    long begin = tensor.begin(input, at);
    byte[] data = new byte[Math.toIntExact(tensor.end(input, at) - begin)];
    if (data.length > 0) {
      long start = System.nanoTime();
      sources
          .computeIfAbsent(location.file(), f -> Storage.of(f).open(f))
          .readFully(begin, data, 0, data.length);
      metrics.addRead(data.length, System.nanoTime() - start);
      if (isLocal(location.file())) {
        LOCAL_FILES.incrementBytesRead(data.length);
      }
    }
    return data;
  }

  private static boolean isLocal(String file) {
    return Storage.scheme(file).isEmpty() || Storage.of(file) instanceof LocalStorage;
  }

  @Override
  public CustomTaskMetric[] currentMetricsValues() {
    return metrics.values();
  }

  @Override
  public void close() {
    sources.values().forEach(ByteSource::close);
    sources.clear();
  }
}
