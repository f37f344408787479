package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.job.Family;
import io.weightloom.job.LocalSpark;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code stats} and {@code compare} print, write and refuse. */
@NullUnmarked
class AnalysisCommandsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path dir;
  private Path zoo;

  @BeforeEach
  void writeModels() {
    LocalSpark.stop();
    zoo = Family.write(dir.resolve("zoo"), "BF16");
  }

  private static JsonNode json(Cli run) throws IOException {
    assertThat(run.exitCode()).as(run.err()).isZero();
    return JSON.readTree(run.out()).get("tables");
  }

  private static void assertRefused(Cli run, int code, String... words) {
    assertThat(run.err()).startsWith("weightloom: ").doesNotContain("\tat ", "Exception");
    assertThat(run.err()).contains(words);
    assertThat(run.exitCode()).as(run.err()).isEqualTo(code);
    assertThat(run.out()).isEmpty();
  }

  private static JsonNode row(JsonNode table, String column, String value) {
    for (JsonNode row : table.get("rows")) {
      if (row.get(column).asText().equals(value)) {
        return row;
      }
    }
    throw new AssertionError(column + " " + value + " is in no row");
  }

  @Test
  void statsTellsOfEachTensorAndWhyNotOfSome() throws IOException {
    JsonNode out = json(Cli.run("stats", zoo.resolve("a"), "--output", "json"));

    JsonNode table = out.get("tensor_stats");
    assertThat(table.get("rows")).hasSize(8);
    JsonNode up = row(table, "tensor", Family.UP.formatted(1));
    double[] values = Family.values("a", Family.UP.formatted(1), 9, 7);
    double mean = 0;
    for (double x : values) {
      mean += x / values.length;
    }
    assertThat(up.get("mean").asDouble()).isCloseTo(mean, within(0.01));
    assertThat(up.get("elements").asLong()).isEqualTo(63);
    assertThat(up.get("layer").asInt()).isEqualTo(1);
    assertThat(up.get("role").asText()).isEqualTo("mlp.up_proj.weight");
    assertThat(up.get("rows").asInt()).isEqualTo(9);
    assertThat(up.get("bf16_exact").asDouble()).isEqualTo(1);
    assertThat(up.get("skipped").isNull()).isTrue();
    JsonNode counter = row(table, "tensor", Family.COUNTER);
    assertThat(counter.get("skipped").asText()).contains("I64");
    assertThat(counter.get("mean").isNull()).isTrue();
    assertThat(LocalSpark.isRunning()).isFalse();
  }

  @Test
  void statsAsTextNamesWhatIsWorthALook() {
    double[] values = new double[64];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 4 < 2 ? 0 : i / 64.0;
    }
    values[5] = Double.NaN;
    Path model =
        new TinyCheckpoint()
            .add("model.layers.0.a.weight", "F32", new long[] {8, 8}, values)
            .add("model.layers.1.a.weight", "F32", new long[] {4}, 0, 0, 0, 0)
            .writeModel(dir.resolve("m"), "");

    Cli run = Cli.run("stats", model);

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out())
        .contains("NaN 1", "model.layers.0.a.weight: 1 NaN, 0 infinite")
        .contains("model.layers.1.a.weight: all zero")
        .contains("stored as F32");
  }

  @Test
  void statsOfATableAndOfADirectoryAreTheSame() throws IOException {
    Path table = dir.resolve("table");
    assertThat(Cli.run("explode", zoo.resolve("a"), table).exitCode()).isZero();

    Cli ofTable = Cli.run("stats", table, "--output", "json", "--per", "row");
    Cli ofDirectory = Cli.run("stats", zoo.resolve("a"), "--output", "json", "--per", "row");

    assertThat(json(ofTable)).isEqualTo(json(ofDirectory));
    assertThat(json(ofTable).get("row_stats").get("rows")).hasSize(16 + 9 + 9 + 16);
  }

  @Test
  void resultsArePicturesAndParquetToo() throws IOException {
    Path to = dir.resolve("to");
    Path plots = dir.resolve("plots");
    Cli run = Cli.run("stats", zoo.resolve("a"), "--per", "column", "--to", to, "--plot", plots);

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(to.resolve("tensor_stats")).isDirectory();
    assertThat(to.resolve("column_stats")).isDirectory();
    assertThat(Files.readString(plots.resolve("rms.svg"))).startsWith("<svg");
    assertThat(plots.resolve("magnitudes.svg")).isNotEmptyFile();
    assertRefused(Cli.run("stats", zoo.resolve("a"), "--to", to), 5, "tensor_stats: it exists");
    assertThat(
            Cli.run("stats", zoo.resolve("a"), "--to", to, "--plot", plots, "--overwrite")
                .exitCode())
        .isZero();
  }

  @Test
  void compareWithABaseTellsOfTaskVectors() throws IOException {
    Path plots = dir.resolve("plots");
    JsonNode out =
        json(
            Cli.run(
                "compare",
                "--base",
                zoo.resolve("base"),
                zoo.resolve("a"),
                zoo.resolve("b"),
                "--top",
                "0.2",
                "--plot",
                plots,
                "--output",
                "json"));

    JsonNode models = out.get("model_differences").get("rows");
    assertThat(models).hasSize(2);
    assertThat(models.get(0).get("second").asText()).isEqualTo("a");
    assertThat(models.get(0).get("tensors").asInt()).isEqualTo(7);
    assertThat(models.get(0).get("relative_distance").asDouble()).isBetween(0.01, 0.2);
    List<String> scopes = new ArrayList<>();
    out.get("task_vectors").get("rows").forEach(r -> scopes.add(r.get("scope").asText()));
    assertThat(scopes).containsOnlyOnce("model").contains("layer", "tensor");
    JsonNode whole = row(out.get("task_vectors"), "scope", "model");
    assertThat(whole.get("cosine").asDouble()).isBetween(-0.3, 0.3);
    assertThat(whole.get("jaccard").asDouble()).isBetween(0.0, 0.5);
    assertThat(row(out.get("sign_conflicts"), "scope", "model").get("conflict").asDouble())
        .isBetween(0.2, 0.8);
    assertThat(row(out.get("tensor_differences"), "tensor", Family.COUNTER).get("reason").asText())
        .contains("I64");
    assertThat(plots.resolve("task-cosines.svg")).isNotEmptyFile();
    assertThat(plots.resolve("depth.svg")).isNotEmptyFile();
  }

  @Test
  void compareWithoutABaseComparesAllWithAllAndGuessesLineage() {
    Path models = dir.resolve("models");
    for (String name : new String[] {"a", "b", "c"}) {
      TinyCheckpoint out = new TinyCheckpoint();
      Family.add(out, name, "F32", "model.layers.0.self_attn.o_proj.weight", 8, 8);
      out.writeModel(models.resolve(name), "");
    }

    Cli run =
        Cli.run(
            "compare", "--lineage", models.resolve("a"), models.resolve("b"), models.resolve("c"));

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("Distances", "may descend from", "(root)", "a hint");
    assertThat(run.out().lines().filter(l -> l.contains("of 1 tensors")).count()).isEqualTo(3);
  }

  @Test
  void whatCannotBeAskedIsRefused() {
    Path a = zoo.resolve("a");
    assertRefused(Cli.run("compare", a), 2, "there is no other model");
    assertRefused(Cli.run("compare", "--base", a, a, "--top", "2"), 2, "it is a share");
    assertRefused(Cli.run("compare", a, a, "--top", "0.1"), 2, "give --base");
    assertRefused(Cli.run("compare", "--lineage", "--base", a, a), 2, "leave --base out");
    assertRefused(Cli.run("compare", "--lineage", a, a), 3, "no square matrix");
    assertRefused(Cli.run("stats", a, "--tensors", "nothing.*"), 2, "named like nothing.*");
    assertRefused(Cli.run("stats", dir.resolve("none")), 3, "Cannot open model");
    assertRefused(Cli.run("stats", a, "--per", "layer"), 2, "--per");
  }
}
