package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.plan.MergePlanner;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What policies write, and what they say of it. */
@NullUnmarked
class PolicyMergeTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String EMBEDDING = "model.embed_tokens.weight";

  @TempDir Path dir;

  private Path model(String name, TinyCheckpoint weights) {
    return weights.writeModel(dir.resolve(name), "{\"vocab_size\": 3, \"model_type\": \"llama\"}");
  }

  private static TinyCheckpoint embedding(long rows, long columns, double... values) {
    return new TinyCheckpoint().add(EMBEDDING, "F32", new long[] {rows, columns}, values);
  }

  private String recipe(String policies) {
    return """
        merge_method: task_arithmetic
        base_model: DIR/base
        models:
          - {model: DIR/a, parameters: {weight: 1}}
          - {model: DIR/b, parameters: {weight: 1}}
        weightloom: POLICIES
        """
        .replace("DIR", dir.toString())
        .replace("POLICIES", policies);
  }

  private JsonNode manifest(String policies) throws IOException {
    Merging.of(recipe(policies)).into(dir.resolve("out"));
    assertThat(VerifyJob.run(dir.resolve("out").toString()).problems()).isEmpty();
    return JSON.readTree(Files.readAllBytes(dir.resolve("out").resolve(Manifest.FILE)));
  }

  private double[] merged(String tensor) {
    return SavedModel.read(dir.resolve("out")).get(tensor).values();
  }

  @Test
  void theCommonSubmatrixIsOfTheFirstRowsAndColumns() throws IOException {
    model("base", embedding(3, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9));
    model("a", embedding(2, 4, 2, 2, 3, 0, 4, 6, 6, 0));
    model("b", embedding(4, 2, 1, 3, 4, 5, 7, 8, 0, 0));

    JsonNode manifest = manifest("{mismatched: common-submatrix}");

    assertThat(merged(EMBEDDING)).containsExactly(2, 3, 4, 6);
    assertThat(manifest.get("policies").get(EMBEDDING).asText())
        .startsWith("merged of the common [2, 2]");
    assertThat(JSON.readTree(dir.resolve("out/config.json").toFile()).get("vocab_size").asInt())
        .isEqualTo(2);
    // A digest of a part is not that of the whole, and what was read is said.
    assertThat(manifest.get("inputs").get(0).get("content").asText())
        .isNotEqualTo(VerifyJob.run(dir.resolve("base").toString()).content());
    assertThat(
            PlanReport.text(
                PreparedMerge.of(
                    RecipeYaml.parse("r.yml", recipe("{mismatched: common-submatrix}")).recipe(),
                    new MergePlanner.Options(
                        io.weightloom.merge.Numerics.ACCURATE,
                        0,
                        MergePlanner.Options.SHARD_BYTES)),
                1,
                2048))
        .contains("policy      " + EMBEDDING + ": merged of the common [2, 2]");
  }

  @Test
  void theBaseIsTruncated() throws IOException {
    model("base", embedding(3, 2, 1, 2, 3, 4, 5, 6));
    model("a", embedding(2, 2, 2, 2, 3, 4));
    model("b", embedding(2, 2, 1, 3, 3, 4));

    manifest("{mismatched: truncate-base-rows}");

    assertThat(merged(EMBEDDING)).containsExactly(2, 3, 3, 4);
  }

  @Test
  void aModelThatDoesNotFitIsSkipped() throws IOException {
    model("base", embedding(2, 2, 1, 2, 3, 4).add("w", "F32", new long[] {1}, 1));
    model("a", embedding(2, 2, 2, 2, 3, 4));
    model("b", embedding(3, 2, 9, 9, 9, 9, 9, 9).add("w", "F32", new long[] {1}, 5));

    JsonNode manifest = manifest("{mismatched: skip-model, missing: skip-model}");

    assertThat(merged(EMBEDDING)).containsExactly(2, 2, 3, 4);
    assertThat(merged("w")).containsExactly(5);
    assertThat(manifest.get("policies"))
        .isEqualTo(
            JSON.valueToTree(
                Map.of(
                    EMBEDDING,
                    "merged without " + dir.resolve("b") + " of another shape",
                    "w",
                    "merged without " + dir.resolve("a"))));
  }

  @Test
  void theBaseIsKeptAndSaidToBe() throws IOException {
    model("base", embedding(2, 2, 1, 2, 3, 4));
    model("a", embedding(2, 2, 2, 2, 3, 4));
    model("b", embedding(3, 2, 9, 9, 9, 9, 9, 9));

    JsonNode manifest = manifest("{mismatched: keep-base}");

    assertThat(merged(EMBEDDING)).containsExactly(1, 2, 3, 4);
    assertThat(manifest.get("tensors").get(EMBEDDING).get("skipped").asText())
        .isEqualTo("the base's: shapes differ");
  }

  @Test
  void tiedTensorsGetTheSameBytes() throws IOException {
    for (String name : new String[] {"base", "a", "b"}) {
      TinyCheckpoint t5 = new TinyCheckpoint();
      for (String tensor :
          new String[] {
            "shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"
          }) {
        Family.add(t5, name, "BF16", tensor, 4, 3);
      }
      t5.add("steps", "I64", new long[] {1}, 7).add("steps_too", "I64", new long[] {1}, 7);
      model(name, t5);
    }

    JsonNode manifest =
        manifest(
            "{tied: [[shared.weight, encoder.embed_tokens.weight, decoder.embed_tokens.weight], [steps, steps_too]]}");

    Map<String, SavedModel.Stored> out = SavedModel.read(dir.resolve("out"));
    assertThat(out.get("encoder.embed_tokens.weight").data())
        .isEqualTo(out.get("shared.weight").data())
        .isEqualTo(out.get("decoder.embed_tokens.weight").data());
    assertThat(out.get("steps_too").data()).isEqualTo(out.get("steps").data());
    assertThat(manifest.get("tensors").get("encoder.embed_tokens.weight").get("tied_to").asText())
        .isEqualTo("shared.weight");
    assertThat(manifest.get("tensors").get("decoder.embed_tokens.weight").get("digest"))
        .isEqualTo(manifest.get("tensors").get("shared.weight").get("digest"));
    // The tied ones are not even read.
    assertThat(manifest.get("inputs").get(0).get("tensors_read").asInt()).isEqualTo(2);
  }
}
