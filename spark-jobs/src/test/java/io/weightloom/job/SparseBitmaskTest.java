package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.error.WeightloomException;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.job.SavedModel.Stored;
import io.weightloom.merge.Numerics;
import io.weightloom.plan.MergePlanner;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The format sparse-bitmask against compressed-tensors: see dev/golden/sparse_bitmask.py. */
@NullUnmarked
class SparseBitmaskTest {
  private static final String TAIL = "model.layers.0.tail.weight";
  private static final MergePlanner.Options OPTIONS =
      new MergePlanner.Options(Numerics.ACCURATE, 0, MergePlanner.Options.SHARD_BYTES);

  @TempDir Path dir;

  /** The script's matrix. */
  private static void add(
      TinyCheckpoint to, String name, String dtype, int rows, int columns, int step) {
    double[] values = new double[rows * columns];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        int k = 5 * i + 3 * j + i * j;
        values[i * columns + j] = k % step == 0 ? (k % 17 - 8.5) / 4 : 0;
      }
    }
    values[values.length - 1] = -0.0;
    to.add(name, dtype, new long[] {rows, columns}, values);
  }

  private static Map<String, byte[]> golden() throws IOException {
    Map<String, byte[]> golden = new TreeMap<>();
    try (InputStream in =
        Objects.requireNonNull(
            SparseBitmaskTest.class.getResourceAsStream("/golden/sparse_bitmask.txt"))) {
      new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(l -> !l.startsWith("#"))
          .map(l -> l.split(" ", -1))
          .forEach(w -> golden.put(w[0], HexFormat.of().parseHex(w[3])));
    }
    return golden;
  }

  private MergeRequest request(String model, Path out, String extra) {
    RecipeYaml yaml =
        RecipeYaml.parse(
            "recipe.yml",
            "merge_method: magnitude_pruning\nmodels: [{model: %s}]\n%s\n"
                .formatted(dir.resolve(model), extra));
    return new MergeRequest(yaml, out, OPTIONS, false, 1 << 16, Progress.NONE);
  }

  private Path pruned(String model, String name, String extra) {
    MergeRequest request = request(model, dir.resolve(name), extra);
    MergeJob.run(LocalSpark.get(), request, PreparedMerge.of(request.recipe().recipe(), OPTIONS));
    return dir.resolve(name);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 100, SparseBitmaskExport.CHUNK_BYTES})
  void everyPartIsWhatCompressedTensorsWrites(long chunkBytes) throws IOException {
    TinyCheckpoint weights = new TinyCheckpoint().metadata("format", "pt");
    add(weights, "bf16.weight", "BF16", 9, 21, 2);
    add(weights, "f16.weight", "F16", 4, 8, 3);
    add(weights, "f32.weight", "F32", 5, 16, 4);
    weights.add("norm.weight", "F32", new long[] {3}, 1, 0, 2);
    weights.writeModel(dir.resolve("model"), "{}");
    Path dense =
        pruned("model", "dense", "parameters: {sparsity: 0}\nweightloom: {targets: matrices}");

    SparseBitmaskExport.run(
        LocalSpark.get(),
        dense,
        Set.of("bf16.weight", "f16.weight", "f32.weight"),
        dir.resolve("sparse"),
        false,
        chunkBytes,
        Progress.NONE);

    Map<String, Stored> stored = SavedModel.read(dir.resolve("sparse"));
    Map<String, byte[]> golden = golden();
    assertThat(golden).hasSize(12);
    golden.forEach((name, bytes) -> assertThat(stored.get(name).data()).as(name).isEqualTo(bytes));
    assertThat(stored).hasSize(13);
    assertThat(stored.get("norm.weight").data())
        .isEqualTo(SavedModel.read(dense).get("norm.weight").data());
    assertThat(stored.get("bf16.bitmask").shape()).containsExactly(9L, 3L);
    assertThat(VerifyJob.run(dir.resolve("sparse").toString()).problems()).isEmpty();
  }

  /** What a reader of the format makes of it. */
  private static double[] decoded(Map<String, Stored> parts, String module) {
    double[] shape = longs(parts.get(module + ".shape"));
    int columns = (int) shape[1];
    byte[] bits = parts.get(module + ".bitmask").data();
    double[] values = parts.get(module + ".compressed").values();
    double[] offsets = longs(parts.get(module + ".row_offsets"));
    double[] dense = new double[((int) shape[0]) * columns];
    for (int r = 0; r < offsets.length; r++) {
      int next = (int) offsets[r];
      for (int c = 0; c < columns; c++) {
        if ((bits[r * ((columns + 7) / 8) + c / 8] >> c % 8 & 1) != 0) {
          dense[r * columns + c] = values[next++];
        }
      }
    }
    return dense;
  }

  private static double[] longs(Stored stored) {
    java.nio.LongBuffer longs =
        java.nio.ByteBuffer.wrap(stored.data())
            .order(java.nio.ByteOrder.LITTLE_ENDIAN)
            .asLongBuffer();
    double[] values = new double[longs.remaining()];
    java.util.Arrays.setAll(values, longs::get);
    return values;
  }

  private PruneJob.Written write(String extra, long shardBytes) {
    MergeRequest request = request("b", dir.resolve("sparse"), extra);
    MergeRequest sharded =
        new MergeRequest(
            request.recipe(),
            request.output(),
            new MergePlanner.Options(Numerics.ACCURATE, 0, shardBytes),
            false,
            1 << 16,
            Progress.NONE);
    return PruneJob.of(
            sharded, PruneJob.Format.SPARSE_BITMASK, null, PruneJob.MaskFormat.SAFETENSORS)
        .run(LocalSpark.get());
  }

  @ParameterizedTest
  @ValueSource(longs = {700, MergePlanner.Options.SHARD_BYTES})
  void aPrunedModelIsTheSameWhenItIsUnpacked(long shardBytes) throws IOException {
    Family.weights("b", "F32").writeModel(dir.resolve("b"), Family.CONFIG);
    String half = "parameters: {sparsity: 0.5}";

    PruneJob.Written written = write(half, shardBytes);

    Map<String, Stored> dense = SavedModel.read(pruned("b", "dense", half));
    Map<String, Stored> sparse = SavedModel.read(dir.resolve("sparse"));
    for (int layer = 0; layer < 2; layer++) {
      String name = Family.UP.formatted(layer);
      assertThat(decoded(sparse, name.replace(".weight", "")))
          .containsExactly(dense.get(name).values());
      assertThat(sparse).doesNotContainKey(name);
    }
    assertThat(sparse.get(Family.EMBEDDING).data()).isEqualTo(dense.get(Family.EMBEDDING).data());
    assertThat(sparse.get(Family.COUNTER).data()).isEqualTo(dense.get(Family.COUNTER).data());
    assertThat(sparse).hasSize(dense.size() + 2 * 3);
    assertThat(written.counts()).isEqualTo(new PrunedCounts(2, 126, 62));
    assertThat(written.bytes()).isEqualTo(weightsBytes(dir.resolve("sparse")));
    assertThat(VerifyJob.run(dir.resolve("sparse").toString()).problems()).isEmpty();
    assertThat(dir.toFile().list()).containsExactlyInAnyOrder("b", "dense", "sparse");
  }

  private static long weightsBytes(Path model) throws IOException {
    try (var files = Files.list(model)) {
      return files
          .filter(f -> f.toString().endsWith(".safetensors"))
          .mapToLong(f -> f.toFile().length())
          .sum();
    }
  }

  @Test
  void theConfigNamesTheLayersAndTheManifestWhatWasDecided() throws IOException {
    Family.weights("b", "F32").writeModel(dir.resolve("b"), Family.CONFIG);
    write("parameters: {sparsity: 0.5}", MergePlanner.Options.SHARD_BYTES);

    JsonNode config = json("config.json");
    JsonNode sparsity = config.path("quantization_config").path("sparsity_config");
    assertThat(config.path("quantization_config").path("quant_method").asText())
        .isEqualTo("compressed-tensors");
    assertThat(config.path("num_hidden_layers").asInt()).isEqualTo(2);
    assertThat(sparsity.path("format").asText()).isEqualTo("sparse-bitmask");
    assertThat(sparsity.path("sparsity_structure").asText()).isEqualTo("unstructured");
    assertThat(sparsity.path("targets").toString())
        .isEqualTo("[\"model.layers.0.mlp.up_proj\",\"model.layers.1.mlp.up_proj\"]");
    // 62 of 16·6 + 2·(63 + 7) + 3 + 6 + 16·6.
    assertThat(sparsity.path("global_sparsity").asDouble()).isEqualTo(62 / 341.0);
    JsonNode packed = json(Manifest.FILE).path("packed").path(Family.UP.formatted(0));
    assertThat(packed.path("kept").path(0).asInt()).isEqualTo(32);
    assertThat(json(Manifest.FILE).path("format").asText()).isEqualTo("sparse-bitmask");
    assertThat(Files.readString(dir.resolve("sparse/README.md")))
        .contains("# sparse\n", "`sparse-bitmask`");
  }

  private JsonNode json(String file) throws IOException {
    return new ObjectMapper().readTree(Files.readAllBytes(dir.resolve("sparse").resolve(file)));
  }

  @Test
  void twoOfFourIsSeenInTheWeights() throws IOException {
    new TinyCheckpoint()
        .add(
            "model.layers.0.w.weight",
            "F32",
            new long[] {2, 8},
            1,
            2,
            0,
            0,
            0,
            3,
            4,
            0,
            0,
            0,
            0,
            5,
            6,
            0,
            7,
            0)
        .writeModel(dir.resolve("b"), Family.CONFIG);

    write("parameters: {sparsity: 0}", MergePlanner.Options.SHARD_BYTES);

    assertThat(
            json("config.json")
                .at("/quantization_config/sparsity_config/sparsity_structure")
                .asText())
        .isEqualTo("2:4");
  }

  @Test
  void whatTheFormatCannotHoldIsSaidBeforeAnythingIsRead() {
    new TinyCheckpoint()
        .add(TAIL.replace(".weight", ".kernel"), "F32", new long[] {2, 2}, 1, 2, 3, 4)
        .writeModel(dir.resolve("b"), Family.CONFIG);
    assertThatThrownBy(() -> write("parameters: {sparsity: 0.5}", 1 << 20))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("none of the 1 pruned tensors is a matrix named *.weight");

    new TinyCheckpoint()
        .add(TAIL, "F32", new long[] {2, 2}, 1, 2, 3, 4)
        .writeModel(dir.resolve("b"), "{\"quantization_config\": {}}");
    assertThatThrownBy(() -> write("parameters: {sparsity: 0.5}", 1 << 20))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("has a quantization_config of its own");
    assertThat(dir.toFile().list()).containsExactly("b");
  }
}
