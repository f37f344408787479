package io.weightloom.job;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ShardIndex;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.io.safetensors.SafetensorsLayout;
import io.weightloom.io.safetensors.StoredTensor;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.tensor.TensorSpec;
import java.io.IOException;
import java.io.Serializable;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Writes a model that Weightloom pruned in the format {@code sparse-bitmask} of compressed-tensors:
 * {@link SparseBitmask} in the place of each pruned matrix, everything else as it is. The matrices
 * are read twice, since a file's header says how many elements it holds.
 */
public final class SparseBitmaskExport {
  /** The format's name in a config. */
  public static final String FORMAT = "sparse-bitmask";

  private static final String QUANTIZATION = "quantization_config";
  private static final String TWO_OF_FOUR = "2:4";
  private static final String CONFIG = "config.json";
  private static final String CARD = "README.md";
  private static final String INDEX = "model.safetensors.index.json";

  /** Bytes of rows that a task packs at once, unless one row has more. */
  static final long CHUNK_BYTES = 16L << 20;

  private final Repacking repacking;
  private final ModelDir model;
  private final Set<String> pruned;
  private final long chunkBytes;

  private SparseBitmaskExport(
      SparkContext spark, ModelDir model, Set<String> pruned, long chunkBytes, Progress progress) {
    this.repacking = new Repacking(JavaSparkContext.fromSparkContext(spark), model, progress);
    this.model = model;
    this.pruned = pruned;
    this.chunkBytes = chunkBytes;
  }

  /**
   * Writes the model.
   *
   * @param dense the directory of the pruned model
   * @param pruned names of the tensors that were pruned; those of them that are matrices are packed
   * @return bytes of the weights files
   * @throws WeightloomException if there is nothing to pack, or the output cannot be written;
   *     nothing is left under its name then
   */
  static long run(
      SparkContext spark,
      Path dense,
      Set<String> pruned,
      Path target,
      boolean overwrite,
      long chunkBytes,
      Progress progress) {
    try {
      ModelDir model = ModelDir.open(dense.toString(), Profile.STRICT);
      return new SparseBitmaskExport(spark, model, pruned, chunkBytes, progress)
          .write(target, overwrite);
    } catch (Exception e) { // Spark's are checked, and Scala does not declare them.
      throw EmbeddedSpark.failure(spark, "write " + FORMAT, e);
    }
  }

  /** Fails if the format cannot hold what a pruning will write. */
  static void require(PreparedMerge merge, Set<String> pruned) {
    boolean any =
        merge.plan().tensors().stream()
            .map(t -> t.output())
            .anyMatch(t -> pruned.contains(t.name()) && SparseBitmask.takes(t));
    if (!any) {
      throw WeightloomException.input(
          "Cannot write %s: none of the %d pruned tensors is a matrix named *.weight (write it dense)"
              .formatted(FORMAT, pruned.size()));
    }
    if (merge.models().get(merge.plan().donor()).config().has(QUANTIZATION)) {
      throw WeightloomException.input(
          "Cannot write %s: the model's config has a %s of its own (prune the model that it was made of)"
              .formatted(FORMAT, QUANTIZATION));
    }
  }

  /** Some whole rows of a matrix. */
  private record Rows(TensorLocation of, long begin, long end) implements Serializable {
    private static final long serialVersionUID = 1;

    long bytes() {
      return (end - begin) * rowBytes(of.spec());
    }

    byte[] read() {
      byte[] data = new byte[Math.toIntExact(bytes())];
      try (ByteSource source = Storage.of(of.file()).open(of.file())) {
        source.readFully(of.begin() + begin * rowBytes(of.spec()), data, 0, data.length);
      }
      return data;
    }

    Counted count() {
      byte[] data = read();
      return new Counted(
          SparseBitmask.count(of.spec(), data), SparseBitmask.isTwoOfFour(of.spec(), data));
    }
  }

  /**
   * What rows hold.
   *
   * @param values elements that are not 0
   * @param isTwoOfFour whether they are at most two of each four
   */
  private record Counted(long values, boolean isTwoOfFour) implements Serializable {
    private static final long serialVersionUID = 1;
  }

  private static long rowBytes(TensorSpec matrix) {
    return (long) SparseBitmask.columns(matrix) * matrix.dtype().bytes();
  }

  /**
   * Rows and where they go.
   *
   * @param first how many elements that are not 0 stand in the rows before
   * @param to the file
   * @param compressed the first byte of that part
   */
  private record Packing(
      Rows rows, long first, String to, long compressed, long bitmask, long rowOffsets)
      implements Serializable {
    private static final long serialVersionUID = 1;

    void write() {
      TensorSpec matrix = rows.of().spec();
      SparseBitmask.Packed packed = SparseBitmask.pack(matrix, rows.read(), first);
      try (FileChannel out = FileChannel.open(Path.of(to), StandardOpenOption.WRITE)) {
        Repacking.put(out, compressed + first * matrix.dtype().bytes(), packed.compressed());
        Repacking.put(
            out, bitmask + rows.begin() * SparseBitmask.bitBytes(matrix), packed.bitmask());
        Repacking.put(out, rowOffsets + rows.begin() * Long.BYTES, packed.rowOffsets());
      } catch (IOException e) {
        throw OutputDir.cannotWrite(to, e);
      }
    }
  }

  /** Bytes that stay as they are. */
  private record Copy(String from, long begin, long bytes, String to, long at)
      implements Serializable {
    private static final long serialVersionUID = 1;

    void write() {
      byte[] data = new byte[Math.toIntExact(bytes)];
      try (ByteSource in = Storage.of(from).open(from);
          FileChannel out = FileChannel.open(Path.of(to), StandardOpenOption.WRITE)) {
        in.readFully(begin, data, 0, data.length);
        Repacking.put(out, at, data);
      } catch (IOException e) {
        throw OutputDir.cannotWrite(to, e);
      }
    }
  }

  private long write(Path target, boolean overwrite) {
    List<Rows> rows = rows();
    List<Counted> counted = repacking.perform("count", rows, Rows::bytes, Rows::count);
    List<Long> counts = counted.stream().map(Counted::values).toList();
    String structure =
        counted.stream().allMatch(Counted::isTwoOfFour) ? TWO_OF_FOUR : "unstructured";
    Map<String, SparseBitmask> matrices = matrices(rows, counts);
    Map<String, SafetensorsLayout> files = layouts(matrices);
    long bytes = files.values().stream().mapToLong(SafetensorsLayout::fileSize).sum();
    try (OutputDir output = OutputDir.open(target, overwrite, bytes)) {
      Map<String, TensorLocation> stored = new TreeMap<>();
      files.forEach(
          (file, layout) -> {
            output.allocate(file, layout);
            layout
                .tensors()
                .forEach(t -> stored.put(t.spec().name(), Repacking.at(output.path(file), t)));
          });
      pack(rows, counts, matrices, stored);
      copy(matrices, stored);
      writeCompanions(output, config(matrices, structure));
      output.write(Manifest.FILE, Json.pretty(manifest(files, matrices, stored)));
      if (files.size() > 1) {
        output.write(INDEX, index(files).toJson());
      }
      output.publish();
    }
    return bytes;
  }

  /** The rows of all matrices that are packed, those of one in order. */
  private List<Rows> rows() {
    List<Rows> all = new ArrayList<>();
    for (TensorLocation tensor : model.tensors().values()) {
      if (pruned.contains(tensor.spec().name()) && SparseBitmask.takes(tensor.spec())) {
        long count = tensor.spec().shape().dims().get(0);
        long step = Math.max(1, chunkBytes / rowBytes(tensor.spec()));
        for (long row = 0; row < count; row += step) {
          all.add(new Rows(tensor, row, Math.min(count, row + step)));
        }
      }
    }
    return all;
  }

  private static Map<String, SparseBitmask> matrices(List<Rows> rows, List<Long> counts) {
    Map<String, SparseBitmask> matrices = new LinkedHashMap<>();
    for (int i = 0; i < rows.size(); i++) {
      matrices.merge(
          rows.get(i).of().spec().name(),
          new SparseBitmask(rows.get(i).of().spec(), counts.get(i)),
          (a, b) -> new SparseBitmask(a.dense(), a.values() + b.values()));
    }
    return matrices;
  }

  /** The dense model's files, with the matrices packed. */
  private Map<String, SafetensorsLayout> layouts(Map<String, SparseBitmask> matrices) {
    Map<String, SafetensorsLayout> files = new LinkedHashMap<>();
    for (SafetensorsHeader shard : model.shards()) {
      List<TensorSpec> specs = new ArrayList<>();
      for (StoredTensor tensor : shard.tensors()) {
        SparseBitmask packed = matrices.get(tensor.spec().name());
        specs.addAll(packed == null ? List.of(tensor.spec()) : packed.parts());
      }
      files.put(
          Path.of(shard.path()).getFileName().toString(),
          SafetensorsLayout.of(specs, shard.metadata()));
    }
    return files;
  }

  private static TensorLocation part(Map<String, TensorLocation> stored, TensorSpec part) {
    return Objects.requireNonNull(stored.get(part.name()), part.name());
  }

  private void pack(
      List<Rows> rows,
      List<Long> counts,
      Map<String, SparseBitmask> matrices,
      Map<String, TensorLocation> stored) {
    List<Packing> packings = new ArrayList<>();
    long first = 0;
    for (int i = 0; i < rows.size(); i++) {
      SparseBitmask matrix = Objects.requireNonNull(matrices.get(rows.get(i).of().spec().name()));
      first = rows.get(i).begin() == 0 ? 0 : first;
      TensorLocation compressed = part(stored, matrix.compressed());
      packings.add(
          new Packing(
              rows.get(i),
              first,
              compressed.file(),
              compressed.begin(),
              part(stored, matrix.bitmask()).begin(),
              part(stored, matrix.rowOffsets()).begin()));
      first += counts.get(i);
    }
    repacking.perform(
        "pack",
        packings,
        p -> p.rows().bytes(),
        p -> {
          p.write();
          return true;
        });
    for (SparseBitmask matrix : matrices.values()) {
      TensorLocation shape = part(stored, matrix.shape());
      try (FileChannel out = FileChannel.open(Path.of(shape.file()), StandardOpenOption.WRITE)) {
        Repacking.put(out, shape.begin(), matrix.shapeData());
      } catch (IOException e) {
        throw OutputDir.cannotWrite(shape.file(), e);
      }
    }
  }

  private void copy(Map<String, SparseBitmask> matrices, Map<String, TensorLocation> stored) {
    List<Copy> copies = new ArrayList<>();
    for (TensorLocation tensor : model.tensors().values()) {
      if (!matrices.containsKey(tensor.spec().name())) {
        TensorLocation to = part(stored, tensor.spec());
        long size = tensor.end() - tensor.begin();
        for (long at = 0; at < size; at += CHUNK_BYTES) {
          copies.add(
              new Copy(
                  tensor.file(),
                  tensor.begin() + at,
                  Math.min(CHUNK_BYTES, size - at),
                  to.file(),
                  to.begin() + at));
        }
      }
    }
    repacking.perform(
        "copy",
        copies,
        Copy::bytes,
        c -> {
          c.write();
          return true;
        });
  }

  private ObjectNode config(Map<String, SparseBitmask> matrices, String structure) {
    long zeros = 0;
    ArrayNode modules = Json.object().arrayNode();
    for (SparseBitmask matrix : matrices.values()) {
      zeros += matrix.dense().elements() - matrix.values();
      modules.add(matrix.module());
    }
    ObjectNode config = model.config();
    config
        .putObject(QUANTIZATION)
        .put("quant_method", "compressed-tensors")
        .putObject("sparsity_config")
        .put("format", FORMAT)
        .put("global_sparsity", (double) zeros / model.parameters())
        .put("sparsity_structure", structure)
        .<ObjectNode>set("targets", modules)
        .putArray("ignore");
    return config;
  }

  /** The files beside the weights, as they are; the config says how the weights are packed. */
  private void writeCompanions(OutputDir output, ObjectNode config) {
    try (Stream<Path> files = Files.list(Path.of(model.path()))) {
      for (Path file : files.toList()) {
        String name = file.getFileName().toString();
        if (!name.endsWith(".safetensors")
            && !Set.of(INDEX, CONFIG, Manifest.FILE).contains(name)) {
          output.write(name, name.equals(CARD) ? card(file) : Files.readAllBytes(file));
        }
      }
    } catch (IOException e) {
      throw OutputDir.cannotWrite(output.path("").toString(), e);
    }
    output.write(CONFIG, Json.pretty(config));
  }

  private static byte[] card(Path dense) throws IOException {
    return (Files.readString(dense)
            + "\n## Format\n\nThe pruned matrices are stored in the format `"
            + FORMAT
            + "` of compressed-tensors. The recipe gives them dense.\n")
        .getBytes(StandardCharsets.UTF_8);
  }

  private ObjectNode manifest(
      Map<String, SafetensorsLayout> files,
      Map<String, SparseBitmask> matrices,
      Map<String, TensorLocation> stored) {
    Map<String, List<TensorLocation>> packed = new TreeMap<>();
    matrices.forEach(
        (name, m) -> packed.put(name, m.parts().stream().map(p -> part(stored, p)).toList()));
    return repacking.manifest(FORMAT, files, packed);
  }

  private static ShardIndex index(Map<String, SafetensorsLayout> files) {
    Map<String, String> byTensor = new TreeMap<>();
    long bytes = 0;
    for (Map.Entry<String, SafetensorsLayout> file : files.entrySet()) {
      for (StoredTensor tensor : file.getValue().tensors()) {
        byTensor.put(tensor.spec().name(), file.getKey());
        bytes += tensor.spec().byteSize();
      }
    }
    return new ShardIndex(byTensor, OptionalLong.of(bytes), OptionalLong.empty());
  }
}
