package io.weightloom.source;

import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SQLContext;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableProvider;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.sources.BaseRelation;
import org.apache.spark.sql.sources.CreatableRelationProvider;
import org.apache.spark.sql.sources.DataSourceRegister;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.jspecify.annotations.Nullable;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The data source {@code checkpoint}: models as rows of tensor blocks.
 *
 * <p>Reading is a source of version 2. Writing enters by Spark's first interface, the only one that
 * hands all save modes to a source without a catalog, and writes through the second.
 */
public class CheckpointSource
    implements TableProvider, DataSourceRegister, CreatableRelationProvider {
  private @Nullable CheckpointTable opened;

  @Override
  public String shortName() {
    return "checkpoint";
  }

  /**
   * Opens the models: Spark asks for a schema when it reads, and only then. Options and models that
   * cannot be used are an analysis error.
   */
  @Override
  public StructType inferSchema(CaseInsensitiveStringMap options) {
    CheckpointTable table = Failures.shown(() -> CheckpointTable.open(options));
    opened = table;
    return table.structure();
  }

  /** So that a frame can be written to where nothing is yet. */
  @Override
  public boolean supportsExternalMetadata() {
    return true;
  }

  @Override
  public Table getTable(StructType schema, Transform[] partitioning, Map<String, String> options) {
    CheckpointTable table = opened;
    return table != null && table.structure().equals(schema)
        ? table
        : new UnopenedTable(schema, new CaseInsensitiveStringMap(options));
  }

  @Override
  public BaseRelation createRelation(
      SQLContext context,
      SaveMode mode,
      scala.collection.immutable.Map<String, String> options,
      Dataset<Row> rows) {
    CaseInsensitiveStringMap asked =
        new CaseInsensitiveStringMap(CollectionConverters.asJava(options));
    Failures.shown(
        () -> {
          new ModelWriter(rows, mode, asked).write();
          return null;
        });
    return new SavedRelation(context, rows.schema());
  }

  /** What Spark makes of a frame that was written: nothing is read from it. */
  private static final class SavedRelation extends BaseRelation {
    private final SQLContext context;
    private final StructType schema;

    SavedRelation(SQLContext context, StructType schema) {
      this.context = context;
      this.schema = schema;
    }

    @Override
    public SQLContext sqlContext() {
      return context;
    }

    @Override
    public StructType schema() {
      return schema;
    }
  }
}
