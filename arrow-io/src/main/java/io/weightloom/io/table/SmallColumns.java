package io.weightloom.io.table;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.ParquetProperties;
import org.apache.parquet.column.impl.ColumnWriteStoreV1;
import org.apache.parquet.column.page.DictionaryPage;
import org.apache.parquet.column.page.PageWriteStore;
import org.apache.parquet.column.page.PageWriter;
import org.apache.parquet.column.statistics.SizeStatistics;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.column.statistics.geospatial.GeospatialStatistics;
import org.apache.parquet.column.values.factory.DefaultV1ValuesWriterFactory;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.MessageType;

/**
 * Some columns of a row group, encoded in memory by Parquet's own writers and then put in a file;
 * only for columns that are small.
 */
final class SmallColumns implements PageWriteStore {
  // Parquet's default factory is shared by the process, and follows the properties made last.
  private static final ParquetProperties PROPERTIES =
      ParquetProperties.builder()
          .withDictionaryEncoding(false)
          .withValuesWriterFactory(new DefaultV1ValuesWriterFactory())
          .withPageRowCountLimit(Integer.MAX_VALUE)
          .build();

  private final MessageType schema;
  private final Map<ColumnDescriptor, Pages> columns = new HashMap<>();

  private SmallColumns(MessageType schema) {
    this.schema = schema;
  }

  /** Encodes rows of a schema; {@code write} gives the fields of one row to the consumer. */
  static <T> SmallColumns of(
      MessageType schema, List<T> rows, BiConsumer<RecordConsumer, T> write) {
    SmallColumns columns = new SmallColumns(schema);
    try (ColumnWriteStoreV1 store = new ColumnWriteStoreV1(schema, columns, PROPERTIES)) {
      RecordConsumer record = new ColumnIOFactory().getColumnIO(schema).getRecordWriter(store);
      for (T row : rows) {
        record.startMessage();
        write.accept(record, row);
        record.endMessage();
        store.endRecord();
      }
      record.flush();
    }
    return columns;
  }

  /** Writes the columns' chunks. */
  void writeTo(ParquetFileWriter file) throws IOException {
    for (ColumnDescriptor column : schema.getColumns()) {
      Pages pages = (Pages) getPageWriter(column);
      file.startColumn(column, pages.values, CompressionCodecName.UNCOMPRESSED);
      for (Page page : pages.pages) {
        file.writeDataPage(
            page.values(),
            page.bytes().length,
            BytesInput.from(page.bytes()),
            page.statistics(),
            page.rows(),
            page.repetition(),
            page.definition(),
            page.encoding());
      }
      file.endColumn();
    }
  }

  @Override
  public PageWriter getPageWriter(ColumnDescriptor column) {
    return columns.computeIfAbsent(column, c -> new Pages());
  }

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Page(
      int values,
      int rows,
      byte[] bytes,
      Statistics<?> statistics,
      Encoding repetition,
      Encoding definition,
      Encoding encoding) {}

  /** The pages of one column; of the first version, which every reader knows. */
  @SuppressWarnings("deprecation") // the interface has deprecated methods without a body
  private static final class Pages implements PageWriter {
    private final List<Page> pages = new ArrayList<>();
    private long values;

    @Override
    public void writePage(
        BytesInput bytes,
        int valueCount,
        int rowCount,
        Statistics<?> statistics,
        SizeStatistics sizes,
        GeospatialStatistics geospatial,
        Encoding repetition,
        Encoding definition,
        Encoding encoding)
        throws IOException {
      writePage(bytes, valueCount, rowCount, statistics, repetition, definition, encoding);
    }

    @Override
    public void writePage(
        BytesInput bytes,
        int valueCount,
        int rowCount,
        Statistics<?> statistics,
        SizeStatistics sizes,
        Encoding repetition,
        Encoding definition,
        Encoding encoding)
        throws IOException {
      writePage(bytes, valueCount, rowCount, statistics, repetition, definition, encoding);
    }

    @Override
    public void writePage(
        BytesInput bytes,
        int valueCount,
        int rowCount,
        Statistics<?> statistics,
        Encoding repetition,
        Encoding definition,
        Encoding encoding)
        throws IOException {
      values += valueCount;
      pages.add(
          new Page(
              valueCount,
              rowCount,
              bytes.toByteArray(),
              statistics,
              repetition,
              definition,
              encoding));
    }

    @Override
    public void writePage(
        BytesInput bytes,
        int valueCount,
        Statistics<?> statistics,
        Encoding repetition,
        Encoding definition,
        Encoding encoding) {
      throw new UnsupportedOperationException("a page without its rows");
    }

    @Override
    public void writePageV2(
        int rowCount,
        int nullCount,
        int valueCount,
        BytesInput repetitionLevels,
        BytesInput definitionLevels,
        Encoding dataEncoding,
        BytesInput data,
        Statistics<?> statistics) {
      throw new UnsupportedOperationException("pages of the second version");
    }

    @Override
    public void writeDictionaryPage(DictionaryPage dictionaryPage) {
      throw new UnsupportedOperationException("dictionaries are off");
    }

    @Override
    public long getMemSize() {
      return pages.stream().mapToLong(p -> p.bytes().length).sum();
    }

    @Override
    public long allocatedSize() {
      return getMemSize();
    }

    @Override
    public String memUsageString(String prefix) {
      return prefix + getMemSize();
    }
  }
}
