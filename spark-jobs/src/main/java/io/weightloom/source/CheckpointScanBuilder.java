package io.weightloom.source;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.spark.sql.connector.expressions.filter.Predicate;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.connector.read.SupportsPushDownRequiredColumns;
import org.apache.spark.sql.connector.read.SupportsPushDownV2Filters;
import org.apache.spark.sql.types.StructType;

/** Learns what a query asks of the models. For one thread. */
final class CheckpointScanBuilder
    implements ScanBuilder, SupportsPushDownRequiredColumns, SupportsPushDownV2Filters {
  private final String name;
  private final Supplier<List<SourceModel>> models;
  private final Map<String, BlockColumn> columns;
  private final SourceOptions options;
  private final List<Predicate> pushed = new ArrayList<>();
  private final List<HeaderFilter> filters = new ArrayList<>();
  private List<BlockColumn> required;

  CheckpointScanBuilder(
      String name,
      Supplier<List<SourceModel>> models,
      List<BlockColumn> columns,
      SourceOptions options) {
    this.name = name;
    this.models = models;
    this.columns =
        columns.stream().collect(Collectors.toMap(BlockColumn::name, Function.identity()));
    this.required = columns;
    this.options = options;
  }

  @Override
  public void pruneColumns(StructType schema) {
    required =
        Arrays.stream(schema.fieldNames())
            .map(f -> Objects.requireNonNull(columns.get(f)))
            .toList();
  }

  @Override
  public Predicate[] pushPredicates(Predicate[] predicates) {
    List<Predicate> left = new ArrayList<>();
    for (Predicate predicate : predicates) {
      Optional<HeaderFilter> filter = HeaderFilter.of(predicate, columns);
      if (filter.isPresent()) {
        pushed.add(predicate);
        filters.add(filter.get());
      } else {
        left.add(predicate);
      }
    }
    return left.toArray(Predicate[]::new);
  }

  @Override
  public Predicate[] pushedPredicates() {
    return pushed.toArray(Predicate[]::new);
  }

  @Override
  public Scan build() {
    String said = pushed.stream().map(String::valueOf).collect(Collectors.joining(", ", "[", "]"));
    HeaderFilter filter = HeaderFilter.all(filters);
    List<TensorBlocks> tensors =
        Failures.shown(() -> new TensorList(options, filter).of(models.get()));
    return CheckpointScan.of(name, tensors, required, filter, options.splitBytes(), said);
  }
}
