package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.job.Family;
import io.weightloom.job.LocalSpark;
import io.weightloom.job.SavedModel;
import io.weightloom.job.SavedModel.Stored;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Channels and heads that go, against Transformers: see dev/golden/units.py. Its model has 2 layers
 * of 20 channels and 6 heads of 4 elements on 3 key and value heads.
 */
@NullUnmarked
class UnitRemovalTest {
  private static final String DOWN = "model.layers.%d.mlp.down_proj.weight";
  private static final String UP = "model.layers.%d.mlp.up_proj.weight";
  private static final String QUERY = "model.layers.%d.self_attn.q_proj.weight";

  @TempDir Path dir;

  @BeforeEach
  void stopSpark() {
    LocalSpark.stop();
  }

  private static Path golden(String name) {
    try {
      return Path.of(
          Objects.requireNonNull(UnitRemovalTest.class.getResource("/golden/units/" + name))
              .toURI());
    } catch (java.net.URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private Cli prune(Path out, Object... options) {
    return Cli.run(
        Stream.concat(Stream.of("prune", golden("model"), out), Arrays.stream(options)).toArray());
  }

  private static void requireSame(Map<String, Stored> found, Map<String, Stored> wanted) {
    assertThat(found.keySet()).isEqualTo(wanted.keySet());
    wanted.forEach(
        (name, tensor) -> {
          assertThat(found.get(name).shape()).as(name).isEqualTo(tensor.shape());
          assertThat(found.get(name).data()).as(name).isEqualTo(tensor.data());
        });
  }

  private static JsonNode json(Path file) {
    try {
      return new ObjectMapper().readTree(Files.readAllBytes(file));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"l1", "l2"})
  void whatStaysIsWhatPyTorchKeeps(String norm) {
    Path out = dir.resolve("small");
    Cli run = prune(out, "--drop-channels", "7", "--drop-heads", "2", "--unit-norm", norm);

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err()).contains("removed 7 of 20 channels, 2 of 6 heads of each layer: " + out);
    requireSame(SavedModel.read(out), SavedModel.read(golden(norm + ".safetensors")));
    JsonNode config = json(out.resolve("config.json"));
    assertThat(config.get("intermediate_size").asInt()).isEqualTo(13);
    assertThat(config.get("num_attention_heads").asInt()).isEqualTo(4);
    assertThat(config.get("num_key_value_heads").asInt()).isEqualTo(2);
    assertThat(config.get("head_dim").asInt()).isEqualTo(4);
    assertThat(config.get("hidden_size").asInt()).isEqualTo(16);
    assertThat(Cli.run("verify", out).exitCode()).isZero();
  }

  @Test
  void theRecipeAndTheUnitsGiveTheSameAgain() {
    Path out = dir.resolve("small");
    assertThat(prune(out, "--drop-channels", "0.35").exitCode()).isZero();

    Path again = dir.resolve("again");
    Cli merge = Cli.run("merge", out.resolve("mergekit_config.yml"), again);
    assertThat(merge.exitCode()).as(merge.err()).isZero();
    requireSame(SavedModel.read(again), SavedModel.read(out));
    assertThat(SavedModel.read(out).get(DOWN.formatted(0)).shape()).containsExactly(16L, 13L);
    assertThat(SavedModel.read(out).get(QUERY.formatted(0)).shape()).containsExactly(24L, 16L);
    assertThat(json(out.resolve("config.json")).get("num_attention_heads").asInt()).isEqualTo(6);

    Path other = dir.resolve("other");
    Cli printed = prune(other, "--drop-channels", "7", "--print-recipe");
    assertThat(printed.out())
        .isEqualTo(
            "merge_method: passthrough\nmodels:\n  - model: \"%s.units.json\"\n".formatted(other));
    assertThat(other).doesNotExist();
    assertThat(json(Path.of(other + ".units.json"))).isEqualTo(json(Path.of(out + ".units.json")));
    // The file is a model wherever one can be.
    assertThat(Cli.run("inspect", other + ".units.json").exitCode()).isZero();
  }

  /** One score a channel; those of the second layer fall, of equal ones the first go. */
  @Test
  void scoresDecideAndNoWeightIsReadForThem() {
    String equal = "[" + "1, ".repeat(19) + "1]";
    StringBuilder falling = new StringBuilder("[19");
    for (int i = 18; i >= 0; i--) {
      falling.append(", ").append(i);
    }
    Path scores = Family.file(dir.resolve("scores.json"), "[" + equal + ", " + falling + "]]");
    Path out = dir.resolve("small");
    Cli run = prune(out, "--drop-channels", "12", "--channel-scores", scores);

    assertThat(run.exitCode()).as(run.err()).isZero();
    JsonNode orders = json(Path.of(out + ".units.json")).get("orders");
    assertThat(orders.get("model.layers.0 channels").toString())
        .isEqualTo("[12,13,14,15,16,17,18,19]");
    assertThat(orders.get("model.layers.1 channels").toString()).isEqualTo("[0,1,2,3,4,5,6,7]");
    byte[] before = SavedModel.read(golden("model")).get(UP.formatted(1)).data();
    assertThat(SavedModel.read(out).get(UP.formatted(1)).data())
        .isEqualTo(Arrays.copyOfRange(before, 0, 8 * 32));

    LocalSpark.stop();
    Cli printed =
        prune(
            dir.resolve("x"),
            "--drop-channels",
            "12",
            "--channel-scores",
            scores,
            "--print-recipe");
    assertThat(printed.exitCode()).as(printed.err()).isZero();
    assertThat(LocalSpark.isRunning()).isFalse();
  }

  @Test
  void scoresOfHeadsAreAddedUpByTheKeysThatTheyShare() {
    // Groups of two: 5, 4, 6; and as many numbers as keys.
    Path scores = Family.file(dir.resolve("scores.json"), "[[5, 0, 1, 3, 2, 4], [1, 3, 2]]");
    Path out = dir.resolve("small");
    Cli run = prune(out, "--drop-heads", "2", "--head-scores", scores);

    assertThat(run.exitCode()).as(run.err()).isZero();
    JsonNode orders = json(Path.of(out + ".units.json")).get("orders");
    assertThat(orders.get("model.layers.0 heads").toString()).isEqualTo("[0,2]");
    assertThat(orders.get("model.layers.1 heads").toString()).isEqualTo("[1,2]");
    byte[] before = SavedModel.read(golden("model")).get(QUERY.formatted(1)).data();
    assertThat(SavedModel.read(out).get(QUERY.formatted(1)).data())
        .isEqualTo(Arrays.copyOfRange(before, 8 * 32, 24 * 32));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--drop-channels 20 | 2 | Cannot remove 20 of the 20 channels of each layer of",
        "--drop-channels 0 | 2 | (choose from 1 to 19, or a share that comes to so many, as 0.25)",
        "--drop-channels 1.5 | 2 | Cannot remove 1.5 of the 20 channels",
        "--drop-channels many | 2 | Cannot remove many of the 20 channels",
        "--drop-channels 0.04 | 2 | Cannot remove 0.04 of the 20 channels",
        "--drop-heads 6 | 2 | Cannot remove 6 of the 6 heads",
        "--drop-heads 3 | 2 | 2 share a key and value head (choose a multiple of 2)",
        "--drop-heads 2 --sparsity 0.5 | 2 | in a second step",
        "--drop-heads 2 --drop-layers 1 --layer-scores x | 2 | in a second step",
        "--head-scores x | 2 | it is not said how many (add --drop-heads)",
        "--drop-heads 2 --dry-run | 2 | use --print-recipe",
        "--drop-heads 2 --head-scores nowhere.json | 2 | Cannot read the scores of heads, nowhere.json",
        "--drop-heads 2 --head-scores SHORT | 3 | it has 1 lists for 2 layers",
        "--drop-heads 2 --head-scores GAP | 3 | for model.layers.1 it has 3 values, not all of them",
        "--drop-channels 2 --channel-scores GAP | 3 | for model.layers.0 it has 3 values, not all",
      })
  void whatIsWrongIsSaidAndLeavesNothing(String options, int code, String message) {
    Path shortOne = Family.file(dir.resolve("short.json"), "[[1, 2, 3]]");
    Path gap = Family.file(dir.resolve("gap.json"), "[[1, 2, 3], [1, null, 3]]");
    Path out = dir.resolve("out");
    Cli run =
        prune(
            out,
            (Object[])
                options
                    .trim()
                    .replace("SHORT", shortOne.toString())
                    .replace("GAP", gap.toString())
                    .split(" "));

    assertThat(run.err()).contains(message);
    assertThat(run.exitCode()).isEqualTo(code);
    assertThat(out).doesNotExist();
    assertThat(Path.of(out + ".units.json")).doesNotExist();
  }

  @Test
  void otherModelsAreRefusedByWhatTheyLack() {
    Path model = dir.resolve("model");
    Family.weights("a", "BF16").writeModel(model, Family.CONFIG);
    Path out = dir.resolve("out");

    assertThat(Cli.run("prune", model, out, "--drop-channels", "1").err())
        .contains("its config.json has no whole number intermediate_size");
    Family.file(
        model.resolve("config.json"), Family.CONFIG.replace("{", "{\"intermediate_size\": 9,"));
    assertThat(Cli.run("prune", model, out, "--drop-channels", "1").err())
        .contains("no layer has a tensor mlp.down_proj.weight");
  }

  @Test
  void nothingIsOverwrittenUnasked() {
    Path out = dir.resolve("small");
    Family.file(Path.of(out + ".units.json"), "mine");
    Cli run = prune(out, "--drop-channels", "7");

    assertThat(run.exitCode()).isEqualTo(5);
    assertThat(run.err()).contains("small.units.json: it exists");
    assertThat(prune(out, "--drop-channels", "7", "--overwrite").exitCode()).isZero();
    assertThat(List.of(dir.toFile().list())).containsExactlyInAnyOrder("small", "small.units.json");
  }
}
