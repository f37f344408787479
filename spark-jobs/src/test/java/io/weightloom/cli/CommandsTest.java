package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.job.Family;
import io.weightloom.job.LocalSpark;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What commands print, and where. */
@NullUnmarked
class CommandsTest {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  @TempDir Path dir;
  private Path zoo;
  private Path recipe;
  private Path out;

  @BeforeEach
  void writeModels() {
    LocalSpark.stop();
    zoo = Family.write(dir.resolve("zoo"), "BF16");
    recipe =
        Family.file(
            dir.resolve("recipe.yml"), Family.recipe(zoo, "ties", "parameters: {density: 0.3}"));
    out = dir.resolve("out");
  }

  private static JsonNode json(Cli run) throws IOException {
    assertThat(run.exitCode()).as(run.err()).isZero();
    return JSON.readTree(run.out());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "merge",
        "sweep",
        "bundle",
        "unpack",
        "prune",
        "masks",
        "sparsity",
        "explode",
        "implode",
        "export",
        "inspect",
        "verify",
        "sql",
        "notebook",
        "doctor"
      })
  void helpHasExamples(String command) {
    Cli run = command.isEmpty() ? Cli.run("--help") : Cli.run(command, "--help");

    assertThat(run.exitCode()).isZero();
    assertThat(run.out())
        .startsWith("Usage: weightloom")
        .contains("\nExamples:\n  weightloom " + (command.isEmpty() ? "merge" : command));
    assertThat(run.err()).isEmpty();
    assertThat(LocalSpark.isRunning()).isFalse();
  }

  @Test
  void helpNamesTheExitCodesAndHidesWhatIsOurs() {
    Cli run = Cli.run("--help");

    assertThat(run.out()).contains("Exit codes:", "3   bad input model or file");
    assertThat(run.out()).doesNotContain("warm-up");
  }

  @Test
  void theVersionIsOneLine() {
    Cli run = Cli.run("--version");

    assertThat(run.out()).matches("weightloom \\d+\\.\\d+\\.\\d+\\S*\\R");
    assertThat(run.exitCode()).isZero();
  }

  @Test
  void aDryRunSaysWhatWouldBeDone() {
    Cli run = Cli.run("merge", recipe, out, "--dry-run", "--seed", 9);

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err()).isEmpty();
    assertThat(run.out())
        .contains("method      ties (mergekit)\n", "numerics    accurate, seed 9\n")
        .contains("models      " + zoo.resolve("base") + "  341, BF16\n")
        .contains("tensors     8, 1 copied\n", "parameters  341\n")
        .contains(" at most, of 2.00 KiB each\n", " in 1 file\n", "kernels     ")
        .contains("copied      " + Family.COUNTER + ": I64 is not computed on");
    assertThat(out).doesNotExist();
    assertThat(LocalSpark.isRunning()).isFalse();
  }

  @Test
  void aDryRunAsJsonHasEveryOffset() throws IOException {
    JsonNode plan = json(Cli.run("merge", recipe, out, "--dry-run", "--output", "json"));

    assertThat(plan.get("models")).hasSize(3);
    assertThat(plan.get("models").get(1).get("model").asText())
        .isEqualTo(zoo.resolve("a").toString());
    assertThat(plan.get("tensors").asInt()).isEqualTo(8);
    assertThat(plan.get("copied_tensors").asInt()).isEqualTo(1);
    // 338 elements in BF16 and three counters: read of three models, or of the base alone.
    assertThat(plan.get("input_bytes").asLong()).isEqualTo(3 * 2 * 338 + 24);
    assertThat(plan.get("output_bytes").asLong()).isEqualTo(2 * 338 + 24);
    assertThat(plan.get("reads").asInt()).isBetween(2, 5);
    assertThat(plan.get("peak_buffer_bytes").asLong()).isPositive();
    assertThat(plan.get("kernels").asText()).isIn("vector", "scalar");
    assertThat(plan.get("kernel_providers").has("scalar")).isTrue();
    JsonNode offsets = plan.get("files").get(0).get("tensors");
    assertThat(Cli.run("merge", recipe, out).exitCode()).isZero();
    JsonNode written = json(Cli.run("inspect", out, "--output", "json")).get("tensors");
    assertThat(written).hasSize(8);
    written.forEach(
        t ->
            assertThat(offsets.get(t.get("name").asText()).asLong())
                .isEqualTo(t.get("begin").asLong()));
    assertThat(plan.get("files").get(0).get("bytes").asLong())
        .isEqualTo(Files.size(out.resolve("model.safetensors")));
  }

  @Test
  @Timeout(60)
  void planningReadsHeadersOnly() throws IOException {
    long elements = 100_000_000_000L;
    String header =
        "{\"model.layers.0.weight\":{\"dtype\":\"BF16\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
            .formatted(elements, 2 * elements);
    for (String model : List.of("base", "a", "b")) {
      Path file =
          Files.write(
              zoo.resolve(model).resolve("model.safetensors"),
              io.weightloom.testkit.TinyCheckpoint.file(header, new byte[0]));
      try (RandomAccessFile hole = new RandomAccessFile(file.toFile(), "rw")) {
        hole.setLength(hole.length() + 2 * elements);
      }
    }

    JsonNode plan = json(Cli.run("merge", recipe, out, "--dry-run", "--output", "json"));

    assertThat(plan.get("input_bytes").asLong()).isEqualTo(6 * elements);
    assertThat(plan.get("peak_buffer_bytes").asLong()).isLessThan(1L << 30);
    assertThat(json(Cli.run("inspect", zoo.resolve("a"), "--output", "json")).get("parameters"))
        .hasToString("" + elements);
  }

  @Test
  void aMergeAsJsonHasOnlyJsonOnStandardOutput() throws IOException {
    Cli run = Cli.run("merge", recipe, out, "--output", "json", "--progress", "json", "--seed", -4);

    JsonNode result = json(run);
    assertThat(result.get("output").asText()).isEqualTo(out.toString());
    assertThat(result.get("method").asText()).isEqualTo("ties");
    assertThat(result.get("seed").asLong()).isEqualTo(-4);
    assertThat(result.get("tensors").asInt()).isEqualTo(8);
    assertThat(result.get("output_bytes").asLong()).isEqualTo(2 * 338 + 24);
    assertThat(result.get("realised_density")).hasSize(2);
    List<JsonNode> lines = new ArrayList<>();
    for (String line : run.err().lines().toList()) {
      lines.add(JSON.readTree(line));
    }
    assertThat(lines).hasSizeGreaterThanOrEqualTo(2);
    assertThat(lines.get(0).get("done_bytes").asLong()).isZero();
    JsonNode last = lines.get(lines.size() - 1);
    assertThat(last.get("phase").asText()).isEqualTo("merge");
    assertThat(last.get("done_bytes").asLong())
        .isEqualTo(last.get("total_bytes").asLong())
        .isPositive();
  }

  @Test
  void aMergeInWordsHasNothingOnStandardOutput() {
    Cli run = Cli.run("merge", recipe, out);

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).isEmpty();
    assertThat(run.err())
        .matches(
            "(?s)merged 8 tensors, 341 parameters, 700 B by ties in \\d+\\.\\d s: "
                + out
                + "\n  kept \\d+\\.\\d\\d % of the task vector of a\n"
                + "  kept \\d+\\.\\d\\d % of the task vector of b\n");
    assertThat(LocalSpark.isRunning()).isFalse();
  }

  @Test
  void inspectShowsTensors() throws IOException {
    Cli text = Cli.run("inspect", zoo.resolve("a"));
    JsonNode json = json(Cli.run("inspect", zoo.resolve("a"), "--output", "json"));

    assertThat(text.out())
        .containsPattern("lm_head\\.weight +BF16 +96  \\[16, 6]")
        .contains("341 parameters in 8 tensors, 700 B in 1 file", "  BF16   338\n");
    assertThat(text.err()).isEmpty();
    assertThat(json.get("parameters").asLong()).isEqualTo(341);
    assertThat(json.get("elements_by_dtype").toString()).contains("\"BF16\":338", "\"I64\":3");
    assertThat(json.get("companion_files").toString()).contains("tokenizer.json", "config.json");
    assertThat(json.get("files").get(0).get("header_sha256").asText()).matches("[0-9a-f]{64}");
    assertThat(LocalSpark.isRunning()).isFalse();
  }

  @Test
  void verifyVouchesForAModelUntilAByteChanges() throws IOException {
    assertThat(Cli.run("merge", recipe, out, "--out-shard-size", 200).exitCode()).isZero();
    Cli sound = Cli.run("verify", out);
    assertThat(sound.exitCode()).as(sound.err()).isZero();
    assertThat(sound.out()).isEmpty();
    assertThat(sound.err())
        .isEqualTo(out + ": 8 tensors, 700 B, every digest as the manifest says\n");

    Path shard = out.resolve("model-00001-of-00004.safetensors");
    byte[] bytes = Files.readAllBytes(shard);
    bytes[bytes.length - 1] ^= 1;
    Files.write(shard, bytes);
    String name =
        json(Cli.run("inspect", shard, "--output", "json"))
            .get("tensors")
            .get(0)
            .get("name")
            .asText();

    Cli words = Cli.run("verify", out);
    assertThat(words.exitCode()).isEqualTo(4);
    assertThat(words.err())
        .startsWith("weightloom: Cannot vouch for " + out + ": " + name + " has digest ")
        .contains("the manifest says ");
    Cli json = Cli.run("verify", out, "--output", "json");
    assertThat(json.exitCode()).isEqualTo(4);
    JsonNode verdict = JSON.readTree(json.out());
    assertThat(verdict.get("ok").asBoolean()).isFalse();
    assertThat(verdict.get("problems")).hasSize(1);
    assertThat(verdict.get("problems").get(0).asText()).startsWith(name + " has digest ");
  }

  @Test
  void verifyOfAModelThatIsNotOursChecksItsValues() throws IOException {
    JsonNode sound = json(Cli.run("verify", zoo.resolve("a"), "--output", "json"));
    double[] values = Family.values("a", "lm_head.weight", 16, 6);
    values[90] = Double.POSITIVE_INFINITY;
    Family.weights("a", "BF16")
        .add("lm_head.weight", "BF16", new long[] {16, 6}, values)
        .writeModel(zoo.resolve("a"), Family.CONFIG);
    Cli bad = Cli.run("verify", zoo.resolve("a"));

    assertThat(sound.get("ok").asBoolean()).isTrue();
    assertThat(sound.get("manifest").asBoolean()).isFalse();
    assertThat(sound.get("tensors").asInt()).isEqualTo(8);
    assertThat(bad.exitCode()).isEqualTo(4);
    assertThat(bad.err()).contains("lm_head.weight holds NaN or infinity, first at element 90");
  }

  @Test
  void doctorSaysWhichKernelsAndWhyNotOthers() throws IOException {
    JsonNode doctor = json(Cli.run("doctor", "--output", "json"));

    assertThat(doctor.get("methods").asText()).contains("dare_ties", "linear", "passthrough");
    assertThat(doctor.get("spark").asText()).matches("\\d+\\.\\d+\\.\\d+");
    assertThat(doctor.get("kernel_providers").has("vector")).isTrue();
    assertThat(Cli.run("doctor").out()).contains("kernels     ");
    assertThat(LocalSpark.isRunning()).isFalse();
  }

  @Test
  void warningsGoToStandardError() throws IOException {
    Files.writeString(zoo.resolve("base/model.safetensors.index.json"), "{}");

    Cli run = Cli.run("inspect", zoo.resolve("base"), "--output", "json");

    assertThat(json(run).get("warnings")).hasSize(1);
    assertThat(run.err())
        .startsWith("warning: ")
        .contains("model.safetensors.index.json is not used");
  }
}
