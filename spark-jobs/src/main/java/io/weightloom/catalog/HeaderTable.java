package io.weightloom.catalog;

import io.weightloom.source.Failures;
import io.weightloom.source.SourceModel;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.read.LocalScan;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.connector.read.SupportsPushDownFilters;
import org.apache.spark.sql.sources.Filter;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * A table of what models' headers and configurations say. The rows are read by the driver while the
 * query is planned: no task runs and no weight is read. Models that a filter on {@code model}
 * leaves out are not opened.
 */
final class HeaderTable implements Table, SupportsRead {
  private final String name;
  private final Column[] columns;
  private final Map<String, String> properties;
  private final Supplier<Collection<SourceModel>> models;
  private final Function<SourceModel, Stream<InternalRow>> rows;

  /**
   * @param models those that the table tells of; asked once a scan
   * @param rows the rows of one of them
   */
  HeaderTable(
      String name,
      List<Column> columns,
      Map<String, String> properties,
      Supplier<Collection<SourceModel>> models,
      Function<SourceModel, Stream<InternalRow>> rows) {
    this.name = name;
    this.columns = columns.toArray(Column[]::new);
    this.properties = Map.copyOf(properties);
    this.models = models;
    this.rows = rows;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Column[] columns() {
    return columns.clone();
  }

  @Override
  public Map<String, String> properties() {
    return properties;
  }

  @Override
  public Set<TableCapability> capabilities() {
    return Set.of(TableCapability.BATCH_READ);
  }

  @Override
  public ScanBuilder newScanBuilder(CaseInsensitiveStringMap options) {
    return new Builder();
  }

  private final class Builder implements ScanBuilder, SupportsPushDownFilters {
    private Filter[] filters = {};

    @Override
    public Filter[] pushFilters(Filter[] given) {
      filters = Arrays.stream(given).filter(ModelFilter::concerns).toArray(Filter[]::new);
      return given;
    }

    @Override
    public Filter[] pushedFilters() {
      return filters.clone();
    }

    @Override
    public LocalScan build() {
      return new Scan(List.of(filters));
    }
  }

  private final class Scan implements LocalScan {
    private final List<Filter> filters;

    Scan(List<Filter> filters) {
      this.filters = filters;
    }

    @Override
    public InternalRow[] rows() {
      return Failures.shown(
          () ->
              models.get().stream()
                  .filter(m -> filters.stream().allMatch(f -> ModelFilter.mayHold(f, m.name())))
                  .flatMap(rows)
                  .toArray(InternalRow[]::new));
    }

    @Override
    public StructType readSchema() {
      // Spark's own conversion has another signature in each version.
      StructType schema = new StructType();
      for (Column column : columns) {
        schema = schema.add(column.name(), column.dataType(), column.nullable());
      }
      return schema;
    }

    @Override
    public String description() {
      return name + (filters.isEmpty() ? "" : ", models by " + filters);
    }
  }
}
