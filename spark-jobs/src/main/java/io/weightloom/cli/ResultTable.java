package io.weightloom.cli;

import io.weightloom.job.Csv;
import io.weightloom.job.Units;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StructField;
import org.jspecify.annotations.Nullable;

/** The rows of a query as text: aligned for people, or comma-separated for programs. */
final class ResultTable {
  private static final int WIDEST = 100;
  private static final int SHOWN_BYTES = 8;
  private static final MathContext DIGITS = new MathContext(6);

  private final StructField[] fields;
  private final List<List<String>> rows = new ArrayList<>();

  private ResultTable(StructField[] fields) {
    this.fields = fields;
  }

  /**
   * The table that people see.
   *
   * @param rows of {@link #abbreviated} columns
   */
  static ResultTable of(Dataset<Row> result, List<Row> rows) {
    ResultTable table = new ResultTable(result.schema().fields());
    for (Row row : rows) {
      List<String> cells = new ArrayList<>();
      for (int i = 0; i < row.length(); i++) {
        cells.add(shown(row.get(i)));
      }
      table.rows.add(cells);
    }
    return table;
  }

  /** Cells that are words already, or null. */
  static ResultTable of(StructField[] fields, List<? extends List<?>> rows) {
    ResultTable table = new ResultTable(fields);
    rows.forEach(row -> table.rows.add(row.stream().map(v -> v == null ? "" : shown(v)).toList()));
    return table;
  }

  String text() {
    return isProse() ? prose() : aligned();
  }

  /**
   * The same rows, with no more of each binary value than is shown: a block of weights is a
   * megabyte, and a result has many.
   */
  static Dataset<Row> abbreviated(Dataset<Row> result) {
    StructField[] fields = result.schema().fields();
    if (Arrays.stream(fields).noneMatch(f -> f.dataType() instanceof BinaryType)) {
      return result;
    }
    // Names may occur twice in a result; positions do not.
    String[] unique = new String[fields.length];
    Arrays.setAll(unique, i -> "c" + i);
    Column[] columns = new Column[fields.length];
    for (int i = 0; i < fields.length; i++) {
      Column column = functions.col(unique[i]);
      columns[i] =
          fields[i].dataType() instanceof BinaryType
              ? functions.struct(
                  functions.substring(column, 1, SHOWN_BYTES).as("head"),
                  functions.length(column).as("length"))
              : column;
    }
    return result.toDF(unique).select(columns);
  }

  /** Plans and descriptions have line breaks: a table would tear them apart. */
  boolean isProse() {
    return fields.length == 1 && rows.stream().anyMatch(r -> r.get(0).contains("\n"));
  }

  private String prose() {
    return rows.stream().map(r -> r.get(0).stripTrailing() + "\n").collect(Collectors.joining());
  }

  private String aligned() {
    List<String> names = Arrays.stream(fields).map(StructField::name).toList();
    int[] widths = names.stream().mapToInt(ResultTable::width).toArray();
    List<List<String>> cut = new ArrayList<>();
    for (List<String> row : rows) {
      List<String> cells = row.stream().map(this::cut).toList();
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], width(cells.get(i)));
      }
      cut.add(cells);
    }
    StringBuilder out = new StringBuilder();
    line(out, names, widths);
    line(out, Arrays.stream(widths).mapToObj("-"::repeat).toList(), widths);
    cut.forEach(row -> line(out, row, widths));
    return out.toString();
  }

  private String cut(String cell) {
    String line = cell.replace("\r", "\\r").replace("\n", "\\n");
    boolean whole = fields.length == 1 || line.codePointCount(0, line.length()) <= WIDEST;
    return whole ? line : line.substring(0, line.offsetByCodePoints(0, WIDEST - 1)) + "…";
  }

  private static int width(String cell) {
    return cell.codePointCount(0, cell.length());
  }

  private void line(StringBuilder out, List<String> cells, int[] widths) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < widths.length; i++) {
      String space = " ".repeat(widths[i] - width(cells.get(i)));
      boolean right = fields[i].dataType() instanceof NumericType;
      line.append(i == 0 ? "" : "  ").append(right ? space + cells.get(i) : cells.get(i) + space);
    }
    out.append(line.toString().stripTrailing()).append('\n');
  }

  private static String shown(@Nullable Object value) {
    if (value instanceof Row row
        && row.schema() != null
        && Arrays.equals(row.schema().fieldNames(), new String[] {"head", "length"})
        && (row.isNullAt(0) || row.get(0) instanceof byte[])) {
      return row.isNullAt(1) ? "NULL" : bytes(row.getAs(0), row.getInt(1));
    }
    return cell(value, true);
  }

  /** A line of comma-separated values, as RFC 4180 has it. */
  static String csv(List<?> values) {
    return values.stream().map(ResultTable::csvField).collect(Collectors.joining(",")) + "\n";
  }

  private static String csvField(@Nullable Object value) {
    return value == null ? "" : Csv.field(cell(value, false));
  }

  private static String cell(@Nullable Object value, boolean forPeople) {
    if (value == null) {
      return "NULL";
    } else if (value instanceof byte[] bytes) {
      return forPeople ? bytes(bytes, bytes.length) : Base64.getEncoder().encodeToString(bytes);
    } else if (value instanceof Row row) {
      return struct(row, forPeople);
    } else if (value instanceof scala.collection.Seq<?> seq) {
      return list(scala.jdk.javaapi.CollectionConverters.asJava(seq), forPeople);
    } else if (value instanceof scala.collection.Map<?, ?> map) {
      return map(scala.jdk.javaapi.CollectionConverters.asJava(map), forPeople);
    } else if (forPeople && (value instanceof Double || value instanceof Float)) {
      return number(((Number) value).doubleValue());
    } else if (value instanceof BigDecimal d) {
      return d.toPlainString();
    }
    return value.toString();
  }

  private static String list(List<?> values, boolean forPeople) {
    return values.stream().map(v -> cell(v, forPeople)).collect(Collectors.joining(", ", "[", "]"));
  }

  private static String map(Map<?, ?> values, boolean forPeople) {
    Map<String, String> sorted = new TreeMap<>();
    values.forEach((k, v) -> sorted.put(cell(k, forPeople), cell(v, forPeople)));
    return sorted.entrySet().stream()
        .map(e -> e.getKey() + ": " + e.getValue())
        .collect(Collectors.joining(", ", "{", "}"));
  }

  private static String struct(Row row, boolean forPeople) {
    List<String> parts = new ArrayList<>();
    String[] names = row.schema() == null ? new String[0] : row.schema().fieldNames();
    for (int i = 0; i < row.length(); i++) {
      String name = i < names.length ? names[i] + ": " : "";
      parts.add(name + cell(row.get(i), forPeople));
    }
    return "{" + String.join(", ", parts) + "}";
  }

  /** Six digits that count. */
  private static String number(double value) {
    if (Double.isNaN(value) || Double.isInfinite(value) || value == 0) {
      return value == 0 ? "0" : String.valueOf(value);
    }
    BigDecimal rounded = new BigDecimal(value).round(DIGITS).stripTrailingZeros();
    double size = Math.abs(value);
    return size >= 1e-4 && size < 1e12
        ? rounded.toPlainString()
        : rounded.toString().replace("E", "e");
  }

  /** The first bytes, and how many there are. */
  private static String bytes(byte[] head, int length) {
    int shown = Math.min(head.length, SHOWN_BYTES);
    String hex = HexFormat.of().formatHex(head, 0, shown);
    return length <= shown ? "0x" + hex : "0x" + hex + "… " + Units.bytes(length);
  }
}
