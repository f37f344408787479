package io.weightloom.io.table;

import static org.apache.parquet.schema.LogicalTypeAnnotation.stringType;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.BINARY;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.DOUBLE;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.INT32;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.INT64;

import java.util.ArrayList;
import java.util.List;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;

/** The columns of a block table, in their order, as Parquet has them. The model is a partition. */
final class BlockColumns {
  static final String MODEL = "model";
  static final String REVISION = "revision";
  static final String TENSOR = "tensor";
  static final String ROLE = "role";
  static final String LAYER = "layer";
  static final String DTYPE = "dtype";
  static final String SHAPE = "shape";
  static final String BLOCK = "block";
  static final String ROW_BEGIN = "row_begin";
  static final String ROW_END = "row_end";
  static final String OFFSET = "offset";
  static final String COUNT = "count";
  static final String FILE = "file";
  static final String FILE_BEGIN = "file_begin";
  static final String FILE_END = "file_end";
  static final String ENCODING = "encoding";
  static final String DATA = "data";
  static final String DIGEST = "digest";
  static final String STATS = "stats";

  /** Counts of {@link #STATS}, then its sums and extremes. */
  static final List<String> STATS_COUNTS = List.of("zeros", "nans", "infs", "denormals");

  static final List<String> STATS_VALUES = List.of("min", "max", "sum", "sum2", "l1", "linf");

  /** What is known before a block is read. */
  static final MessageType BEFORE_DATA =
      message(
          optionalString(REVISION),
          string(TENSOR),
          string(ROLE),
          Types.optional(INT32).named(LAYER),
          string(DTYPE),
          Types.requiredList().requiredElement(INT64).named(SHAPE),
          required(INT64, BLOCK),
          required(INT64, ROW_BEGIN),
          required(INT64, ROW_END),
          required(INT64, OFFSET),
          required(INT64, COUNT),
          string(FILE),
          required(INT64, FILE_BEGIN),
          required(INT64, FILE_END),
          string(ENCODING));

  /** The block itself: one page each, so that the offset index knows where it lies. */
  static final MessageType ONLY_DATA = message(required(BINARY, DATA));

  /** What is known when it was read. */
  static final MessageType BEHIND_DATA = message(string(DIGEST), stats());

  /** All of them. */
  static final MessageType ALL = all();

  private BlockColumns() {}

  private static MessageType message(Type... fields) {
    return new MessageType("block", fields);
  }

  private static MessageType all() {
    List<Type> fields = new ArrayList<>(BEFORE_DATA.getFields());
    fields.addAll(ONLY_DATA.getFields());
    fields.addAll(BEHIND_DATA.getFields());
    return new MessageType("block", fields);
  }

  private static PrimitiveType required(PrimitiveTypeName type, String name) {
    return Types.required(type).named(name);
  }

  private static PrimitiveType string(String name) {
    return Types.required(BINARY).as(stringType()).named(name);
  }

  private static PrimitiveType optionalString(String name) {
    return Types.optional(BINARY).as(stringType()).named(name);
  }

  private static GroupType stats() {
    Types.GroupBuilder<GroupType> group = Types.optionalGroup();
    STATS_COUNTS.forEach(name -> group.addField(Types.optional(INT64).named(name)));
    STATS_VALUES.forEach(name -> group.addField(Types.optional(DOUBLE).named(name)));
    return group.named(STATS);
  }
}
