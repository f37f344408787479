package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.io.ModelDir;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.job.CountedStorage;
import io.weightloom.job.Family;
import io.weightloom.job.LocalSpark;
import io.weightloom.job.PruneJob;
import io.weightloom.job.SavedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** {@code prune} and {@code masks} from the command line. */
@NullUnmarked
class PruneCommandTest {
  private static final String UP = Family.UP.formatted(0);

  @TempDir Path dir;
  private Path model;

  @BeforeEach
  void writeModel() {
    LocalSpark.stop();
    model = dir.resolve("model");
    Family.weights("a", "BF16").writeModel(model, Family.CONFIG);
    Family.weights("b", "BF16").writeModel(dir.resolve("early"), Family.CONFIG);
  }

  private static long zeros(Path model, String tensor) {
    return Arrays.stream(SavedModel.read(model).get(tensor).values()).filter(v -> v == 0).count();
  }

  @Test
  void prunesWritesMasksAndTheRecipeThatGivesItAgain() throws IOException {
    Path out = dir.resolve("sparse");
    Cli run =
        Cli.run(
            "prune",
            model,
            out,
            "--sparsity",
            "0.5",
            "--scope",
            "model",
            "--masks",
            dir.resolve("masks"),
            "--output",
            "json");

    assertThat(run.exitCode()).as(run.err()).isZero();
    JsonNode json = new ObjectMapper().readTree(run.out());
    assertThat(json.get("weights").asLong()).isEqualTo(126);
    assertThat(json.get("pruned").asLong()).isEqualTo(63);
    assertThat(json.get("sparsity").asDouble()).isEqualTo(0.5);
    assertThat(zeros(out, UP) + zeros(out, Family.UP.formatted(1))).isBetween(63L, 66L);
    assertThat(SavedModel.read(dir.resolve("masks")).get(UP).dtype()).isEqualTo("U8");

    Path again = dir.resolve("again");
    assertThat(Cli.run("merge", out.resolve("mergekit_config.yml"), again).exitCode()).isZero();
    assertThat(again.resolve("model.safetensors"))
        .hasSameBinaryContentAs(out.resolve("model.safetensors"));
    assertThat(Cli.run("masks", dir.resolve("masks"), dir.resolve("masks")).out())
        .contains(UP, "1.0000");
  }

  /** How often a pruning reads the weights that it prunes: the least and the most of a byte. */
  private int[] reads(String options) {
    CountedStorage.clear();
    Cli run =
        Cli.run(
            Stream.concat(
                    Stream.of("prune", CountedStorage.path(model), dir.resolve("sparse")),
                    Arrays.stream((options + " --overwrite").split(" ")))
                .toArray());
    assertThat(run.exitCode()).as(run.err()).isZero();
    TensorLocation up =
        Objects.requireNonNull(ModelDir.open(model.toString(), Profile.STRICT).tensors().get(UP));
    return CountedStorage.reads(Path.of(up.file()), (int) up.begin(), (int) up.end());
  }

  @ParameterizedTest
  @EnumSource(PruneJob.MaskFormat.class)
  void theMaskComesOfTheReadThatGivesTheWeights(PruneJob.MaskFormat format) {
    String masks =
        " --masks %s --mask-format %s"
            .formatted(dir.resolve("masks"), format.name().toLowerCase(Locale.ROOT));

    assertThat(reads("--nm 2:4" + masks)).containsExactly(1, 1);
    assertThat(dir.resolve("masks")).isNotEmptyDirectory();
  }

  @Test
  void zerosNeedNotBeStored() throws IOException {
    Path out = dir.resolve("small");
    Cli run =
        Cli.run(
            "prune",
            model,
            out,
            "--nm",
            "2:4",
            "--format",
            "sparse_bitmask",
            "--masks",
            dir.resolve("masks"),
            "--output",
            "json");

    assertThat(run.exitCode()).as(run.err()).isZero();
    JsonNode json = new ObjectMapper().readTree(run.out());
    assertThat(json.get("output").asText()).isEqualTo(out.toString());
    assertThat(json.get("pruned").asLong()).isEqualTo(36);
    String layer = UP.replace(".weight", "");
    assertThat(SavedModel.read(out).get(layer + ".compressed").shape()).containsExactly(63L - 18);
    assertThat(SavedModel.read(out).get(layer + ".bitmask").shape()).containsExactly(9L, 1L);
    assertThat(SavedModel.read(dir.resolve("masks")).get(UP).data()).hasSize(8);
    Cli verify = Cli.run("verify", out);
    assertThat(verify.exitCode()).as(verify.err()).isZero();
    assertThat(verify.err()).contains("every digest as the manifest says");
  }

  @Test
  void aTicketIsTheEarlyModelUnderTheTrainedMask() {
    Path out = dir.resolve("ticket");
    Cli run = Cli.run("prune", model, out, "--sparsity", "0.8", "--rewind", dir.resolve("early"));

    assertThat(run.exitCode()).as(run.err()).isZero();
    double[] trained = SavedModel.read(model).get(UP).values();
    double[] early = SavedModel.read(dir.resolve("early")).get(UP).values();
    double[] ticket = SavedModel.read(out).get(UP).values();
    double threshold = Arrays.stream(trained).map(Math::abs).sorted().toArray()[50];
    for (int i = 0; i < ticket.length; i++) {
      if (Math.abs(trained[i]) > threshold) {
        assertThat(ticket[i]).isEqualTo(early[i]);
      } else if (Math.abs(trained[i]) < threshold) {
        assertThat(ticket[i]).isZero();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "erk, 63",
    "er, 63",
    "lamp, 63",
    "distortion, 63",
    "uniform_plus, 63",
  })
  void budgetsAreMetExactly(String budget, long pruned) throws IOException {
    Path out = dir.resolve("sparse");
    Cli run =
        Cli.run("prune", model, out, "--sparsity", "0.5", "--budget", budget, "--output", "json");
    if (budget.equals("uniform_plus")) {
      // The first of two tensors stays dense: the last would have to lose all.
      assertThat(run.exitCode()).isEqualTo(2);
      assertThat(run.err()).contains("uniform_plus");
      return;
    }

    assertThat(run.exitCode()).as(run.err()).isZero();
    JsonNode json = new ObjectMapper().readTree(run.out());
    assertThat(json.get("pruned").asLong())
        .isCloseTo(pruned, org.assertj.core.data.Offset.offset(1L));
  }

  @Test
  void layersOfLeastScoreGoAndTheConfigFollows() throws IOException {
    Path scores = Family.file(dir.resolve("scores.json"), "[0.1, 0.2]");
    Path out = dir.resolve("shallow");
    Cli run = Cli.run("prune", model, out, "--drop-layers", "1", "--layer-scores", scores);

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(SavedModel.read(out)).doesNotContainKey(Family.UP.formatted(1));
    assertThat(SavedModel.read(out).get(UP).data())
        .isEqualTo(SavedModel.read(model).get(Family.UP.formatted(1)).data());
    assertThat(
            new ObjectMapper()
                .readTree(java.nio.file.Files.readAllBytes(out.resolve("config.json")))
                .get("num_hidden_layers")
                .asInt())
        .isEqualTo(1);
    assertThat(Cli.run("prune", model, out, "--drop-layers", "2", "--layer-scores", scores).err())
        .contains("Cannot remove 2 of the 2 layers");
    Family.file(scores, "[1]");
    assertThat(Cli.run("prune", model, out, "--drop-layers", "1", "--layer-scores", scores).err())
        .contains("has 1 numbers for 2 layers");
  }

  @Test
  void groupsFromTheCommandLine() {
    Path out = dir.resolve("sparse");
    Cli run = Cli.run("prune", model, out, "--nm", "1:3");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(zeros(out, UP)).isBetween(36L, 38L);
    assertThat(run.err()).contains("has 7 columns, the last 1 are no whole group of 3");
  }

  @Test
  void printsTheRecipeOfABudgetWithoutWriting() {
    Cli run =
        Cli.run(
            "prune",
            model,
            dir.resolve("out"),
            "--sparsity",
            "0.5",
            "--budget",
            "erk",
            "--print-recipe");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("merge_method: magnitude_pruning", "count: round", "\"*\": 0");
    assertThat(dir.resolve("out")).doesNotExist();
    assertThat(LocalSpark.isRunning()).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--sparsity 1.5 | 2 | Cannot prune a share of 1.5",
        "--sparsity 0.5 --nm 2:4 | 2 | at once",
        "--nm 4:4 | 2 | 4:4 prunes nothing",
        "--nm two | 2 | N:M says how many of how many",
        "--sparsity 0.5 --method wanda | 2 | give --norms",
        "--sparsity 0.5 --method sparsegpt | 2 | give --grams",
        "--sparsity 0.5 --budget owl | 2 | give --norms",
        "--sparsity 0.5 --budget erk --scope model | 2 | leave out --budget",
        "--sparsity 0.5 --count about | 2 | count",
        "--sparsity 0.5 --set colour=red | 2 | unknown key",
        "--sparsity 0.5 --targets heads | 2 | choose layers, matrices or all",
        "--sparsity 0.5 --method wanda --norms nowhere.safetensors | 3 | nowhere.safetensors",
      })
  void whatIsWrongIsSaidAndLeavesNothing(String options, int code, String message) {
    Path out = dir.resolve("out");
    Object[] args =
        Stream.concat(Stream.of("prune", model, out), Arrays.stream(options.trim().split(" ")))
            .toArray();

    Cli run = Cli.run(args);

    assertThat(run.err()).contains(message);
    assertThat(run.exitCode()).isEqualTo(code);
    assertThat(out).doesNotExist();
  }
}
