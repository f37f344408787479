package io.weightloom.source;

import io.weightloom.source.metric.BlocksMetric;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.SupportsWrite;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.catalog.TableProvider;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.connector.metric.CustomMetric;
import org.apache.spark.sql.connector.write.BatchWrite;
import org.apache.spark.sql.connector.write.DataWriterFactory;
import org.apache.spark.sql.connector.write.LogicalWriteInfo;
import org.apache.spark.sql.connector.write.PhysicalWriteInfo;
import org.apache.spark.sql.connector.write.Write;
import org.apache.spark.sql.connector.write.WriteBuilder;
import org.apache.spark.sql.connector.write.WriterCommitMessage;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * The inside of a write: runs the tasks of one pass over a frame as Spark's second interface has
 * them, with metrics, one message from each task's successful attempt, and no other. Not for users,
 * and public only because Spark makes it by its name.
 */
public final class BlockSink implements TableProvider {
  private static final String PASS = "pass";
  private static final ConcurrentMap<String, Pass> PASSES = new ConcurrentHashMap<>();

  private static final class Pass {
    private final String name;
    private final DataWriterFactory writers;
    private volatile List<TaskMessage> messages = List.of();

    Pass(String name, DataWriterFactory writers) {
      this.name = name;
      this.writers = writers;
    }
  }

  /**
   * Gives each row of a frame to a task's writer.
   *
   * @param name what the pass is called in plans
   * @return what the writers said at their ends
   */
  static List<TaskMessage> run(String name, Dataset<Row> rows, DataWriterFactory writers) {
    String id = UUID.randomUUID().toString();
    Pass pass = new Pass(name, writers);
    PASSES.put(id, pass);
    try {
      rows.write().format(BlockSink.class.getName()).mode(SaveMode.Append).option(PASS, id).save();
      return pass.messages;
    } finally {
      PASSES.remove(id);
    }
  }

  @Override
  public StructType inferSchema(CaseInsensitiveStringMap options) {
    throw new UnsupportedOperationException("it is written to, not read");
  }

  @Override
  public boolean supportsExternalMetadata() {
    return true;
  }

  @Override
  public Table getTable(StructType schema, Transform[] partitioning, Map<String, String> options) {
    Pass pass = PASSES.get(new CaseInsensitiveStringMap(options).getOrDefault(PASS, ""));
    if (pass == null) {
      throw new UnsupportedOperationException("it is a part of format(\"checkpoint\")");
    }
    return new Target(schema, pass);
  }

  private record Target(StructType structure, Pass pass) implements Table, SupportsWrite {

    @Override
    public String name() {
      return "checkpoint, " + pass.name;
    }

    @Override
    public Column[] columns() {
      return BlockColumn.columns(structure);
    }

    @Override
    public Set<TableCapability> capabilities() {
      return Set.of(TableCapability.BATCH_WRITE);
    }

    @Override
    public WriteBuilder newWriteBuilder(LogicalWriteInfo info) {
      return new WriteBuilder() {
        @Override
        public Write build() {
          return new PassWrite(pass);
        }
      };
    }
  }

  private record PassWrite(Pass pass) implements Write, BatchWrite {

    @Override
    public String description() {
      return "checkpoint, " + pass.name;
    }

    @Override
    public BatchWrite toBatch() {
      return this;
    }

    @Override
    public CustomMetric[] supportedCustomMetrics() {
      return new CustomMetric[] {new BlocksMetric()};
    }

    @Override
    public DataWriterFactory createBatchWriterFactory(PhysicalWriteInfo info) {
      return pass.writers;
    }

    /** Writers ask for themselves, before they write. */
    @Override
    public boolean useCommitCoordinator() {
      return false;
    }

    @Override
    public void commit(WriterCommitMessage[] messages) {
      pass.messages = Arrays.stream(messages).map(TaskMessage.class::cast).toList();
    }

    @Override
    public void abort(WriterCommitMessage[] messages) {
      // The staging directory goes as a whole.
    }
  }
}
