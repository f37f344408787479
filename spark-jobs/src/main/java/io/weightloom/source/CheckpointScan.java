package io.weightloom.source;

import io.weightloom.job.Units;
import io.weightloom.source.BlockColumn.Kind;
import io.weightloom.source.BlockColumn.Needs;
import io.weightloom.source.HeaderFilter.Truth;
import io.weightloom.source.metric.BlocksMetric;
import io.weightloom.source.metric.BytesReadMetric;
import io.weightloom.source.metric.DecodeTimeMetric;
import io.weightloom.source.metric.ReadTimeMetric;
import io.weightloom.source.metric.TensorsMetric;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.ToLongFunction;
import org.apache.spark.sql.connector.expressions.Expression;
import org.apache.spark.sql.connector.expressions.Expressions;
import org.apache.spark.sql.connector.expressions.SortDirection;
import org.apache.spark.sql.connector.expressions.SortOrder;
import org.apache.spark.sql.connector.metric.CustomMetric;
import org.apache.spark.sql.connector.read.Batch;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.connector.read.Statistics;
import org.apache.spark.sql.connector.read.SupportsReportOrdering;
import org.apache.spark.sql.connector.read.SupportsReportPartitioning;
import org.apache.spark.sql.connector.read.SupportsReportStatistics;
import org.apache.spark.sql.connector.read.partitioning.KeyGroupedPartitioning;
import org.apache.spark.sql.connector.read.partitioning.Partitioning;
import org.apache.spark.sql.connector.read.partitioning.UnknownPartitioning;
import org.apache.spark.sql.types.StructType;

/**
 * A scan of blocks, planned on headers.
 *
 * <p>A query that names the tensor gets a partition a tensor, keyed by its name and ordered by
 * block, so that models are joined on (tensor, block) and grouped by tensor where they are read. A
 * query that does not, or that says how large partitions shall be, gets partitions of that size.
 */
final class CheckpointScan
    implements Scan,
        Batch,
        SupportsReportPartitioning,
        SupportsReportOrdering,
        SupportsReportStatistics {
  /** As Spark's own files: {@code spark.sql.files.maxPartitionBytes}. */
  private static final long SPLIT_BYTES = 128L << 20;

  /** Rows that cost no read. */
  private static final long SPLIT_ROWS = 1 << 18;

  /** What a row without data takes in Spark's memory, about. */
  private static final long ROW_BYTES = 256;

  private final String name;
  private final List<BlockSpan> spans;
  private final List<BlockColumn> columns;
  private final HeaderFilter filter;
  private final OptionalLong splitBytes;
  private final String pushed;
  private final List<ReadTask> tasks;

  private CheckpointScan(
      String name,
      List<BlockSpan> spans,
      List<BlockColumn> columns,
      HeaderFilter filter,
      OptionalLong splitBytes,
      String pushed) {
    this.name = name;
    this.spans = spans;
    this.columns = columns;
    this.filter = filter;
    this.splitBytes = splitBytes;
    this.pushed = pushed;
    this.tasks = isKeyed() ? byTensor() : bySize();
  }

  /**
   * Plans a scan.
   *
   * @param tensors those of which rows may pass, in order of their names
   * @param columns what a row has
   * @param filter what rows pass
   * @param pushed the filter in SQL
   */
  static CheckpointScan of(
      String name,
      List<TensorBlocks> tensors,
      List<BlockColumn> columns,
      HeaderFilter filter,
      OptionalLong splitBytes,
      String pushed) {
    List<BlockSpan> spans = new ArrayList<>();
    boolean open = false;
    for (TensorBlocks tensor : tensors) {
      BlockSpan span = span(tensor, filter);
      open |= filter.test(tensor.facts(null)) == Truth.OPEN;
      if (span.count() > 0) {
        spans.add(span);
      }
    }
    HeaderFilter left = open ? filter : HeaderFilter.all(List.of());
    return new CheckpointScan(name, List.copyOf(spans), columns, left, splitBytes, pushed);
  }

  /** The tensor's blocks from the first to the last that pass. */
  private static BlockSpan span(TensorBlocks tensor, HeaderFilter filter) {
    long first = 0;
    long end = tensor.count();
    if (filter.test(tensor.facts(null)) == Truth.OPEN) {
      while (first < end && excludes(filter, tensor, first)) {
        first++;
      }
      while (first < end && excludes(filter, tensor, end - 1)) {
        end--;
      }
    }
    return new BlockSpan(tensor, first, end);
  }

  private static boolean excludes(HeaderFilter filter, TensorBlocks tensor, long block) {
    return filter.test(tensor.facts(tensor.block(block))).excludes();
  }

  private boolean isKeyed() {
    return splitBytes.isEmpty() && has(Kind.TENSOR);
  }

  private boolean has(Kind kind) {
    return columns.stream().anyMatch(c -> c.kind() == kind);
  }

  private boolean readsData() {
    return columns.stream().anyMatch(c -> c.kind().needs() == Needs.DATA);
  }

  private List<ReadTask> byTensor() {
    List<ReadTask> all = new ArrayList<>();
    List<BlockSpan> same = new ArrayList<>();
    for (BlockSpan span : spans) {
      if (!same.isEmpty() && !same.get(0).tensor().name().equals(span.tensor().name())) {
        all.add(new ReadTask.OfTensor(List.copyOf(same)));
        same.clear();
      }
      same.add(span);
    }
    if (!same.isEmpty()) {
      all.add(new ReadTask.OfTensor(List.copyOf(same)));
    }
    return List.copyOf(all);
  }

  private List<ReadTask> bySize() {
    ToLongFunction<BlockSpan> size = readsData() ? BlockSpan::bytes : BlockSpan::count;
    long limit = splitBytes.orElse(SPLIT_BYTES);
    return readsData() ? pack(size, limit) : pack(size, SPLIT_ROWS);
  }

  private List<ReadTask> pack(ToLongFunction<BlockSpan> size, long limit) {
    List<ReadTask> all = new ArrayList<>();
    List<BlockSpan> some = new ArrayList<>();
    long used = 0;
    for (BlockSpan span : spans) {
      long perBlock = Math.max(1, size.applyAsLong(span) / span.count());
      for (long at = span.first(); at < span.end(); ) {
        long room = (limit - used) / perBlock;
        if (room == 0 && !some.isEmpty()) {
          all.add(new ReadTask.Packed(List.copyOf(some)));
          some.clear();
          used = 0;
          continue;
        }
        long end = Math.min(span.end(), at + Math.max(1, room));
        some.add(new BlockSpan(span.tensor(), at, end));
        used += (end - at) * perBlock;
        at = end;
      }
    }
    if (!some.isEmpty()) {
      all.add(new ReadTask.Packed(List.copyOf(some)));
    }
    return List.copyOf(all);
  }

  @Override
  public StructType readSchema() {
    return BlockColumn.schema(columns);
  }

  @Override
  public Batch toBatch() {
    return this;
  }

  @Override
  public InputPartition[] planInputPartitions() {
    return tasks.toArray(InputPartition[]::new);
  }

  @Override
  public PartitionReaderFactory createReaderFactory() {
    return new BlockReaderFactory(columns, filter);
  }

  @Override
  public Partitioning outputPartitioning() {
    return isKeyed()
        ? new KeyGroupedPartitioning(
            new Expression[] {Expressions.identity(Kind.TENSOR.label())}, tasks.size())
        : new UnknownPartitioning(tasks.size());
  }

  @Override
  public SortOrder[] outputOrdering() {
    if (!isKeyed()) {
      return new SortOrder[0];
    }
    SortOrder tensor = ascending(Kind.TENSOR);
    return has(Kind.BLOCK)
        ? new SortOrder[] {tensor, ascending(Kind.BLOCK)}
        : new SortOrder[] {tensor};
  }

  private static SortOrder ascending(Kind kind) {
    return Expressions.sort(Expressions.column(kind.label()), SortDirection.ASCENDING);
  }

  @Override
  public Statistics estimateStatistics() {
    long rows = rows();
    long bytes = rows * ROW_BYTES + (readsData() ? bytes() : 0);
    return new Statistics() {
      @Override
      public OptionalLong sizeInBytes() {
        return OptionalLong.of(bytes);
      }

      @Override
      public OptionalLong numRows() {
        return OptionalLong.of(rows);
      }
    };
  }

  private long rows() {
    return spans.stream().mapToLong(BlockSpan::count).sum();
  }

  private long bytes() {
    return spans.stream().mapToLong(BlockSpan::bytes).sum();
  }

  @Override
  public CustomMetric[] supportedCustomMetrics() {
    return new CustomMetric[] {
      new BytesReadMetric(),
      new TensorsMetric(),
      new BlocksMetric(),
      new ReadTimeMetric(),
      new DecodeTimeMetric()
    };
  }

  @Override
  public String description() {
    return "%s, %d tensors, %d blocks of %s, PushedFilters: %s, Partitions: %d%s, ReadsData: %s"
        .formatted(
            name,
            spans.size(),
            rows(),
            Units.bytes(bytes()),
            pushed,
            tasks.size(),
            isKeyed() ? " by tensor" : " by size",
            readsData());
  }
}
