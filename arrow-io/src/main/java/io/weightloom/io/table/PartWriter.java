package io.weightloom.io.table;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ContentDigest;
import io.weightloom.io.Storage;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.kernel.Kernels;
import io.weightloom.stats.BlockStats;
import io.weightloom.tensor.TensorName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.crypto.FileEncryptionProperties;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.RecordConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Writes a file of a block table. Blocks are read once: statistics and digest are taken of what is
 * then handed to the file as it lies, one page each, without a copy. Holds one block, and with
 * compression one row group. For one thread.
 */
public final class PartWriter implements AutoCloseable {
  /** The bytes of raw data of a row group; the last block may pass it. */
  public static final long ROW_GROUP_BYTES = 16L << 20;

  /** The most rows of a row group, however small. */
  public static final int ROW_GROUP_ROWS = 1024;

  /** The key in a file's footer: the file's digest, which says that it is whole. */
  public static final String DIGEST_KEY = "weightloom.digest";

  /** The key in a file's footer: what the file was made of. */
  public static final String PLAN_KEY = "weightloom.plan";

  private static final ColumnDescriptor DATA =
      BlockColumns.ALL.getColumnDescription(new String[] {BlockColumns.DATA});
  private static final Statistics<?> NO_STATISTICS =
      Statistics.noopStats(BlockColumns.ALL.getType(BlockColumns.DATA));
  private static final int TRUNCATE = 64;

  /** Gives a block's bytes. */
  @FunctionalInterface
  public interface Reader {
    /** Reads {@code row.bytes()} bytes to the begin of {@code into}. */
    void read(BlockRow row, byte[] into);
  }

  /** What was found out about a block while it was written. */
  private record Seen(long digest, @Nullable BlockStats stats) {}

  private record Head(BlockRow row, String encoding) {}

  private final Kernels kernels = KernelRegistry.get().kernels();
  private final ParquetFileWriter file;
  private final Path path;
  private final Path temporary;
  private final @Nullable String revision;
  private final @Nullable PackedBlock packer;
  private final List<Long> digests = new ArrayList<>();
  private byte[] buffer = new byte[0];

  /**
   * Opens a new file under a hidden name, which it loses when it is ended.
   *
   * @param path its name then; replaced if it exists
   * @param revision what the column {@code revision} says, or null
   */
  public PartWriter(Path path, @Nullable String revision, Compression compression)
      throws IOException {
    this.path = path;
    this.temporary = path.resolveSibling("." + path.getFileName() + "." + UUID.randomUUID());
    this.revision = revision;
    this.packer = compression == Compression.ZSTD ? new PackedBlock() : null;
    this.file =
        new ParquetFileWriter(
            new NewFile(temporary),
            BlockColumns.ALL,
            ParquetFileWriter.Mode.CREATE,
            ROW_GROUP_BYTES,
            0,
            TRUNCATE,
            TRUNCATE,
            false,
            (FileEncryptionProperties) null);
    file.start();
  }

  /** Writes rows, cut into row groups. */
  public void write(List<BlockRow> rows, Reader reader) throws IOException {
    int from = 0;
    long bytes = 0;
    for (int i = 0; i < rows.size(); i++) {
      bytes += rows.get(i).bytes();
      if (bytes >= ROW_GROUP_BYTES || i + 1 - from == ROW_GROUP_ROWS || i + 1 == rows.size()) {
        rowGroup(rows.subList(from, i + 1), reader);
        from = i + 1;
        bytes = 0;
      }
    }
  }

  private void rowGroup(List<BlockRow> rows, Reader reader) throws IOException {
    List<Seen> seen = new ArrayList<>(rows.size());
    file.startBlock(rows.size());
    PackedBlock zstd = packer;
    if (zstd == null) {
      head(rows.stream().map(r -> new Head(r, PackedBlock.RAW)).toList());
      file.startColumn(DATA, rows.size(), CompressionCodecName.UNCOMPRESSED);
      for (BlockRow row : rows) {
        seen.add(read(row, reader));
        page(buffer, row.bytes());
      }
    } else {
      // The encoding stands before the data, and is known only when all blocks were packed.
      List<Head> heads = new ArrayList<>(rows.size());
      List<byte[]> packed = new ArrayList<>(rows.size());
      for (BlockRow row : rows) {
        seen.add(read(row, reader));
        byte[] smaller = zstd.pack(row.tensor().dtype(), buffer, row.bytes());
        heads.add(new Head(row, smaller == null ? PackedBlock.RAW : PackedBlock.ENCODING));
        packed.add(smaller == null ? Arrays.copyOf(buffer, row.bytes()) : smaller);
      }
      head(heads);
      file.startColumn(DATA, rows.size(), CompressionCodecName.UNCOMPRESSED);
      for (byte[] block : packed) {
        page(block, block.length);
      }
    }
    file.endColumn();
    SmallColumns.of(BlockColumns.BEHIND_DATA, seen, PartWriter::write).writeTo(file);
    file.endBlock();
  }

  private Seen read(BlockRow row, Reader reader) {
    int n = row.bytes();
    if (buffer.length < n) {
      buffer = new byte[n];
    }
    reader.read(row, buffer);
    long digest = ContentDigest.chunk(buffer, 0, n);
    digests.add(digest);
    return new Seen(
        digest,
        row.tensor().dtype().isComputed()
            ? BlockStats.of(row.tensor().dtype(), buffer, 0, n, kernels)
            : null);
  }

  private void page(byte[] value, int length) throws IOException {
    file.writeDataPage(
        1,
        length + Integer.BYTES,
        BytesInput.concat(BytesInput.fromInt(length), BytesInput.from(value, 0, length)),
        NO_STATISTICS,
        1,
        Encoding.RLE,
        Encoding.RLE,
        Encoding.PLAIN);
  }

  private void head(List<Head> rows) throws IOException {
    SmallColumns.of(BlockColumns.BEFORE_DATA, rows, this::write).writeTo(file);
  }

  private void write(RecordConsumer out, Head head) {
    BlockRow row = head.row();
    String name = row.tensor().name();
    int i = 0;
    optional(out, BlockColumns.REVISION, i++, revision);
    string(out, BlockColumns.TENSOR, i++, name);
    string(out, BlockColumns.ROLE, i++, TensorName.role(name));
    int layer = i++;
    TensorName.layer(name)
        .ifPresent(l -> field(out, BlockColumns.LAYER, layer, () -> out.addInteger(l.index())));
    string(out, BlockColumns.DTYPE, i++, row.tensor().dtype().name());
    shape(out, i++, row.tensor().shape().dims());
    number(out, BlockColumns.BLOCK, i++, row.block().index());
    number(out, BlockColumns.ROW_BEGIN, i++, row.block().rowBegin());
    number(out, BlockColumns.ROW_END, i++, row.block().rowEnd());
    number(out, BlockColumns.OFFSET, i++, row.block().offset());
    number(out, BlockColumns.COUNT, i++, row.block().count());
    string(out, BlockColumns.FILE, i++, row.file());
    number(out, BlockColumns.FILE_BEGIN, i++, row.begin());
    number(out, BlockColumns.FILE_END, i++, row.end());
    string(out, BlockColumns.ENCODING, i, head.encoding());
  }

  private static void shape(RecordConsumer out, int index, List<Long> dims) {
    field(
        out,
        BlockColumns.SHAPE,
        index,
        () -> {
          out.startGroup();
          if (!dims.isEmpty()) {
            out.startField("list", 0);
            for (long d : dims) {
              out.startGroup();
              field(out, "element", 0, () -> out.addLong(d));
              out.endGroup();
            }
            out.endField("list", 0);
          }
          out.endGroup();
        });
  }

  private static void write(RecordConsumer out, Seen seen) {
    string(out, BlockColumns.DIGEST, 0, HexFormat.of().toHexDigits(seen.digest()));
    BlockStats stats = seen.stats();
    field(
        out,
        BlockColumns.STATS,
        1,
        () -> {
          out.startGroup();
          if (stats != null) {
            statistics(out, stats);
          }
          out.endGroup();
        });
  }

  private static void statistics(RecordConsumer out, BlockStats stats) {
    long[] counts = {stats.zeros(), stats.nans(), stats.infs(), stats.denormals()};
    double[] values = {
      stats.min(), stats.max(), stats.sum(), stats.sum2(), stats.l1(), stats.linf()
    };
    for (int i = 0; i < counts.length; i++) {
      number(out, BlockColumns.STATS_COUNTS.get(i), i, counts[i]);
    }
    for (int i = 0; stats.finite() > 0 && i < values.length; i++) {
      double value = values[i];
      field(out, BlockColumns.STATS_VALUES.get(i), counts.length + i, () -> out.addDouble(value));
    }
  }

  private static void optional(RecordConsumer out, String name, int index, @Nullable String value) {
    if (value != null) {
      string(out, name, index, value);
    }
  }

  private static void string(RecordConsumer out, String name, int index, String value) {
    field(out, name, index, () -> out.addBinary(Binary.fromString(value)));
  }

  private static void number(RecordConsumer out, String name, int index, long value) {
    field(out, name, index, () -> out.addLong(value));
  }

  private static void field(RecordConsumer out, String name, int index, Runnable value) {
    out.startField(name, index);
    value.run();
    out.endField(name, index);
  }

  /**
   * Ends the file and gives it its name.
   *
   * @param plan what the file was made of, kept in its footer
   * @return the file's place in the table's layout
   */
  public TableLayout.Part end(String plan) throws IOException {
    long[] all = digests.stream().mapToLong(Long::longValue).toArray();
    String digest = HexFormat.of().toHexDigits(ContentDigest.grain(all, all.length));
    file.end(new TreeMap<>(Map.of(DIGEST_KEY, digest, PLAN_KEY, plan)));
    SortedFooter.sort(temporary);
    long bytes = Files.size(temporary);
    Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
    return new TableLayout.Part(String.valueOf(path.getFileName()), all.length, bytes, digest);
  }

  /**
   * The place in the layout of a file that another run has ended; empty if there is none, or it was
   * made of something else.
   *
   * @param plan as given to {@link #end}
   * @param rows how many it must have
   */
  public static Optional<TableLayout.Part> ended(Path path, String plan, long rows) {
    if (!Files.exists(path)) {
      return Optional.empty();
    }
    try (ByteSource source = Storage.of(path.toString()).open(path.toString());
        PartReader reader = new PartReader(source)) {
      String digest = reader.note(DIGEST_KEY);
      return digest == null || reader.count() != rows || !plan.equals(reader.note(PLAN_KEY))
          ? Optional.empty()
          : Optional.of(
              new TableLayout.Part(
                  String.valueOf(path.getFileName()), rows, source.size(), digest));
    } catch (WeightloomException e) {
      return Optional.empty(); // Whatever it is, it is written again.
    }
  }

  /** Closes, and removes a file that was not ended. */
  @Override
  public void close() throws IOException {
    if (packer != null) {
      packer.close();
    }
    file.close();
    Files.deleteIfExists(temporary);
  }
}
