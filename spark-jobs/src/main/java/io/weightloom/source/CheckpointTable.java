package io.weightloom.source;

import io.weightloom.error.WeightloomException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** Models as a table, one row a block. */
public final class CheckpointTable implements Table, SupportsRead {
  private final String name;
  private final Supplier<List<SourceModel>> models;
  private final List<BlockColumn> columns;
  private final CaseInsensitiveStringMap options;

  private CheckpointTable(
      String name,
      Supplier<List<SourceModel>> models,
      List<BlockColumn> columns,
      CaseInsensitiveStringMap options) {
    this.name = name;
    this.models = models;
    this.columns = columns;
    this.options = options;
  }

  /**
   * The table of the models that the options name; their headers are read.
   *
   * @throws WeightloomException for options and models that cannot be used
   */
  static CheckpointTable open(CaseInsensitiveStringMap options) {
    SourceOptions asked = SourceOptions.of(options);
    List<SourceModel> models = SourceOptions.models(options);
    requireNamesApart(models);
    models.forEach(SourceModel::dir);
    return new CheckpointTable(
        "checkpoint " + models.stream().map(SourceModel::name).collect(Collectors.joining(", ")),
        () -> models,
        asked.aligned() ? BlockColumn.aligned(models.size()) : BlockColumn.ofRows(),
        options);
  }

  /**
   * A table of models that somebody else knows, as a catalog does.
   *
   * @param name what the table is called
   * @param models those that it tells of, asked for once a scan; opened only if a filter on {@code
   *     model} lets them pass
   */
  public static CheckpointTable of(String name, Supplier<List<SourceModel>> models) {
    return new CheckpointTable(
        name, models, BlockColumn.ofRows(), CaseInsensitiveStringMap.empty());
  }

  private static void requireNamesApart(List<SourceModel> models) {
    Set<String> names = new HashSet<>();
    for (SourceModel model : models) {
      if (!names.add(model.name())) {
        throw WeightloomException.usage(
            "Cannot read models together: two are called %s (name them by option name, with commas between names)"
                .formatted(model.name()));
      }
    }
  }

  @Override
  public String name() {
    return name;
  }

  /** The columns as a schema. */
  StructType structure() {
    return BlockColumn.schema(columns);
  }

  @Override
  public Column[] columns() {
    return BlockColumn.columns(structure());
  }

  @Override
  public Set<TableCapability> capabilities() {
    return Set.of(TableCapability.BATCH_READ);
  }

  /**
   * A scan of the table. Options that cannot be used, or would change the columns, are an analysis
   * error.
   *
   * @param asked options of the scan, before those of the table
   */
  @Override
  public ScanBuilder newScanBuilder(CaseInsensitiveStringMap asked) {
    return Failures.shown(() -> scan(asked));
  }

  private ScanBuilder scan(CaseInsensitiveStringMap asked) {
    Map<String, String> both = new HashMap<>(options);
    both.putAll(asked);
    SourceOptions scan = SourceOptions.of(new CaseInsensitiveStringMap(both));
    if (scan.aligned() != SourceOptions.of(options).aligned()) {
      throw WeightloomException.usage(
          "Cannot read %s aligned: its columns are those of one model (use format(\"checkpoint\") with options models and aligned)"
              .formatted(name));
    }
    return new CheckpointScanBuilder(name, models, columns, scan);
  }
}
