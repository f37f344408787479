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
import java.util.Collections;
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

  /** Row 3 is nearly as the unused ones, 5 to 7. */
  @Test
  void rowsNearTheUnusedOnesAreTold() throws IOException {
    double[] values = Family.values("m", "e", 8, 4);
    for (int row : new int[] {3, 5, 6, 7}) {
      for (int c = 0; c < 4; c++) {
        values[row * 4 + c] = 2 + 0.001 * row;
      }
    }
    Path model =
        new TinyCheckpoint()
            .add("embed_tokens.weight", "F32", new long[] {8, 4}, values)
            .add("norm.weight", "F32", new long[] {4}, 1, 1, 1, 1)
            .writeModel(dir.resolve("m"), "");

    JsonNode rows =
        json(Cli.run("stats", model, "--unused-rows", "5-7", "--output", "json"))
            .get("row_distances")
            .get("rows");
    Cli text = Cli.run("stats", model, "--unused-rows", "5,6,7");

    assertThat(rows).hasSize(8);
    assertThat(rows.get(3).get("distance_to_unused").asDouble()).isCloseTo(0.006, within(1e-5));
    assertThat(rows.get(3).get("is_unused").asBoolean()).isFalse();
    assertThat(rows.get(6).get("is_unused").asBoolean()).isTrue();
    assertThat(text.out()).contains("8 rows, 3 unused").contains("unused rows");
    assertThat(text.out().lines().filter(l -> l.startsWith("    row")).findFirst())
        .hasValueSatisfying(l -> assertThat(l).startsWith("    row 3 at"));
    assertRefused(
        Cli.run("stats", model, "--unused-rows", "7-8"), 2, "embed_tokens.weight", "it has 8 rows");
    assertRefused(Cli.run("stats", model, "--unused-rows", "x"), 2, "neither a number");
    assertRefused(
        Cli.run("stats", model, "--tensors", "norm.*", "--unused-rows", "0"), 2, "is a matrix");
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

  /** One tensor has all the large differences, and so all the largest elements of the model. */
  @Test
  void theLargestElementsOfAModelLieWhereTheDifferencesAreLarge() throws IOException {
    Path base = dir.resolve("zeros");
    new TinyCheckpoint()
        .add("model.layers.0.w", "F32", new long[] {8, 8}, new double[64])
        .add("model.layers.1.w", "F32", new long[] {8, 8}, new double[64])
        .writeModel(base, "");
    for (String name : new String[] {"x", "y"}) {
      double[] large = Family.values(name, "large", 8, 8);
      double[] small = Family.values(name, "small", 8, 8);
      for (int i = 0; i < 64; i++) {
        large[i] += Math.copySign(100, large[i]);
        small[i] += 1e-3;
      }
      new TinyCheckpoint()
          .add("model.layers.0.w", "F32", new long[] {8, 8}, large)
          .add("model.layers.1.w", "F32", new long[] {8, 8}, small)
          .writeModel(dir.resolve(name), "");
    }

    for (String scope : new String[] {"tensor", "model"}) {
      JsonNode rows =
          json(Cli.run(
                  "compare",
                  "--base",
                  base,
                  dir.resolve("x"),
                  dir.resolve("y"),
                  "--top",
                  "0.25",
                  "--top-scope",
                  scope,
                  "--output",
                  "json"))
              .get("task_vectors");
      double expected = scope.equals("model") ? 0.5 : 0.25;
      assertThat(row(rows, "name", "model.layers.0.w").get("density_first").asDouble())
          .isEqualTo(expected);
      assertThat(row(rows, "name", "model.layers.1.w").get("density_first").asDouble())
          .isEqualTo(0.5 - expected);
      assertThat(row(rows, "scope", "model").get("density_first").asDouble()).isEqualTo(0.25);
    }
  }

  @Test
  void aModelOfOtherNamesIsComparedByRules() throws IOException {
    for (String prefix : new String[] {"model.layers", "transformer.h"}) {
      TinyCheckpoint out = new TinyCheckpoint();
      for (int layer = 0; layer < 2; layer++) {
        out.add(
            "%s.%d.w".formatted(prefix, layer),
            "F32",
            new long[] {4, 4},
            Family.values(prefix.equals("model.layers") ? "base" : "a", "w" + layer, 4, 4));
      }
      out.writeModel(dir.resolve(prefix), "");
    }
    Path first = dir.resolve("model.layers");
    Path other = dir.resolve("transformer.h");
    String rule = "transformer.h.*=model.layers.*";

    JsonNode tables =
        json(Cli.run("compare", "--base", first, other, "--rename", rule, "--output", "json"));

    assertThat(tables.get("model_differences").get("rows").get(0).get("tensors").asInt())
        .isEqualTo(2);
    JsonNode row = row(tables.get("tensor_differences"), "tensor", "model.layers.1.w");
    assertThat(row.get("relative_distance").asDouble()).isBetween(0.001, 0.2);
    assertRefused(Cli.run("compare", first, other, "--rename", "x"), 2, "FROM=TO");
    assertRefused(Cli.run("compare", first, other, "--rename", "h.*=*"), 2, "h.*=*", "is named so");
    assertRefused(
        Cli.run("compare", first, other, "--rename", "transformer.h.*.w=w"), 2, "would both be w");
  }

  @Test
  void leadingDirectionsOfTaskVectorsAreComparedByMatrix() throws IOException {
    Path base = zoo.resolve("base");
    Path a = zoo.resolve("a");
    Path b = zoo.resolve("b");

    JsonNode table =
        json(Cli.run("compare", "--base", base, a, b, "--subspace", "2", "--output", "json"))
            .get("task_subspaces");
    Cli text = Cli.run("compare", "--base", base, a, b, "--subspace", "2");

    JsonNode up = row(table, "tensor", Family.UP.formatted(1));
    assertThat(up.get("directions").asInt()).isEqualTo(2);
    assertThat(up.get("left").asDouble()).isBetween(0.0, 0.95);
    assertThat(up.get("right").asDouble()).isBetween(0.0, 0.95);
    assertThat(up.get("left_cka").asDouble()).isBetween(0.0, 1.0);
    assertThat(text.out()).contains("Shared leading directions", "right CKA");
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
    assertRefused(Cli.run("compare", "--base", a, a, "--top-scope", "model"), 2, "give --top");
    List<Object> many = new ArrayList<>(List.of("compare", "--base", a, "--top", "0.1"));
    many.addAll(Collections.nCopies(33, a));
    assertRefused(Cli.run(many.toArray()), 2, "33 task vectors at once: the most is 32");
    assertRefused(Cli.run("compare", a, a, "--subspace", "3"), 2, "give --base");
    assertRefused(Cli.run("compare", "--base", a, a, "--subspace", "3"), 2, "two models");
    assertRefused(Cli.run("compare", "--base", a, a, a, "--subspace", "-1"), 2, "1 or more");
    assertRefused(Cli.run("compare", "--base", a, a, a, "--subspace", "0"), 2, "--subspace is 0");
    assertRefused(Cli.run("compare", "--lineage", "--base", a, a), 2, "leave --base out");
    assertRefused(Cli.run("compare", "--lineage", a, a), 3, "no square matrix");
    assertRefused(Cli.run("stats", a, "--tensors", "nothing.*"), 2, "named like nothing.*");
    assertRefused(Cli.run("stats", dir.resolve("none")), 3, "Cannot open model");
    assertRefused(Cli.run("stats", a, "--per", "layer"), 2, "--per");
  }
}
