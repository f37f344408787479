package io.weightloom.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ContentDigest;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsLayout;
import io.weightloom.io.safetensors.StoredTensor;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.tensor.TensorSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;

/**
 * What it takes to store a dense model that was just written in another form: tasks over its
 * pieces, digests, and the manifest.
 */
record Repacking(JavaSparkContext spark, ModelDir dense, Progress progress) {

  /** What is done to a dense model. */
  @FunctionalInterface
  interface Work<R> {
    R with(Repacking repacking) throws IOException;
  }

  /**
   * Stores a dense model in another form.
   *
   * @param dense its directory
   * @param format the form's name, for errors
   */
  static <R> R run(SparkContext spark, Path dense, String format, Progress progress, Work<R> work) {
    ModelDir dir = ModelDir.open(dense.toString(), Profile.STRICT);
    try {
      return work.with(new Repacking(JavaSparkContext.fromSparkContext(spark), dir, progress));
    } catch (Exception e) { // Spark's are checked, and Scala does not declare them.
      throw EmbeddedSpark.failure(spark, "write " + format, e);
    }
  }

  /** Does a task for each piece of work; the results are in their order. */
  <T, R> List<R> perform(
      String phase, List<T> work, ToLongFunction<T> bytes, Function<T, R> action) {
    return new Phase(spark, phase + " of " + dense.path(), phase, progress)
        .run(work, bytes, rdd -> rdd.map(action));
  }

  /** Where a tensor lies in a file that was laid out. */
  static TensorLocation at(Path file, StoredTensor tensor) {
    return new TensorLocation(tensor.spec(), file.toString(), tensor.begin(), tensor.end());
  }

  /** Writes bytes at a place of a file. */
  static void put(FileChannel out, long at, byte[] data) throws IOException {
    for (ByteBuffer bytes = ByteBuffer.wrap(data); bytes.hasRemaining(); ) {
      out.write(bytes, at + bytes.position());
    }
  }

  private Map<String, String> digests(List<TensorLocation> tensors) {
    List<String> found = perform("digest", tensors, t -> t.end() - t.begin(), Repacking::digest);
    Map<String, String> digests = new TreeMap<>();
    for (int i = 0; i < found.size(); i++) {
      digests.put(tensors.get(i).spec().name(), found.get(i));
    }
    return digests;
  }

  private static String digest(TensorLocation tensor) {
    ContentDigest.Accumulator digest = Worker.digest(tensor.spec());
    byte[] block = new byte[1 << 20];
    try (ByteSource source = Storage.of(tensor.file()).open(tensor.file())) {
      for (long at = tensor.begin(); at < tensor.end(); at += block.length) {
        int n = (int) Math.min(block.length, tensor.end() - at);
        source.readFully(at, block, 0, n);
        digest.update(block, 0, n);
      }
    }
    return ContentDigest.tensor(digest.grains());
  }

  /**
   * The dense model's manifest with the tensors that are stored now; what was decided for the
   * packed ones, and their digests when they were dense, stands under {@code packed}.
   *
   * @param format the form's name
   * @param files the layouts by file name
   * @param packed by dense tensor what stands in its place
   */
  ObjectNode manifest(
      String format,
      Map<String, SafetensorsLayout> files,
      Map<String, List<TensorLocation>> packed) {
    ObjectNode manifest = denseManifest();
    manifest.put("format", format);
    manifest.set("dense_content", manifest.get("content"));
    JsonNode wasDense = manifest.get("tensors");
    ObjectNode tensors = manifest.putObject("tensors");
    ObjectNode decided = manifest.putObject("packed");
    Map<String, TensorSpec> stored =
        files.values().stream()
            .flatMap(f -> f.tensors().stream())
            .collect(Collectors.toMap(t -> t.spec().name(), StoredTensor::spec));
    Map<String, String> digests = digests(packed.values().stream().flatMap(List::stream).toList());
    wasDense
        .properties()
        .forEach(
            e -> {
              List<TensorLocation> parts = packed.get(e.getKey());
              if (parts != null) {
                decided.set(e.getKey(), e.getValue());
                parts.forEach(
                    p ->
                        tensors
                            .putObject(p.spec().name())
                            .put("dtype", p.spec().dtype().name())
                            .put("digest", digests.get(p.spec().name()))
                            .set("shape", Json.tree(p.spec().shape().dims())));
              } else if (stored.containsKey(e.getKey())) {
                tensors.set(e.getKey(), e.getValue());
                digests.put(e.getKey(), e.getValue().path("digest").asText());
              }
            });
    ArrayNode sizes = manifest.putArray("files");
    files.forEach(
        (file, layout) -> sizes.addObject().put("name", file).put("bytes", layout.fileSize()));
    manifest.put("content", Manifest.contentOf(digests));
    return manifest;
  }

  private ObjectNode denseManifest() {
    Path file = Path.of(dense.path()).resolve(Manifest.FILE);
    try {
      return (ObjectNode) new ObjectMapper().readTree(Files.readAllBytes(file));
    } catch (IOException e) {
      throw WeightloomException.input(
          "Cannot read %s: %s (begin again)".formatted(file, e.getMessage()));
    }
  }
}
