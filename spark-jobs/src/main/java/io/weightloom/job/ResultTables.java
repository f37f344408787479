package io.weightloom.job;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.analysis.Column;
import io.weightloom.analysis.Table;
import io.weightloom.error.WeightloomException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.MetadataBuilder;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/** Results as JSON, as Parquet files, and as rows of tables in a catalog. */
public final class ResultTables {
  private static final String VERSION = "weightloom.version";

  private ResultTables() {}

  /**
   * Each table under its name: its version, and its rows as objects. NaN and infinities are the
   * strings {@code NaN}, {@code Infinity} and {@code -Infinity}.
   */
  public static ObjectNode json(List<Table.Result> results) {
    ObjectNode out = Json.object();
    for (Table.Result result : results) {
      ObjectNode table = out.putObject(result.table().name());
      table.put("version", result.table().version());
      ArrayNode rows = table.putArray("rows");
      List<String> names = result.table().columns().stream().map(Column::name).toList();
      for (List<@Nullable Object> row : result.rows()) {
        ObjectNode object = rows.addObject();
        for (int i = 0; i < names.size(); i++) {
          object.set(names.get(i), Json.tree(row.get(i)));
        }
      }
    }
    return out;
  }

  /** Fails if there is anything in the way. */
  public static void requireWritable(Path dir, List<Table<?>> tables, boolean overwrite) {
    for (Table<?> table : tables) {
      Path target = dir.resolve(table.name());
      if (Files.exists(target) && !overwrite) {
        throw WeightloomException.conflict(
            "Cannot write %s: it exists (choose another directory, or pass --overwrite)"
                .formatted(target));
      }
    }
  }

  /**
   * Writes each table as Parquet into a directory of its own name; a table is there whole or not at
   * all.
   */
  public static void write(
      SparkSession spark, List<Table.Result> results, Path dir, boolean overwrite) {
    requireWritable(dir, results.stream().<Table<?>>map(Table.Result::table).toList(), overwrite);
    for (Table.Result result : results) {
      Path target = dir.toAbsolutePath().resolve(result.table().name());
      Path staged = dir.toAbsolutePath().resolve(".staging-" + UUID.randomUUID());
      try {
        Files.createDirectories(dir);
        frame(spark, result).coalesce(1).write().parquet(staged.toString());
        if (Files.exists(target)) {
          OutputDir.delete(target);
        }
        Files.move(staged, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        throw OutputDir.cannotWrite(target.toString(), e);
      } finally {
        discard(staged);
      }
    }
  }

  private static void discard(Path staged) {
    try {
      if (Files.exists(staged)) {
        OutputDir.delete(staged);
      }
    } catch (IOException e) {
      throw OutputDir.cannotWrite(staged.toString(), e);
    }
  }

  /**
   * Adds the rows to the tables of a schema, each by its own name, with the time of the run in
   * {@code run_at}; makes tables that are not there.
   *
   * @param schema as {@code lake.audit}
   */
  public static void append(SparkSession spark, List<Table.Result> results, String schema) {
    Instant now = Instant.now();
    for (Table.Result result : results) {
      String name = schema + "." + result.table().name();
      Dataset<Row> rows = frame(spark, result).withColumn("run_at", functions.lit(now));
      try {
        rows.write().mode(SaveMode.Append).saveAsTable(name);
      } catch (Exception e) { // Scala does not declare what it throws.
        throw cannotAppend(name, e);
      }
    }
  }

  private static RuntimeException cannotAppend(String name, Exception e) {
    if (e instanceof AnalysisException analysis) {
      return WeightloomException.usage(
          "Cannot write the table %s: %s (see the catalog's settings, spark.sql.catalog.…)"
              .formatted(name, analysis.getSimpleMessage()));
    }
    return e instanceof RuntimeException r ? r : new IllegalStateException(e);
  }

  /** The rows as a data frame; each column's documentation is its comment. */
  public static Dataset<Row> frame(SparkSession spark, Table.Result result) {
    List<Row> rows =
        result.rows().stream()
            .map(row -> RowFactory.create(row.stream().map(ResultTables::boxed).toArray()))
            .toList();
    return spark.createDataFrame(rows, schema(result.table()));
  }

  private static @Nullable Object boxed(@Nullable Object value) {
    if (value instanceof double[] numbers) {
      return Arrays.stream(numbers).boxed().toArray();
    }
    return value instanceof long[] counts
        ? Arrays.stream(counts).boxed().toArray()
        : value instanceof List<?> list ? list.toArray() : value;
  }

  private static StructType schema(Table<?> table) {
    Metadata version = new MetadataBuilder().putLong(VERSION, table.version()).build();
    return new StructType(
        table.columns().stream()
            .map(c -> new StructField(c.name(), type(c.type()), true, version).withComment(c.doc()))
            .toArray(StructField[]::new));
  }

  private static DataType type(Column.Type type) {
    return switch (type) {
      case TEXT -> DataTypes.StringType;
      case FLAG -> DataTypes.BooleanType;
      case COUNT -> DataTypes.LongType;
      case NUMBER -> DataTypes.DoubleType;
      case COUNTS -> DataTypes.createArrayType(DataTypes.LongType, false);
      case NUMBERS -> DataTypes.createArrayType(DataTypes.DoubleType, false);
      case TEXTS -> DataTypes.createArrayType(DataTypes.StringType, false);
    };
  }
}
