package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.job.SavedModel.Stored;
import io.weightloom.merge.Numerics;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;

/** What lies in an output directory. */
@NullUnmarked
class MergedModelTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String UP = Family.UP.formatted(0);

  @TempDir Path dir;
  private Path zoo;
  private Path out;

  @BeforeEach
  void writeModels() {
    zoo = Family.write(dir.resolve("zoo"), "F32");
    out = dir.resolve("out");
  }

  private String ties() {
    return Family.recipe(zoo, "ties", "parameters: {density: 0.4}\ndtype: bfloat16");
  }

  private JsonNode json(String file) throws IOException {
    return JSON.readTree(Files.readAllBytes(out.resolve(file)));
  }

  private static List<String> names(Path dir) throws IOException {
    try (Stream<Path> entries = Files.list(dir)) {
      return entries.map(p -> p.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void filesOfTheBaseAreCarriedOverButNoCode() throws IOException {
    Merging.of(ties()).into(out);

    assertThat(names(out))
        .containsExactly(
            "README.md",
            "config.json",
            "generation_config.json",
            "mergekit_config.yml",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json",
            Manifest.FILE);
    assertThat(out.resolve("tokenizer.json")).hasContent("{\"model\": \"base's\"}");
    assertThat(out.resolve("generation_config.json")).hasContent("{\"max_length\": 7}");
    assertThat(out.resolve("mergekit_config.yml")).hasContent(ties());
    assertThat(names(dir)).containsExactly("out", "zoo");
  }

  @Test
  void weightsAreInTheDtypeAskedForAndTheConfigSaysSo() throws IOException {
    Merging.of(ties()).into(out);

    Map<String, Stored> model = SavedModel.read(out);
    assertThat(model.keySet()).isEqualTo(SavedModel.read(zoo.resolve("base")).keySet());
    assertThat(model.get(UP).dtype()).isEqualTo("BF16");
    assertThat(model.get(UP).shape()).containsExactly(9L, 7L);
    assertThat(json("config.json").get("torch_dtype").asText()).isEqualTo("bfloat16");
    assertThat(json("config.json").get("num_hidden_layers").asInt()).isEqualTo(2);
    byte[] file = Files.readAllBytes(out.resolve("model.safetensors"));
    JsonNode header = JSON.readTree(file, 8, headerLength(file));
    assertThat(header.get("__metadata__").get("format").asText()).isEqualTo("pt");
  }

  private static int headerLength(byte[] file) {
    return (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
  }

  @Test
  void aLinearMergeIsTheAverage() {
    Merging.of(Family.recipe(zoo, "linear", "")).into(out);

    double[] a = SavedModel.read(zoo.resolve("a")).get(UP).values();
    double[] b = SavedModel.read(zoo.resolve("b")).get(UP).values();
    double[] merged = SavedModel.read(out).get(UP).values();
    for (int i = 0; i < a.length; i++) {
      double mean = (0.6 * a[i] + 0.5 * b[i]) / 1.1;
      assertThat(merged[i]).isCloseTo(mean, within((double) Math.ulp((float) mean)));
    }
  }

  @Test
  void whatIsNotComputedOnIsCopiedFromTheBase() throws IOException {
    Merging.of(ties()).into(out);

    Stored counter = SavedModel.read(out).get(Family.COUNTER);
    assertThat(counter.dtype()).isEqualTo("I64");
    assertThat(counter.data())
        .isEqualTo(SavedModel.read(zoo.resolve("base")).get(Family.COUNTER).data());
    assertThat(json(Manifest.FILE).get("tensors").get(Family.COUNTER).get("skipped").asText())
        .isEqualTo("I64 is not computed on, taken from " + zoo.resolve("base"));
  }

  @Test
  void tensorsWithoutElementsAndScalarsAreMerged() throws IOException {
    for (String model : List.of("base", "a", "b")) {
      Family.weights(model, "F32")
          .add("model.layers.0.empty", "F32", new long[] {0, 4})
          .add("model.layers.0.scale", "F32", new long[] {}, model.length())
          .add("model.layers.1.none", "I64", new long[] {0})
          .writeModel(zoo.resolve(model), Family.CONFIG);
    }
    Merging.of(ties()).into(out);

    Map<String, Stored> model = SavedModel.read(out);
    assertThat(model.get("model.layers.0.empty").shape()).containsExactly(0L, 4L);
    assertThat(model.get("model.layers.0.scale").shape()).isEmpty();
    assertThat(model.get("model.layers.0.scale").values()).hasSize(1);
    assertThat(model.get("model.layers.1.none").data()).isEmpty();
    assertThat(VerifyJob.run(out.toString()).problems()).isEmpty();
  }

  @Test
  void theCardHasFrontMatterThatTheHubReads() throws IOException {
    Merging.of(ties()).into(out);

    String card = Files.readString(out.resolve("README.md"));
    String[] parts = card.split("(?m)^---$");
    Map<String, Object> matter = new Yaml().load(parts[1]);
    assertThat(parts[0]).isEmpty();
    assertThat(matter)
        .containsEntry("library_name", "transformers")
        .containsEntry("base_model_relation", "merge")
        .containsEntry("tags", List.of("mergekit", "merge", "weightloom"))
        .containsEntry(
            "base_model", Stream.of("base", "a", "b").map(m -> zoo.resolve(m) + "").toList());
    assertThat(parts[2]).contains("# out", "`ties`", "```yaml\n" + ties() + "```");
  }

  @Test
  void theManifestRecordsInputsDecisionsAndOutputs() throws Exception {
    Merging.of(ties()).seed(77).into(out);

    JsonNode manifest = json(Manifest.FILE);
    assertThat(manifest.get("method").asText()).isEqualTo("ties");
    assertThat(manifest.get("numerics").asText()).isEqualTo("accurate");
    assertThat(manifest.get("seed").asLong()).isEqualTo(77);
    assertThat(manifest.get("inputs")).hasSize(3);
    for (int i = 0; i < 3; i++) {
      Path model = zoo.resolve(List.of("base", "a", "b").get(i));
      JsonNode input = manifest.get("inputs").get(i);
      assertThat(input.get("model").asText()).isEqualTo(model.toString());
      assertThat(input.get("header_sha256").get("model.safetensors").asText())
          .isEqualTo(headerSha256(model.resolve("model.safetensors")));
      assertThat(input.get("tensors_read").asInt()).isEqualTo(i == 0 ? 8 : 7);
      assertThat(input.get("content").asText()).matches("[0-9a-f]{32}");
    }
    // The base's counter was read, and nothing else differs from what verify computes.
    assertThat(manifest.get("inputs").get(0).get("content").asText())
        .isEqualTo(VerifyJob.run(zoo.resolve("base").toString()).content());
    assertThat(manifest.get("content").asText()).isEqualTo(VerifyJob.run(out.toString()).content());
    assertTensor(manifest.get("tensors").get(UP));
  }

  private void assertTensor(JsonNode tensor) {
    assertThat(tensor.get("dtype").asText()).isEqualTo("BF16");
    assertThat(tensor.get("shape").toString()).isEqualTo("[9,7]");
    assertThat(tensor.get("digest").asText()).matches("[0-9a-f]{32}");
    assertThat(tensor.get("parameters").get("density").toString()).isEqualTo("[0.4,0.4]");
    for (int k = 0; k < 2; k++) {
      double[] delta = taskVector(List.of("a", "b").get(k));
      // floor(0.4 · 63) are kept: the 25 largest.
      assertThat(tensor.get("thresholds").get(k).asDouble()).isEqualTo(delta[63 - 25]);
      assertThat(tensor.get("kept").get(k).asInt()).isEqualTo(25);
      assertThat(tensor.get("realised_density").get(k).asDouble()).isEqualTo(25 / 63.0);
    }
  }

  /** What is read ahead of its turn, here whole rows, must not be digested twice. */
  @Test
  void inputsOfAMethodThatLooksAtRowsHaveTheSameDigests() throws Exception {
    Merging.of(ties()).into(out);
    JsonNode inputs = json(Manifest.FILE).get("inputs");
    String rows = "parameters: {density: 0.4}\nweightloom: {over: row}\ndtype: bfloat16";

    Path other = out.resolveSibling("rows");
    Merging.of(Family.recipe(zoo, "breadcrumbs", rows)).into(other);

    assertThat(JSON.readTree(Files.readAllBytes(other.resolve(Manifest.FILE))).get("inputs"))
        .isEqualTo(inputs);
  }

  @Test
  void theManifestTellsHowManyModelsUseAParameter() throws Exception {
    Merging.of(Family.recipe(zoo, "consensus", "dtype: bfloat16")).into(out);

    JsonNode usedBy = json(Manifest.FILE).get("tensors").get(UP).get("used_by");
    assertThat(usedBy).hasSize(3);
    assertThat(usedBy.get(0).asInt() + usedBy.get(1).asInt() + usedBy.get(2).asInt()).isEqualTo(63);
  }

  /** Sorted magnitudes of a model's task vector. */
  private double[] taskVector(String model) {
    double[] base = SavedModel.read(zoo.resolve("base")).get(UP).values();
    double[] own = SavedModel.read(zoo.resolve(model)).get(UP).values();
    double[] magnitudes = new double[own.length];
    for (int i = 0; i < own.length; i++) {
      magnitudes[i] = Math.abs((float) own[i] - (float) base[i]);
    }
    Arrays.sort(magnitudes);
    return magnitudes;
  }

  private static String headerSha256(Path file) throws Exception {
    byte[] bytes = Files.readAllBytes(file);
    MessageDigest sha = MessageDigest.getInstance("SHA-256");
    sha.update(bytes, 0, 8 + headerLength(bytes));
    return HexFormat.of().formatHex(sha.digest());
  }

  @Test
  void anIndexSaysWhichShardHoldsWhat() throws IOException {
    Merging.of(ties()).shardBytes(300).into(out);

    Map<String, Stored> model = SavedModel.read(out);
    JsonNode index = json("model.safetensors.index.json");
    Map<String, String> files = new TreeMap<>();
    index.get("weight_map").properties().forEach(e -> files.put(e.getKey(), e.getValue().asText()));
    Map<String, String> actual = new TreeMap<>();
    model.forEach((name, t) -> actual.put(name, t.file()));
    assertThat(files).isEqualTo(actual);
    assertThat(files.values()).contains("model-00001-of-00004.safetensors").hasSize(8);
    assertThat(index.get("metadata").get("total_size").asLong())
        .isEqualTo(model.values().stream().mapToLong(t -> t.data().length).sum());
    for (Stored t : model.values()) {
      long size =
          model.values().stream()
              .filter(o -> o.file().equals(t.file()))
              .mapToLong(o -> o.data().length)
              .sum();
      assertThat(size).as(t.file()).isLessThanOrEqualTo(300);
    }
  }

  @Test
  void stackedLayersAreCounted() throws IOException {
    Merging.of(
            """
            merge_method: passthrough
            slices:
              - sources: [{model: ZOO/a, layer_range: [0, 2]}]
              - sources: [{model: ZOO/b, layer_range: [1, 2]}]
            """
                .replace("ZOO", zoo.toString()))
        .into(out);

    assertThat(json("config.json").get("num_hidden_layers").asInt()).isEqualTo(3);
    assertThat(SavedModel.read(out).get(Family.UP.formatted(2)).data())
        .isEqualTo(SavedModel.read(zoo.resolve("b")).get(Family.UP.formatted(1)).data());
    assertThat(out.resolve("tokenizer.json")).hasContent("{\"model\": \"a's\"}");
  }

  @Test
  void aHeadOfItsOwnIsNotTiedAgain() throws IOException {
    TinyCheckpoint tied = new TinyCheckpoint();
    Family.add(tied, "base", "F32", Family.EMBEDDING, 16, 6);
    tied.writeModel(zoo.resolve("base"), "{\"tie_word_embeddings\": true}");
    for (String model : List.of("a", "b")) {
      TinyCheckpoint own = new TinyCheckpoint();
      Family.add(own, model, "F32", Family.EMBEDDING, 16, 6);
      Family.add(own, model, "F32", "lm_head.weight", 16, 6);
      own.writeModel(zoo.resolve(model), "{\"tie_word_embeddings\": false}");
    }

    Merging.of(ties()).into(out);

    assertThat(SavedModel.read(out)).containsOnlyKeys(Family.EMBEDDING, "lm_head.weight");
    assertThat(json("config.json").get("tie_word_embeddings").asBoolean()).isFalse();
  }

  @Test
  void twoRunsWriteTheSameDirectory() throws IOException {
    String recipe = Family.recipe(zoo, "dare_ties", "parameters: {density: 0.4}");
    for (String run : List.of("first", "second")) {
      Merging.of(recipe).seed(3).shardBytes(200).into(dir.resolve(run).resolve("out"));
    }

    Path first = dir.resolve("first/out");
    Path second = dir.resolve("second/out");
    assertThat(names(first)).isEqualTo(names(second)).hasSizeGreaterThan(8);
    for (String name : names(first)) {
      assertThat(second.resolve(name)).hasSameBinaryContentAs(first.resolve(name));
    }
  }

  @Test
  void anotherSeedDropsOthers() {
    Merging merging = Merging.of(Family.recipe(zoo, "dare_ties", "parameters: {density: 0.4}"));
    merging.seed(1).into(dir.resolve("one"));
    merging.seed(2).into(dir.resolve("two"));

    assertThat(SavedModel.read(dir.resolve("one")).get(UP).data())
        .isNotEqualTo(SavedModel.read(dir.resolve("two")).get(UP).data());
  }

  @Test
  void mergekitNumericsAreRecorded() throws IOException {
    Merging.of(ties()).numerics(Numerics.MERGEKIT).into(out);

    assertThat(json(Manifest.FILE).get("numerics").asText()).isEqualTo("mergekit");
    assertThat(Files.readString(out.resolve("README.md"))).contains("Numerics: mergekit");
  }
}
