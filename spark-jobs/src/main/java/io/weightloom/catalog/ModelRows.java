package io.weightloom.catalog;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.io.ModelDir;
import io.weightloom.io.TensorLocation;
import io.weightloom.source.SourceModel;
import io.weightloom.tensor.TensorName;
import io.weightloom.tensor.TensorSpec;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.expressions.UnsafeArrayData;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/** The columns and rows of the tables {@code tensors} and {@code config}. */
final class ModelRows {
  private static final DataType TEXT = DataTypes.StringType;
  private static final DataType LONG = DataTypes.LongType;

  static final List<Column> TENSORS =
      List.of(
          column("model", TEXT, "the model's name in the catalog"),
          column("tensor", TEXT, "the tensor's name, as stored"),
          column("role", TEXT, "the name behind the layer's number"),
          Column.create("layer", DataTypes.IntegerType, true, "null where there is none", null),
          column("dtype", TEXT, "safetensors' name of the element type"),
          column("shape", DataTypes.createArrayType(LONG, false), "outermost dimension first"),
          column("elements", LONG, "the product of the shape"),
          column("bytes", LONG, "of the data"),
          column("file", TEXT, "where the data is"),
          column("file_begin", LONG, "the data's first byte in the file"),
          column("file_end", LONG, "the byte behind the last"));

  static final List<Column> CONFIG =
      List.of(
          column("model", TEXT, "the model's name in the catalog"),
          column("key", TEXT, "the path in config.json, with dots"),
          column("value", TEXT, "JSON"));

  private ModelRows() {}

  private static Column column(String name, DataType type, String comment) {
    return Column.create(name, type, false, comment, null);
  }

  /** A row for each tensor, in the model's order. */
  static Stream<InternalRow> tensors(SourceModel model) {
    UTF8String name = UTF8String.fromString(model.name());
    return model.dir().tensors().values().stream().map(t -> tensor(name, t));
  }

  private static InternalRow tensor(UTF8String model, TensorLocation location) {
    TensorSpec spec = location.spec();
    return row(
        model,
        spec.name(),
        TensorName.role(spec.name()),
        TensorName.layer(spec.name()).map(TensorName.Layer::index).orElse(null),
        spec.dtype().name(),
        UnsafeArrayData.fromPrimitiveArray(
            spec.shape().dims().stream().mapToLong(Long::longValue).toArray()),
        spec.elements(),
        location.end() - location.begin(),
        location.file(),
        location.begin(),
        location.end());
  }

  /** A row for each value of {@code config.json} that is no object, in the file's order. */
  static Stream<InternalRow> config(SourceModel model) {
    ModelDir dir = model.dir();
    return leaves("", dir.config())
        .map(leaf -> row(model.name(), leaf.path(), leaf.value().toString()));
  }

  private record Leaf(String path, JsonNode value) {}

  private static Stream<Leaf> leaves(String prefix, ObjectNode object) {
    return object.properties().stream()
        .flatMap(
            e -> {
              String path = prefix + e.getKey();
              return e.getValue() instanceof ObjectNode inner && !inner.isEmpty()
                  ? leaves(path + ".", inner)
                  : Stream.of(new Leaf(path, e.getValue()));
            });
  }

  private static InternalRow row(@Nullable Object... values) {
    for (int i = 0; i < values.length; i++) {
      if (values[i] instanceof String s) {
        values[i] = UTF8String.fromString(s);
      }
    }
    return new GenericInternalRow(values);
  }
}
