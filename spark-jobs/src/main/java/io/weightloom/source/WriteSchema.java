package io.weightloom.source;

import io.weightloom.error.WeightloomException;
import io.weightloom.recipe.Suggestion;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.ByteType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.LongType;
import org.apache.spark.sql.types.ShortType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;

/**
 * How the columns of a frame make up blocks.
 *
 * @param byOffset whether rows say the offset of their block; else its number
 */
record WriteSchema(boolean byOffset) {
  static final String TENSOR = "tensor";
  static final String DTYPE = "dtype";
  static final String SHAPE = "shape";
  static final String OFFSET = "offset";
  static final String BLOCK = "block";
  static final String COUNT = "count";
  static final String DATA = "data";
  static final String MODEL = "model";
  static final String FILE = "file";
  static final String FILE_BEGIN = "file_begin";
  static final String ENCODING = "encoding";

  private static final DataType DIMS = DataTypes.createArrayType(DataTypes.LongType);
  private static final Predicate<DataType> TEXT = StringType.class::isInstance;
  private static final Predicate<DataType> BYTES = BinaryType.class::isInstance;

  /**
   * Looks for the columns of blocks.
   *
   * @throws WeightloomException of kind INPUT that lists what is missing, double or of a wrong type
   */
  static WriteSchema of(Dataset<Row> rows) {
    List<StructField> fields = Arrays.asList(rows.schema().fields());
    List<String> problems = new ArrayList<>();
    require(fields, TENSOR, TEXT, "STRING", problems);
    require(fields, DTYPE, TEXT, "STRING", problems);
    require(fields, SHAPE, WriteSchema::isWholes, "ARRAY<BIGINT>", problems);
    require(fields, COUNT, WriteSchema::isWhole, "BIGINT", problems);
    require(fields, DATA, BYTES, "BINARY", problems);
    boolean byOffset = has(fields, OFFSET) || !has(fields, BLOCK);
    require(fields, byOffset ? OFFSET : BLOCK, WriteSchema::isWhole, "BIGINT", problems);
    allow(fields, MODEL, TEXT, "STRING", problems);
    allow(fields, FILE, TEXT, "STRING", problems);
    allow(fields, FILE_BEGIN, WriteSchema::isWhole, "BIGINT", problems);
    allow(fields, ENCODING, TEXT, "STRING", problems);
    if (!problems.isEmpty()) {
      throw WeightloomException.input(
          "Cannot write a checkpoint from rows of %s: %s (name the columns as format(\"checkpoint\") does)"
              .formatted(rows.schema().simpleString(), String.join("; ", problems)));
    }
    return new WriteSchema(byOffset);
  }

  private static void require(
      List<StructField> fields,
      String name,
      Predicate<DataType> type,
      String wanted,
      List<String> problems) {
    if (has(fields, name)) {
      allow(fields, name, type, wanted, problems);
      return;
    }
    Optional<String> like =
        Suggestion.closest(name, fields.stream().map(StructField::name).toList());
    problems.add(
        "there is no column "
            + name
            + like.map(l -> ", is it " + l + "?").orElse("")
            + (name.equals(OFFSET) ? ", nor block" : ""));
  }

  private static void allow(
      List<StructField> fields,
      String name,
      Predicate<DataType> type,
      String wanted,
      List<String> problems) {
    List<StructField> found = fields.stream().filter(f -> f.name().equalsIgnoreCase(name)).toList();
    if (found.size() > 1) {
      problems.add("there are " + found.size() + " columns " + name);
    } else if (found.size() == 1 && !type.test(found.get(0).dataType())) {
      problems.add(
          "column %s is %s, not %s".formatted(name, found.get(0).dataType().sql(), wanted));
    }
  }

  private static boolean has(List<StructField> fields, String name) {
    return fields.stream().anyMatch(f -> f.name().equalsIgnoreCase(name));
  }

  private static boolean isWhole(DataType type) {
    return type instanceof LongType
        || type instanceof IntegerType
        || type instanceof ShortType
        || type instanceof ByteType;
  }

  private static boolean isWholes(DataType type) {
    return type instanceof ArrayType a && isWhole(a.elementType());
  }

  /** What a survey sees: everything but the data, in the order that {@link Survey} reads. */
  Dataset<Row> surveyed(Dataset<Row> rows) {
    return rows.select(
        rows.col(TENSOR),
        rows.col(DTYPE),
        rows.col(SHAPE).cast(DIMS).as(SHAPE),
        position(rows),
        whole(rows, COUNT),
        optional(rows, MODEL, DataTypes.StringType),
        optional(rows, FILE, DataTypes.StringType),
        optional(rows, FILE_BEGIN, DataTypes.LongType),
        optional(rows, ENCODING, DataTypes.StringType));
  }

  /** What is written, in the order that {@link BlockWriter} reads. */
  Dataset<Row> written(Dataset<Row> rows) {
    return rows.select(
        rows.col(TENSOR), rows.col(DTYPE), position(rows), whole(rows, COUNT), rows.col(DATA));
  }

  private Column position(Dataset<Row> rows) {
    return rows.col(byOffset ? OFFSET : BLOCK).cast(DataTypes.LongType).as("position");
  }

  private static Column whole(Dataset<Row> rows, String name) {
    return rows.col(name).cast(DataTypes.LongType).as(name);
  }

  private static Column optional(Dataset<Row> rows, String name, DataType type) {
    Column column =
        has(Arrays.asList(rows.schema().fields()), name) ? rows.col(name) : functions.lit(null);
    return column.cast(type).as(name);
  }
}
