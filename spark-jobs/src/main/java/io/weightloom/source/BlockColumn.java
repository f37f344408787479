package io.weightloom.source;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * A column of the source.
 *
 * @param name what it is called
 * @param kind what it holds
 * @param input which of the aligned models it tells of; 0 for what all have in common
 */
record BlockColumn(String name, Kind kind, int input) implements Serializable {
  private static final long serialVersionUID = 1;

  /** What must be known to give a column's value. */
  enum Needs {
    /** The tensor, from the header. */
    TENSOR,
    /** The block, from the tensor's shape. */
    BLOCK,
    /** The block's bytes. */
    DATA
  }

  /** What columns hold, in the order of the table's columns. */
  enum Kind {
    MODEL(DataTypes.StringType, false, Needs.TENSOR, "the model's name"),
    REVISION(DataTypes.StringType, true, Needs.TENSOR, "snapshot of the Hugging Face cache"),
    TENSOR(DataTypes.StringType, false, Needs.TENSOR, "the tensor's name"),
    ROLE(DataTypes.StringType, false, Needs.TENSOR, "the name without its layer"),
    LAYER(DataTypes.IntegerType, true, Needs.TENSOR, "the layer's number"),
    DTYPE(DataTypes.StringType, false, Needs.TENSOR, "the stored type, such as BF16"),
    SHAPE(
        DataTypes.createArrayType(DataTypes.LongType, false),
        false,
        Needs.TENSOR,
        "the dimensions, outermost first"),
    BLOCK(DataTypes.LongType, false, Needs.BLOCK, "number of the block in the tensor"),
    ROW_BEGIN(DataTypes.LongType, false, Needs.BLOCK, "the block's first row"),
    ROW_END(DataTypes.LongType, false, Needs.BLOCK, "the row behind its last"),
    OFFSET(DataTypes.LongType, false, Needs.BLOCK, "flat index of its first element"),
    COUNT(DataTypes.LongType, false, Needs.BLOCK, "its elements"),
    FILE(DataTypes.StringType, false, Needs.TENSOR, "the file that holds its bytes"),
    FILE_BEGIN(DataTypes.LongType, false, Needs.BLOCK, "its first byte in the file"),
    FILE_END(DataTypes.LongType, false, Needs.BLOCK, "the byte behind its last"),
    ENCODING(DataTypes.StringType, false, Needs.TENSOR, "how data is packed: raw"),
    DATA(DataTypes.BinaryType, true, Needs.DATA, "its bytes, little-endian"),
    DIGEST(DataTypes.StringType, true, Needs.DATA, "XXH3-64 of its bytes"),
    STATS(StatsColumn.TYPE, true, Needs.DATA, "statistics of its finite values");

    @SuppressWarnings("ImmutableEnumChecker") // Spark does not say so, but its types are.
    private final DataType type;

    private final boolean nullable;
    private final Needs needs;
    private final String comment;

    Kind(DataType type, boolean nullable, Needs needs, String comment) {
      this.type = type;
      this.nullable = nullable;
      this.needs = needs;
      this.comment = comment;
    }

    DataType type() {
      return type;
    }

    Needs needs() {
      return needs;
    }

    /** The column's name where no model's number follows. */
    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final List<Kind> SHARED =
      List.of(
          Kind.TENSOR,
          Kind.ROLE,
          Kind.LAYER,
          Kind.DTYPE,
          Kind.SHAPE,
          Kind.BLOCK,
          Kind.ROW_BEGIN,
          Kind.ROW_END,
          Kind.OFFSET,
          Kind.COUNT,
          Kind.ENCODING);
  private static final List<Kind> OF_EACH =
      List.of(Kind.MODEL, Kind.DTYPE, Kind.FILE, Kind.FILE_BEGIN, Kind.FILE_END, Kind.DATA);

  /** One row a block of one model. */
  static List<BlockColumn> ofRows() {
    return Arrays.stream(Kind.values()).map(k -> new BlockColumn(k.label(), k, 0)).toList();
  }

  /** One row a block of so many models at once: {@code dtype} is the first one's. */
  static List<BlockColumn> aligned(int inputs) {
    List<BlockColumn> columns = new ArrayList<>();
    SHARED.forEach(k -> columns.add(new BlockColumn(k.label(), k, 0)));
    for (Kind kind : OF_EACH) {
      for (int i = 0; i < inputs; i++) {
        columns.add(new BlockColumn(kind.label() + i, kind, i));
      }
    }
    return List.copyOf(columns);
  }

  /** The columns as a schema. */
  static StructType schema(List<BlockColumn> columns) {
    return new StructType(columns.stream().map(BlockColumn::field).toArray(StructField[]::new));
  }

  /** A schema as the columns of a table. Spark's own way differs between its versions. */
  static Column[] columns(StructType schema) {
    return Arrays.stream(schema.fields())
        .map(
            f ->
                Column.create(
                    f.name(), f.dataType(), f.nullable(), f.getComment().getOrElse(() -> ""), null))
        .toArray(Column[]::new);
  }

  private StructField field() {
    return DataTypes.createStructField(name, kind.type, kind.nullable)
        .withComment(
            name.equals(kind.label()) ? kind.comment : kind.comment + ", of model " + input);
  }
}
