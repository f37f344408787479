package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.error.WeightloomException;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models of a recipe that are a base and adapters. */
@org.jspecify.annotations.NullUnmarked
class AdaptersTest {
  private static final String Q = "model.layers.0.self_attn.q_proj";

  @TempDir Path dir;

  @BeforeEach
  void writeModels() throws IOException {
    weights(1, 2, 3, 4).writeModel(dir.resolve("base"), Family.CONFIG);
    weights(3, 2, 1, 0).writeModel(dir.resolve("full"), Family.CONFIG);
    adapter("one", 1, 1);
    adapter("two", 2, -1);
  }

  private static TinyCheckpoint weights(double... q) {
    return new TinyCheckpoint()
        .add(Q + ".weight", "F32", new long[] {2, 2}, q)
        .add("model.norm.weight", "F32", new long[] {2}, 1, 1);
  }

  /** Changes the first row by {@code x} and {@code y}. */
  private void adapter(String name, double x, double y) throws IOException {
    Path adapter = Files.createDirectories(dir.resolve(name));
    Files.writeString(
        adapter.resolve("adapter_config.json"), "{\"peft_type\": \"LORA\", \"lora_alpha\": 1}");
    new TinyCheckpoint()
        .add("base_model.model." + Q + ".lora_A.weight", "F32", new long[] {1, 2}, x, y)
        .add("base_model.model." + Q + ".lora_B.weight", "F32", new long[] {2, 1}, 1, 0)
        .write(adapter.resolve("adapter_model.safetensors"));
  }

  private double[] merged(String recipe) {
    Path out = dir.resolve("out");
    Merging.of(recipe.replace("DIR", dir.toString())).overwriting().into(out);
    return SavedModel.read(out).get(Q + ".weight").values();
  }

  @Test
  void adaptersAreModelsLikeAnyOther() throws IOException {
    double[] merged =
        merged(
            """
            merge_method: task_arithmetic
            base_model: DIR/base
            models:
              - {model: DIR/base+DIR/one, parameters: {weight: 0.5}}
              - {model: DIR/base+DIR/two, parameters: {weight: 2}}
            """);

    assertThat(merged).containsExactly(1 + .5 + 4, 2 + .5 - 2, 3, 4);
    JsonNode inputs =
        new ObjectMapper()
            .readTree(Files.readAllBytes(dir.resolve("out").resolve(Manifest.FILE)))
            .get("inputs");
    assertThat(inputs).hasSize(3);
    assertThat(inputs.get(1).get("location").asText())
        .isEqualTo("lora:/" + dir.resolve("base") + "+" + dir.resolve("one") + "!");
    assertThat(dir.resolve("out").resolve("config.json")).exists();
  }

  @Test
  void severalAreFoldedIntoOneModelByTheirFactors() {
    assertThat(
            merged(
                """
                merge_method: passthrough
                models: [{model: DIR/base+DIR/one*0.5+DIR/two*2}]
                """))
        .containsExactly(1 + .5 + 4, 2 + .5 - 2, 3, 4);
  }

  /** SwiftBrush v2. */
  @Test
  void aFoldedModelMayBeTheBase() {
    assertThat(
            merged(
                """
                merge_method: interpolation
                base_model: DIR/base+DIR/one
                models: [{model: DIR/full}]
                parameters: {t: 0.5}
                """))
        .containsExactly(2.5, 2.5, 2, 2);
  }

  /** RiFT. */
  @Test
  void oneModuleMayGoAlongTheLineAlone() {
    double[] merged =
        merged(
            """
            merge_method: interpolation
            base_model: DIR/base
            models: [{model: DIR/full}]
            parameters:
              t:
                - {filter: layers.0.self_attn, value: 0.5}
                - {value: 0}
            """);

    assertThat(merged).containsExactly(2, 2, 2, 2);
    assertThat(SavedModel.read(dir.resolve("out")).get("model.norm.weight").values())
        .containsExactly(1, 1);
  }

  /** SPHINX. */
  @Test
  void twoRunsAreMixedByTheirShares() {
    assertThat(
            merged(
                """
                merge_method: linear
                models:
                  - {model: DIR/base, parameters: {weight: 0.75}}
                  - {model: DIR/full, parameters: {weight: 0.25}}
                """))
        .containsExactly(1.5, 2, 2.5, 3);
  }

  /** In its base's place, in its adapter's, and around both. */
  @ParameterizedTest
  @ValueSource(strings = {"base", "one", "way/base", "."})
  void whatAFoldedModelIsMadeOfIsNeverOverwritten(String target) throws IOException {
    Files.createSymbolicLink(dir.resolve("way"), dir);
    byte[] before = Files.readAllBytes(dir.resolve("base/model.safetensors"));
    String model = dir.resolve("base") + "+" + dir.resolve("one");
    Merging merging =
        Merging.of("{merge_method: passthrough, models: [{model: %s}]}".formatted(model));

    assertThatThrownBy(() -> merging.overwriting().into(dir.resolve(target)))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot write %s: it holds the input %s (choose another directory)"
                .formatted(dir.resolve(target), model));
    assertThat(dir.resolve("base/model.safetensors")).hasBinaryContent(before);
  }

  @Test
  void anAdapterThatIsNotThereIsAnErrorThatNamesIt() {
    assertThatThrownBy(
            () ->
                merged(
                    """
                    merge_method: passthrough
                    models: [{model: DIR/base+DIR/three}]
                    """))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("three");
  }
}
