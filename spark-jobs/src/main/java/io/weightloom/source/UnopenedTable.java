package io.weightloom.source;

import io.weightloom.error.WeightloomException;
import java.util.Set;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** Models that nobody has looked at: they may be about to be written. */
final class UnopenedTable implements Table, SupportsRead {
  private final StructType schema;
  private final CaseInsensitiveStringMap options;

  UnopenedTable(StructType schema, CaseInsensitiveStringMap options) {
    this.schema = schema;
    this.options = options;
  }

  @Override
  public String name() {
    return "checkpoint";
  }

  @Override
  public Column[] columns() {
    return BlockColumn.columns(schema);
  }

  @Override
  public Set<TableCapability> capabilities() {
    return Set.of(TableCapability.BATCH_READ);
  }

  @Override
  public ScanBuilder newScanBuilder(CaseInsensitiveStringMap asked) {
    return Failures.shown(() -> opened().newScanBuilder(asked));
  }

  private CheckpointTable opened() {
    CheckpointTable table = CheckpointTable.open(options);
    if (!table.structure().asNullable().equals(schema.asNullable())) {
      throw WeightloomException.usage(
          "Cannot read %s with the schema %s: its columns are %s (read it without a schema, and select)"
              .formatted(table.name(), schema.simpleString(), table.structure().simpleString()));
    }
    return table;
  }
}
