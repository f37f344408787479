package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.BlockTables;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.io.safetensors.SafetensorsLayout;
import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Writes a model of a block table as the directory that it was made of: its weights files byte for
 * byte, and the files beside them. Every block is held against its digest.
 */
public final class ImplodeJob {
  private static final int LIMIT = 1 << 30;
  private static final long PIECE = 64L << 20;
  private static final int BUFFER = 1 << 20;

  private final JavaSparkContext spark;
  private final ImplodeRequest request;

  private ImplodeJob(SparkContext spark, ImplodeRequest request) {
    this.spark = JavaSparkContext.fromSparkContext(spark);
    this.request = request;
  }

  /**
   * Writes the model.
   *
   * @throws WeightloomException if it cannot, of kind GATE for a block that its digest disowns;
   *     nothing is left under the output's name
   */
  public static ImplodeResult run(SparkContext spark, ImplodeRequest request) {
    try {
      return new ImplodeJob(spark, request).run();
    } catch (Exception e) { // Spark's are checked, and Scala does not declare them.
      throw EmbeddedSpark.failure(spark, "implode", e);
    }
  }

  /** A run of bytes to copy from one place to the same place of another file. */
  private record Piece(String from, String to, long begin, long end) implements Serializable {
    private static final long serialVersionUID = 1;

    long copy() {
      byte[] buffer = new byte[(int) Math.min(BUFFER, end - begin)];
      try (ByteSource in = Storage.of(from).open(from);
          FileChannel out = FileChannel.open(Path.of(to), StandardOpenOption.WRITE)) {
        for (long at = begin; at < end; ) {
          int n = (int) Math.min(buffer.length, end - at);
          in.readFully(at, buffer, 0, n);
          for (ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, n); bytes.hasRemaining(); ) {
            at += out.write(bytes, at);
          }
        }
      } catch (IOException e) {
        throw OutputDir.cannotWrite(to, e);
      }
      return end - begin;
    }
  }

  private ImplodeResult run() {
    request.requireWritable();
    ModelDir dir = request.open();
    Storage storage = Storage.of(dir.path());
    List<SafetensorsLayout> layouts = new ArrayList<>();
    List<String> names = new ArrayList<>();
    for (SafetensorsHeader shard : dir.shards()) {
      names.add(BlockTables.lastName(shard.path()));
      layouts.add(layout(shard));
    }
    long bytes = layouts.stream().mapToLong(SafetensorsLayout::fileSize).sum();
    try (OutputDir output = OutputDir.open(request.output(), request.overwrite(), bytes)) {
      List<Piece> pieces = new ArrayList<>();
      for (int i = 0; i < names.size(); i++) {
        output.allocate(names.get(i), layouts.get(i));
        String to = output.path(names.get(i)).toString();
        long end = layouts.get(i).fileSize();
        for (long at = layouts.get(i).header().length; at < end; at += PIECE) {
          pieces.add(new Piece(dir.shards().get(i).path(), to, at, Math.min(end, at + PIECE)));
        }
      }
      copy(pieces);
      for (String name : storage.list(dir.path())) {
        if (!names.contains(name)) {
          output.write(name, storage.readAll(storage.resolve(dir.path(), name), LIMIT));
        }
      }
      output.publish();
    }
    return new ImplodeResult(
        request.output().toString(),
        dir.tensors().size(),
        dir.tensors().values().stream().mapToLong(t -> t.end() - t.begin()).sum(),
        names,
        dir.warnings());
  }

  /** The file's own header, which another writer may have laid out otherwise than we would. */
  private static SafetensorsLayout layout(SafetensorsHeader shard) {
    try (ByteSource source = Storage.of(shard.path()).open(shard.path())) {
      byte[] header = new byte[Math.toIntExact(shard.dataStart())];
      source.readFully(0, header, 0, header.length);
      return new SafetensorsLayout(header, shard.tensors(), source.size());
    }
  }

  private void copy(List<Piece> pieces) {
    new Phase(spark, "implode " + request.table(), "implode", request.progress())
        .run(pieces, p -> p.end() - p.begin(), rdd -> rdd.map(Piece::copy));
  }
}
