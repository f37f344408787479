package io.weightloom.io.arrow;

import io.weightloom.io.ModelIdentity;
import io.weightloom.io.table.BlockRow;
import io.weightloom.stats.BlockStats;
import io.weightloom.tensor.TensorName;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.LargeVarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;
import org.jspecify.annotations.Nullable;

/** The columns of a block table as Arrow's vectors, filled batch by batch. For one thread. */
final class BlockVectors {
  private static final String DATA = "data";
  private static final ArrowType TEXT = ArrowType.Utf8.INSTANCE;
  private static final ArrowType LONG = new ArrowType.Int(64, true);
  private static final ArrowType DOUBLE =
      new ArrowType.FloatingPoint(FloatingPointPrecision.DOUBLE);

  private final VectorSchemaRoot root;
  private final ModelIdentity identity;
  private int rows;

  BlockVectors(VectorSchemaRoot root, ModelIdentity identity) {
    this.root = root;
    this.identity = identity;
  }

  /**
   * The columns.
   *
   * @param withData whether the blocks themselves are among them
   * @param ofData metadata of the data's field
   */
  static Schema schema(boolean withData, Map<String, String> ofData) {
    List<Field> fields =
        new ArrayList<>(
            List.of(
                field("model", TEXT, false),
                field("revision", TEXT, true),
                field("tensor", TEXT, false),
                field("role", TEXT, false),
                field("layer", new ArrowType.Int(32, true), true),
                field("dtype", TEXT, false),
                new Field(
                    "shape",
                    FieldType.notNullable(ArrowType.List.INSTANCE),
                    List.of(field("element", LONG, false)))));
    Stream.of("block", "row_begin", "row_end", "offset", "count")
        .forEach(n -> fields.add(field(n, LONG, false)));
    fields.add(field("file", TEXT, false));
    fields.add(field("file_begin", LONG, false));
    fields.add(field("file_end", LONG, false));
    fields.add(field("encoding", TEXT, false));
    if (withData) {
      FieldType type = new FieldType(false, ArrowType.LargeBinary.INSTANCE, null, ofData);
      fields.add(new Field(DATA, type, null));
    }
    fields.add(field("digest", TEXT, false));
    fields.add(new Field("stats", FieldType.nullable(ArrowType.Struct.INSTANCE), stats()));
    return new Schema(fields);
  }

  private static List<Field> stats() {
    List<Field> fields = new ArrayList<>();
    Stream.of("zeros", "nans", "infs", "denormals").forEach(n -> fields.add(field(n, LONG, true)));
    Stream.of("min", "max", "sum", "sum2", "l1", "linf")
        .forEach(n -> fields.add(field(n, DOUBLE, true)));
    return fields;
  }

  private static Field field(String name, ArrowType type, boolean nullable) {
    return new Field(name, new FieldType(nullable, type, null), null);
  }

  /** Begins a batch of so many rows with so many bytes of data. */
  void begin(int count, long dataBytes) {
    root.clear();
    for (FieldVector vector : root.getFieldVectors()) {
      if (vector instanceof LargeVarBinaryVector data) {
        data.allocateNew(dataBytes, count);
      } else {
        vector.setInitialCapacity(count);
        vector.allocateNew();
      }
    }
    rows = 0;
  }

  /**
   * Adds a row.
   *
   * @param data holds the block's bytes from its begin on; borrowed
   */
  void add(BlockRow row, byte[] data, String digest, @Nullable BlockStats stats) {
    String name = row.tensor().name();
    text("model", identity.name());
    text("revision", identity.revision());
    text("tensor", name);
    text("role", TensorName.role(name));
    TensorName.layer(name)
        .ifPresent(l -> ((IntVector) root.getVector("layer")).setSafe(rows, l.index()));
    text("dtype", row.tensor().dtype().name());
    shape(row.tensor().shape().dims());
    number("block", row.block().index());
    number("row_begin", row.block().rowBegin());
    number("row_end", row.block().rowEnd());
    number("offset", row.block().offset());
    number("count", row.block().count());
    text("file", row.file());
    number("file_begin", row.begin());
    number("file_end", row.end());
    text("encoding", "raw");
    if (root.getVector(DATA) instanceof LargeVarBinaryVector blocks) {
      blocks.setSafe(rows, data, 0, row.bytes());
    }
    text("digest", digest);
    statistics(stats);
    rows++;
  }

  private void text(String column, @Nullable String value) {
    if (value != null) {
      ((VarCharVector) root.getVector(column))
          .setSafe(rows, value.getBytes(StandardCharsets.UTF_8));
    }
  }

  private void number(String column, long value) {
    ((BigIntVector) root.getVector(column)).setSafe(rows, value);
  }

  private void shape(List<Long> dims) {
    ListVector list = (ListVector) root.getVector("shape");
    BigIntVector elements = (BigIntVector) list.getDataVector();
    int at = list.startNewValue(rows);
    for (long d : dims) {
      elements.setSafe(at++, d);
    }
    list.endValue(rows, dims.size());
  }

  private void statistics(@Nullable BlockStats stats) {
    StructVector struct = (StructVector) root.getVector("stats");
    struct.setIndexDefined(rows);
    if (stats == null) {
      return;
    }
    count(struct, "zeros", stats.zeros());
    count(struct, "nans", stats.nans());
    count(struct, "infs", stats.infs());
    count(struct, "denormals", stats.denormals());
    if (stats.finite() > 0) {
      value(struct, "min", stats.min());
      value(struct, "max", stats.max());
      value(struct, "sum", stats.sum());
      value(struct, "sum2", stats.sum2());
      value(struct, "l1", stats.l1());
      value(struct, "linf", stats.linf());
    }
  }

  private void count(StructVector struct, String field, long count) {
    ((BigIntVector) struct.getChild(field)).setSafe(rows, count);
  }

  private void value(StructVector struct, String field, double value) {
    ((Float8Vector) struct.getChild(field)).setSafe(rows, value);
  }

  /** Ends the batch. */
  void end() {
    root.setRowCount(rows);
  }
}
