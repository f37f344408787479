package io.weightloom.io.arrow;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ContentDigest;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelIdentity;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.table.BlockRow;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.stats.BlockStats;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.ipc.ArrowFileWriter;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.ipc.ArrowWriter;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * Writes the blocks of a model, or what is known of them, as an Arrow file or stream: the columns
 * of a block table, in record batches of some 16 MiB. Reads each block once and holds one batch. In
 * a file that is mapped into memory {@code data} is where the file has it: no reader need copy it.
 */
public final class ArrowExport {
  private static final long BATCH_BYTES = 16L << 20;
  private static final int BATCH_ROWS = 1024;

  /** What is written of a block. */
  public enum What {
    /** All columns. */
    BLOCKS,
    /** All but {@code data}. */
    STATS
  }

  /** How it is framed. */
  public enum Format {
    /** With a footer, for random access and memory maps. */
    FILE,
    /** For pipes. */
    STREAM
  }

  /**
   * What to write.
   *
   * @param tensors takes the names of tensors that are wanted
   * @param blockElements the target of the cut, see {@link io.weightloom.tensor.BlockCut#of}
   * @param identity what the columns {@code model} and {@code revision} say
   */
  public record Options(
      What what,
      Format format,
      Predicate<String> tensors,
      int blockElements,
      ModelIdentity identity) {}

  /** What was written. */
  public record Written(int tensors, long blocks, long bytes) {}

  private final Options options;
  private final List<TensorLocation> tensors;
  private final Map<String, ByteSource> sources = new HashMap<>();
  private byte[] buffer = new byte[0];

  private ArrowExport(ModelDir model, Options options) {
    this.options = options;
    this.tensors =
        model.tensors().values().stream()
            .filter(t -> options.tensors().test(t.spec().name()))
            .toList();
  }

  /**
   * Writes a model's blocks, tensors in the natural order of their names.
   *
   * @param name what to call the output in errors
   * @param out stays open
   * @throws WeightloomException of kind INPUT if the model cannot be read, CONFLICT if the output
   *     cannot be written
   */
  public static Written write(
      ModelDir model, Options options, String name, WritableByteChannel out) {
    ArrowExport export = new ArrowExport(model, options);
    Schema schema = BlockVectors.schema(options.what() == What.BLOCKS, metadata(export.tensors));
    try (BufferAllocator allocator = new RootAllocator();
        VectorSchemaRoot root = VectorSchemaRoot.create(schema, allocator);
        ArrowWriter writer = writer(options.format(), root, out)) {
      writer.start();
      Written written = export.write(root, writer);
      writer.end();
      return written;
    } catch (IOException e) {
      throw WeightloomException.conflict(
          "Cannot write %s: %s (see the disk and its rights, or the reader of the pipe)"
              .formatted(name, e.getMessage()));
    } finally {
      export.sources.values().forEach(ByteSource::close);
    }
  }

  private static ArrowWriter writer(Format format, VectorSchemaRoot root, WritableByteChannel out) {
    DictionaryProvider none = new DictionaryProvider.MapDictionaryProvider();
    WritableByteChannel open = new StaysOpen(out);
    return format == Format.FILE
        ? new ArrowFileWriter(root, none, open)
        : new ArrowStreamWriter(root, none, open);
  }

  /** Arrow closes what it has written to. */
  private record StaysOpen(WritableByteChannel out) implements WritableByteChannel {
    @Override
    public int write(ByteBuffer src) throws IOException {
      return out.write(src);
    }

    @Override
    public boolean isOpen() {
      return out.isOpen();
    }

    @Override
    public void close() {}
  }

  /** The dtype of the data, and its shape, where all rows agree on it. */
  private static Map<String, String> metadata(List<TensorLocation> tensors) {
    Map<String, String> metadata = new HashMap<>();
    if (tensors.stream().map(t -> t.spec().dtype()).distinct().count() == 1) {
      metadata.put("dtype", tensors.get(0).spec().dtype().name());
    }
    if (tensors.size() == 1) {
      metadata.put("shape", tensors.get(0).spec().shape().toString());
    }
    return metadata;
  }

  private Written write(VectorSchemaRoot root, ArrowWriter writer) throws IOException {
    BlockVectors vectors = new BlockVectors(root, options.identity());
    List<BlockRow> rows = new ArrayList<>();
    long blocks = 0;
    long bytes = 0;
    long inBatch = 0;
    for (TensorLocation tensor : tensors) {
      long count = BlockRow.count(tensor.spec(), options.blockElements());
      for (long i = 0; i < count; i++) {
        BlockRow.each(tensor, options.blockElements(), i, i + 1, rows::add);
        BlockRow row = rows.get(rows.size() - 1);
        inBatch += row.bytes();
        bytes += row.bytes();
        blocks++;
        if (inBatch >= BATCH_BYTES || rows.size() == BATCH_ROWS) {
          batch(vectors, rows, inBatch, writer);
          inBatch = 0;
        }
      }
    }
    if (!rows.isEmpty()) {
      batch(vectors, rows, inBatch, writer);
    }
    return new Written(tensors.size(), blocks, bytes);
  }

  private void batch(BlockVectors vectors, List<BlockRow> rows, long bytes, ArrowWriter writer)
      throws IOException {
    vectors.begin(rows.size(), bytes);
    for (BlockRow row : rows) {
      int n = row.bytes();
      if (buffer.length < n) {
        buffer = new byte[n];
      }
      sources
          .computeIfAbsent(row.file(), f -> Storage.of(f).open(f))
          .readFully(row.begin(), buffer, 0, n);
      String digest = HexFormat.of().toHexDigits(ContentDigest.chunk(buffer, 0, n));
      BlockStats stats =
          row.tensor().dtype().isComputed()
              ? BlockStats.of(row.tensor().dtype(), buffer, 0, n, KernelRegistry.get().kernels())
              : null;
      vectors.add(row, buffer, digest, stats);
    }
    vectors.end();
    writer.writeBatch();
    rows.clear();
  }
}
