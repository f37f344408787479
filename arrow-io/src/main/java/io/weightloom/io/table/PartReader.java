package io.weightloom.io.table;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.internal.column.columnindex.OffsetIndex;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;

/**
 * Reads what a file of a table says of its blocks: the small columns, and by footer and offset
 * index where each block's bytes are. Reads no block. For one thread.
 */
final class PartReader implements AutoCloseable {
  /** More is no page header and levels of a page of so few rows. */
  private static final int MOST_BEFORE_VALUES = 1 << 12;

  private static final Map<String, PrimitiveTypeName> NEEDED =
      new TreeMap<>(
          Map.of(
              BlockColumns.TENSOR, PrimitiveTypeName.BINARY,
              BlockColumns.DTYPE, PrimitiveTypeName.BINARY,
              BlockColumns.BLOCK, PrimitiveTypeName.INT64,
              BlockColumns.OFFSET, PrimitiveTypeName.INT64,
              BlockColumns.COUNT, PrimitiveTypeName.INT64,
              BlockColumns.DATA, PrimitiveTypeName.BINARY));
  private static final Set<String> WELCOME =
      Set.of(BlockColumns.MODEL, BlockColumns.ENCODING, BlockColumns.DIGEST);

  private final String path;
  private final ByteSource source;
  private final ParquetFileReader reader;
  private @Nullable TensorSpec lastTensor;

  /**
   * Opens a file and checks its schema.
   *
   * @param source the file; borrowed
   */
  PartReader(ByteSource source) {
    this.path = source.path();
    this.source = source;
    try {
      this.reader =
          ParquetFileReader.open(
              new SourceFile(source),
              ParquetReadOptions.builder(new PlainParquetConfiguration()).build());
    } catch (IOException | RuntimeException e) {
      throw unreadable(path, e);
    }
    checkSchema(reader.getFileMetaData().getSchema());
  }

  /** Words what Parquet threw. */
  static WeightloomException unreadable(String path, Exception e) {
    if (e instanceof WeightloomException known) {
      return known;
    }
    return WeightloomException.input(
        "Cannot read %s: %s (a file of a block table must be a whole Parquet file: copy it or explode the model again)"
            .formatted(path, e.getMessage() == null ? e.toString() : e.getMessage()));
  }

  private void checkSchema(MessageType schema) {
    List<String> problems = new ArrayList<>();
    NEEDED.forEach(
        (name, type) -> {
          if (!schema.containsField(name)) {
            problems.add("column " + name + " is missing");
          } else if (!isPrimitive(schema.getType(name), type)) {
            problems.add("column %s is %s, expected %s".formatted(name, shown(schema, name), type));
          }
        });
    if (!schema.containsField(BlockColumns.SHAPE)) {
      problems.add("column shape is missing");
    } else if (!isListOfLongs(schema.getType(BlockColumns.SHAPE))) {
      problems.add(
          "column shape is %s, expected a list of INT64"
              .formatted(shown(schema, BlockColumns.SHAPE)));
    }
    for (String name : WELCOME) {
      if (schema.containsField(name)
          && !isPrimitive(schema.getType(name), PrimitiveTypeName.BINARY)) {
        problems.add("column %s is %s, expected BINARY".formatted(name, shown(schema, name)));
      }
    }
    if (!problems.isEmpty()) {
      problems.sort(null);
      throw WeightloomException.input(
          "Cannot read %s as part of a block table: %s (name a table that explode wrote, or write the columns of format(\"checkpoint\"))"
              .formatted(path, String.join("; ", problems)));
    }
  }

  private static String shown(MessageType schema, String name) {
    return schema.getType(name).toString().replaceAll("\\s+", " ");
  }

  private static boolean isPrimitive(Type type, PrimitiveTypeName name) {
    return type.isPrimitive()
        && type.asPrimitiveType().getPrimitiveTypeName() == name
        && !type.isRepetition(Type.Repetition.REPEATED);
  }

  private static boolean isListOfLongs(Type type) {
    if (type.isPrimitive() || type.asGroupType().getFieldCount() != 1) {
      return false;
    }
    Type list = type.asGroupType().getType(0);
    if (list.isPrimitive() || !list.isRepetition(Type.Repetition.REPEATED)) {
      return false;
    }
    GroupType element = list.asGroupType();
    return element.getFieldCount() == 1 && isPrimitive(element.getType(0), PrimitiveTypeName.INT64);
  }

  /** What explode noted in the footer, or null. */
  @Nullable String note(String key) {
    return reader.getFileMetaData().getKeyValueMetaData().get(key);
  }

  /** How many rows the file has. */
  long count() {
    return reader.getRecordCount();
  }

  /** The rows of the file, in its order. */
  List<StoredRow> rows() {
    MessageType all = reader.getFileMetaData().getSchema();
    MessageType small =
        new MessageType(
            all.getName(),
            all.getFields().stream()
                .filter(
                    f ->
                        !f.getName().equals(BlockColumns.DATA)
                            && (NEEDED.containsKey(f.getName())
                                || WELCOME.contains(f.getName())
                                || f.getName().equals(BlockColumns.SHAPE)))
                .toList());
    reader.setRequestedSchema(small);
    List<StoredRow> rows = new ArrayList<>();
    try {
      List<BlockMetaData> groups = reader.getRowGroups();
      for (int g = 0; g < groups.size(); g++) {
        rowGroup(g, groups.get(g), small, rows);
      }
    } catch (IOException | RuntimeException e) {
      throw unreadable(path, e);
    }
    return rows;
  }

  private void rowGroup(int number, BlockMetaData group, MessageType small, List<StoredRow> into)
      throws IOException {
    List<StoredRow> rows = new ArrayList<>();
    try (PageReadStore pages = reader.readRowGroup(number)) {
      RecordReader<Group> records =
          new ColumnIOFactory()
              .getColumnIO(small)
              .getRecordReader(pages, new GroupRecordConverter(small));
      for (int i = 0; i < group.getRowCount(); i++) {
        rows.add(row(into.size() + i, number, i, records.read()));
      }
    }
    ColumnChunkMetaData data =
        group.getColumns().stream()
            .filter(c -> c.getPath().toDotString().equals(BlockColumns.DATA))
            .findFirst()
            .orElseThrow();
    into.addAll(placed(rows, data));
  }

  private StoredRow row(long number, int group, int inGroup, Group g) {
    String at = "%s, row %d".formatted(path, number);
    TensorSpec tensor = shared(tensor(at, g));
    String encoding = optional(g, BlockColumns.ENCODING);
    boolean packed = PackedBlock.ENCODING.equals(encoding);
    if (!packed && encoding != null && !encoding.equals(PackedBlock.RAW)) {
      throw malformed(
          at,
          BlockColumns.ENCODING,
          "\"%s\" is neither %s nor %s".formatted(encoding, PackedBlock.RAW, PackedBlock.ENCODING));
    }
    long offset = number(at, g, BlockColumns.OFFSET);
    long count = number(at, g, BlockColumns.COUNT);
    int bits = tensor.dtype().bits();
    if (count > tensor.elements() - offset || count > Integer.MAX_VALUE / 8) {
      throw malformed(
          at,
          BlockColumns.COUNT,
          "%d elements from %d on, the tensor has %d".formatted(count, offset, tensor.elements()));
    }
    if (offset * bits % 8 != 0 || count * bits % 8 != 0) {
      throw malformed(at, BlockColumns.OFFSET, "the block cuts a byte of " + tensor.dtype());
    }
    return new StoredRow(
        number,
        tensor,
        number(at, g, BlockColumns.BLOCK),
        offset,
        count,
        optional(g, BlockColumns.MODEL),
        packed,
        digest(at, optional(g, BlockColumns.DIGEST)),
        new StoredRow.Place(StoredRow.Kind.COLUMN, group, inGroup));
  }

  /** Neighbours are blocks of one tensor: one record is enough for them. */
  private TensorSpec shared(TensorSpec tensor) {
    TensorSpec last = lastTensor;
    if (last != null && last.equals(tensor)) {
      return last;
    }
    lastTensor = tensor;
    return tensor;
  }

  private static TensorSpec tensor(String at, Group g) {
    String name = required(at, g, BlockColumns.TENSOR);
    String dtype = required(at, g, BlockColumns.DTYPE);
    DType known =
        DType.ofName(dtype)
            .orElseThrow(() -> malformed(at, BlockColumns.DTYPE, "unknown dtype " + dtype));
    if (g.getFieldRepetitionCount(BlockColumns.SHAPE) == 0) {
      throw malformed(at, BlockColumns.SHAPE, "it is null");
    }
    Group list = g.getGroup(BlockColumns.SHAPE, 0);
    List<Long> dims = new ArrayList<>();
    for (int i = 0; i < list.getFieldRepetitionCount(0); i++) {
      Group element = list.getGroup(0, i);
      if (element.getFieldRepetitionCount(0) == 0 || element.getLong(0, 0) < 0) {
        throw malformed(at, BlockColumns.SHAPE, "dimension " + i + " is null or negative");
      }
      dims.add(element.getLong(0, 0));
    }
    TensorSpec tensor = new TensorSpec(name, known, new Shape(dims));
    try {
      tensor.byteSize();
    } catch (ArithmeticException e) {
      throw malformed(at, BlockColumns.SHAPE, tensor.shape() + ": " + e.getMessage());
    }
    return tensor;
  }

  private static String required(String at, Group g, String column) {
    String value = optional(g, column);
    if (value == null) {
      throw malformed(at, column, "it is null");
    }
    return value;
  }

  private static @Nullable String optional(Group g, String column) {
    return g.getType().containsField(column) && g.getFieldRepetitionCount(column) > 0
        ? g.getBinary(column, 0).toStringUsingUTF8()
        : null;
  }

  private static long number(String at, Group g, String column) {
    if (g.getFieldRepetitionCount(column) == 0) {
      throw malformed(at, column, "it is null");
    }
    long value = g.getLong(column, 0);
    if (value < 0) {
      throw malformed(at, column, value + " is negative");
    }
    return value;
  }

  private static @Nullable Long digest(String at, @Nullable String hex) {
    try {
      return hex == null ? null : HexFormat.fromHexDigitsToLong(hex);
    } catch (IllegalArgumentException e) {
      throw malformed(at, BlockColumns.DIGEST, "\"%s\" are no 16 hex digits".formatted(hex));
    }
  }

  private static WeightloomException malformed(String at, String column, String why) {
    return WeightloomException.input(
        "Cannot read a block table: %s, column %s: %s (explode the model again)"
            .formatted(at, column, why));
  }

  /**
   * Says where the bytes of a row group's blocks are. Values of an uncompressed plain page stand
   * behind each other, each after its length, up to the page's end: with their lengths known from
   * the other columns, no page need be opened.
   */
  private List<StoredRow> placed(List<StoredRow> rows, ColumnChunkMetaData data)
      throws IOException {
    boolean plain =
        data.getCodec() == CompressionCodecName.UNCOMPRESSED
            && data.getEncodings().contains(Encoding.PLAIN)
            && data.getEncodings().stream().noneMatch(Encoding::usesDictionary)
            && !data.hasDictionaryPage();
    OffsetIndex index = plain ? reader.readOffsetIndex(data) : null;
    if (index == null) {
      return rows;
    }
    List<StoredRow> placed = new ArrayList<>(rows.size());
    for (int page = 0; page < index.getPageCount(); page++) {
      int first = (int) index.getFirstRowIndex(page);
      int last = (int) index.getLastRowIndex(page, rows.size());
      if (first != placed.size() || last >= rows.size()) {
        return rows;
      }
      List<StoredRow> inPage = rows.subList(first, last + 1);
      placed.addAll(inPage(inPage, index.getOffset(page), index.getCompressedPageSize(page)));
    }
    return placed.size() == rows.size() && (isRequired() || areWhereLengthsSay(placed))
        ? placed
        : rows;
  }

  private boolean isRequired() {
    return reader
        .getFileMetaData()
        .getSchema()
        .getType(BlockColumns.DATA)
        .isRepetition(Type.Repetition.REQUIRED);
  }

  /** A null among the values of a page takes no place in it: then all before it lie elsewhere. */
  private boolean areWhereLengthsSay(List<StoredRow> rows) {
    byte[] length = new byte[Integer.BYTES];
    for (StoredRow row : rows) {
      if (row.place().kind() == StoredRow.Kind.RAW) {
        source.readFully(row.place().at() - length.length, length, 0, length.length);
        if (ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getInt() != row.bytes()) {
          return false;
        }
      }
    }
    return true;
  }

  private static List<StoredRow> inPage(List<StoredRow> rows, long page, int size) {
    if (rows.size() == 1 && rows.get(0).packed()) {
      StoredRow row = rows.get(0);
      return List.of(with(row, new StoredRow.Place(StoredRow.Kind.PAGE, page, size)));
    }
    long values = rows.stream().mapToLong(r -> r.bytes() + (long) Integer.BYTES).sum();
    boolean fits = values < size && size - values < MOST_BEFORE_VALUES + rows.size();
    if (!fits || rows.stream().anyMatch(StoredRow::packed)) {
      return rows;
    }
    List<StoredRow> placed = new ArrayList<>(rows.size());
    long at = page + size - values;
    for (StoredRow row : rows) {
      at += Integer.BYTES;
      placed.add(with(row, new StoredRow.Place(StoredRow.Kind.RAW, at, row.bytes())));
      at += row.bytes();
    }
    return placed;
  }

  private static StoredRow with(StoredRow r, StoredRow.Place place) {
    return new StoredRow(
        r.row(),
        r.tensor(),
        r.block(),
        r.offset(),
        r.count(),
        r.model(),
        r.packed(),
        r.digest(),
        place);
  }

  /** The values of the data column of a row group, decoded by Parquet; none of them null. */
  byte[][] decode(int group, long limit) {
    MessageType all = reader.getFileMetaData().getSchema();
    MessageType data = new MessageType(all.getName(), all.getType(BlockColumns.DATA));
    BlockMetaData meta = reader.getRowGroups().get(group);
    ColumnChunkMetaData chunk =
        meta.getColumns().stream()
            .filter(c -> c.getPath().toDotString().equals(BlockColumns.DATA))
            .findFirst()
            .orElseThrow();
    long bytes = Math.max(chunk.getTotalSize(), chunk.getTotalUncompressedSize());
    if (bytes > limit) {
      throw WeightloomException.input(
          "Cannot read blocks of %s: row group %d has %d bytes of data that only Parquet can decode, at most %d are held (write it with option(\"parquet.block.size\", \"16m\") and option(\"compression\", \"none\"), or use weightloom explode)"
              .formatted(path, group, bytes, limit));
    }
    reader.setRequestedSchema(data);
    try (PageReadStore pages = reader.readRowGroup(group)) {
      RecordReader<Group> records =
          new ColumnIOFactory()
              .getColumnIO(data)
              .getRecordReader(pages, new GroupRecordConverter(data));
      byte[][] values = new byte[Math.toIntExact(meta.getRowCount())][];
      for (int i = 0; i < values.length; i++) {
        Group row = records.read();
        if (row.getFieldRepetitionCount(0) == 0) {
          throw malformed(
              "%s, row %d of row group %d".formatted(path, i, group),
              BlockColumns.DATA,
              "it is null");
        }
        values[i] = row.getBinary(0, 0).getBytes();
      }
      return values;
    } catch (IOException | RuntimeException e) {
      throw unreadable(path, e);
    }
  }

  @Override
  public void close() {
    try {
      reader.close();
    } catch (IOException e) {
      // Nothing was written: there is nothing to lose.
    }
  }
}
