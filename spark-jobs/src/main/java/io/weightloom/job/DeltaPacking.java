package io.weightloom.job;

import io.weightloom.io.ByteSource;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.delta.PackedDelta;
import io.weightloom.io.delta.PackedDelta.Lengths;
import io.weightloom.io.delta.PackedDelta.Packed;
import io.weightloom.io.safetensors.SafetensorsLayout;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.job.MergeResult.TensorResult;
import io.weightloom.plan.PlannedTensor.Tied;
import io.weightloom.tensor.TensorSpec;
import java.io.IOException;
import java.io.Serializable;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.spark.SparkContext;

/**
 * Packs a task vector of few values, as {@code fedzip} writes it, into {@link PackedDelta}. Each
 * chunk is packed twice, since a file's header says how long its tensors are. Tensors that are not
 * computed on are left out.
 */
final class DeltaPacking {
  /** The form's name in a manifest. */
  static final String FORMAT = "fedzip";

  private static final String WEIGHTS = "model.safetensors";

  /**
   * What a tensor became.
   *
   * @param kept elements that are not 0
   * @param centroids values of them
   * @param bytes that it takes
   * @param bound the bits that no code of single places and single values goes below: the entropy
   *     of whether an element is kept, and of which value it has
   */
  record Row(String tensor, long parameters, long kept, int centroids, long bytes, double bound) {}

  /** Some of a tensor. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Chunk(TensorLocation of, long first, int bytes, float[] centroids)
      implements Serializable {
    private static final long serialVersionUID = 1;

    Packed pack() {
      byte[] data = new byte[bytes];
      try (ByteSource source = Storage.of(of.file()).open(of.file())) {
        source.readFully(of.begin() + first, data, 0, bytes);
      }
      return PackedDelta.pack(of.spec().name(), data, centroids);
    }

    Counted count() {
      Packed packed = pack();
      return new Counted(packed.lengths(), packed.uses());
    }
  }

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Counted(Lengths lengths, long[] uses) implements Serializable {
    private static final long serialVersionUID = 1;
  }

  /** A chunk and where it goes. */
  private record Placed(Chunk chunk, String to, long gapsAt, long codesAt) implements Serializable {
    private static final long serialVersionUID = 1;

    boolean write() {
      Packed packed = chunk.pack();
      try (FileChannel out = FileChannel.open(Path.of(to), StandardOpenOption.WRITE)) {
        Repacking.put(out, gapsAt, packed.gaps());
        Repacking.put(out, codesAt, packed.codes());
        return true;
      } catch (IOException e) {
        throw OutputDir.cannotWrite(to, e);
      }
    }
  }

  /** A tensor with its chunks. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Tensor(TensorLocation of, float[] centroids, List<Chunk> chunks) {}

  private final Repacking repacking;
  private final List<Tensor> tensors = new ArrayList<>();

  private DeltaPacking(Repacking repacking, MergeResult vector) {
    this.repacking = repacking;
    Map<String, float[]> books = books(vector);
    for (TensorLocation tensor : repacking.dense().tensors().values()) {
      float[] centroids = books.get(tensor.spec().name());
      if (centroids != null && tensor.spec().elements() > 0) {
        tensors.add(new Tensor(tensor, centroids, chunks(tensor, centroids)));
      }
    }
  }

  /**
   * Packs a vector.
   *
   * @param dense its directory
   * @param vector how it was made: the centroids are among its decisions
   * @param name of a directory in the output
   * @return a row for each tensor
   */
  static List<Row> run(
      SparkContext spark,
      Path dense,
      MergeResult vector,
      OutputDir output,
      String name,
      Progress progress) {
    return Repacking.run(
        spark, dense, FORMAT, progress, r -> new DeltaPacking(r, vector).write(output, name));
  }

  /** The centroids of the tensors that were merged, or are one with such. */
  private static Map<String, float[]> books(MergeResult vector) {
    Map<String, float[]> books = new HashMap<>();
    for (TensorResult t : vector.tensors()) {
      TensorResult merged = t.planned() instanceof Tied tied ? vector.tensors().get(tied.to()) : t;
      if (merged.decisions().get("centroids") instanceof List<?> values) {
        float[] centroids = new float[values.size()];
        for (int i = 0; i < centroids.length; i++) {
          centroids[i] = ((Number) values.get(i)).floatValue();
        }
        books.put(t.planned().output().name(), centroids);
      }
    }
    return books;
  }

  private static List<Chunk> chunks(TensorLocation tensor, float[] centroids) {
    long size = tensor.end() - tensor.begin();
    long step = (long) PackedDelta.CHUNK * Float.BYTES;
    List<Chunk> chunks = new ArrayList<>();
    for (long at = 0; at < size; at += step) {
      chunks.add(new Chunk(tensor, at, (int) Math.min(step, size - at), centroids));
    }
    return chunks;
  }

  private List<Row> write(OutputDir output, String name) throws IOException {
    List<Chunk> chunks = tensors.stream().flatMap(t -> t.chunks().stream()).toList();
    List<Counted> counted = repacking.perform("count", chunks, Chunk::bytes, Chunk::count);
    List<PackedDelta> packed = new ArrayList<>();
    List<Row> rows = new ArrayList<>();
    int next = 0;
    for (Tensor tensor : tensors) {
      List<Counted> of = counted.subList(next, next + tensor.chunks().size());
      next += of.size();
      packed.add(
          new PackedDelta(
              tensor.of().spec(),
              tensor.centroids().length,
              of.stream().map(Counted::lengths).toList()));
      rows.add(row(packed.get(packed.size() - 1), of));
    }
    String file = name + "/" + WEIGHTS;
    Files.createDirectories(output.path(name));
    SafetensorsLayout layout = layout(packed);
    output.allocate(file, layout);
    Map<String, TensorLocation> stored =
        layout.tensors().stream()
            .collect(
                Collectors.toMap(t -> t.spec().name(), t -> Repacking.at(output.path(file), t)));
    place(output.path(file), packed, stored);
    Map<String, List<TensorLocation>> parts = new TreeMap<>();
    packed.forEach(
        p -> parts.put(p.dense().name(), p.entries().stream().map(e -> part(stored, e)).toList()));
    output.write(
        name + "/" + Manifest.FILE,
        Json.pretty(repacking.manifest(FORMAT, Map.of(WEIGHTS, layout), parts)));
    return rows;
  }

  private static SafetensorsLayout layout(List<PackedDelta> packed) {
    Map<String, Object> shapes = new TreeMap<>();
    packed.forEach(p -> shapes.put(p.dense().name(), p.dense().shape().dims()));
    Map<String, String> metadata = new TreeMap<>(PreparedMerge.METADATA);
    metadata.put(PackedDelta.SHAPES, Json.line(Json.tree(shapes)));
    return SafetensorsLayout.of(
        packed.stream().flatMap(p -> p.entries().stream()).toList(), metadata);
  }

  private static TensorLocation part(Map<String, TensorLocation> stored, TensorSpec entry) {
    return Objects.requireNonNull(stored.get(entry.name()), entry.name());
  }

  private void place(Path file, List<PackedDelta> packed, Map<String, TensorLocation> stored)
      throws IOException {
    List<Placed> placed = new ArrayList<>();
    try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (int i = 0; i < packed.size(); i++) {
        PackedDelta delta = packed.get(i);
        Repacking.put(out, part(stored, delta.chunksEntry()).begin(), delta.chunksData());
        Repacking.put(
            out,
            part(stored, delta.centroidsEntry()).begin(),
            PackedDelta.centroidsData(tensors.get(i).centroids()));
        long gapsAt = part(stored, delta.gapsEntry()).begin();
        long codesAt = part(stored, delta.codesEntry()).begin();
        for (int c = 0; c < delta.chunks().size(); c++) {
          Chunk chunk = tensors.get(i).chunks().get(c);
          placed.add(new Placed(chunk, file.toString(), gapsAt, codesAt));
          gapsAt += delta.chunks().get(c).gaps();
          codesAt += delta.chunks().get(c).codes();
        }
      }
    }
    repacking.perform("pack", placed, p -> p.chunk().bytes(), Placed::write);
  }

  private static Row row(PackedDelta packed, List<Counted> chunks) {
    long[] uses = new long[packed.centroids()];
    for (Counted chunk : chunks) {
      Arrays.setAll(uses, c -> uses[c] + chunk.uses()[c]);
    }
    long parameters = packed.dense().elements();
    long kept = Arrays.stream(uses).sum();
    double bound = bits(kept, parameters) + bits(parameters - kept, parameters);
    for (long use : uses) {
      bound += bits(use, kept);
    }
    return new Row(
        packed.dense().name(),
        parameters,
        kept,
        packed.centroids(),
        packed.entries().stream().mapToLong(TensorSpec::byteSize).sum(),
        bound);
  }

  /** What so many of all have of the entropy, in bits. */
  private static double bits(long count, long all) {
    return count == 0 ? 0 : -count * (Math.log((double) count / all) / Math.log(2));
  }

  /** The rows of all models as a table. */
  static String table(Map<String, List<Row>> byModel) {
    StringBuilder csv = new StringBuilder();
    csv.append(
        Csv.line(
            List.of(
                "model", "tensor", "parameters", "kept", "centroids", "bytes", "entropy_bytes")));
    byModel.forEach(
        (model, rows) ->
            rows.forEach(
                r ->
                    csv.append(
                        Csv.line(
                            List.of(
                                model,
                                r.tensor(),
                                r.parameters(),
                                r.kept(),
                                r.centroids(),
                                r.bytes(),
                                Math.round(Math.ceil(r.bound() / Byte.SIZE)))))));
    return csv.toString();
  }
}
