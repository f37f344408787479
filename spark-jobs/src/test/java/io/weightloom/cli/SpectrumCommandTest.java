package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.job.LocalSpark;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.assertj.core.data.Offset;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Spectra of whole models from the command line: what is found, left out, refused and written. */
@NullUnmarked
class SpectrumCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String UP = "model.layers.%d.mlp.up_proj.weight";

  @TempDir Path dir;
  private Path base;
  private Path tuned;

  @BeforeEach
  void writeModels() throws IOException {
    LocalSpark.stop();
    double[] embedding = gaussian(64 * 24, 1);
    double[][] ups = {gaussian(48 * 24, 2), gaussian(48 * 24, 3)};
    double[] experts = gaussian(2 * 24 * 20, 4);
    base = write("base", embedding, ups, experts);
    double[][] changed = {ups[0], ups[1].clone()};
    double[] left = gaussian(48, 5);
    double[] right = gaussian(24, 6);
    for (int i = 0; i < changed[1].length; i++) {
      changed[1][i] += 10 * left[i / 24] * right[i % 24];
    }
    tuned = write("tuned", embedding, changed, experts);
  }

  private Path write(String name, double[] embedding, double[][] ups, double[] experts)
      throws IOException {
    return new TinyCheckpoint()
        .add("model.embed_tokens.weight", "F32", new long[] {64, 24}, embedding)
        .add(UP.formatted(0), "F32", new long[] {48, 24}, ups[0])
        .add(UP.formatted(1), "F32", new long[] {48, 24}, ups[1])
        .add("model.layers.0.mlp.experts", "F32", new long[] {2, 24, 20}, experts)
        .add("model.norm.weight", "F32", new long[] {24}, gaussian(24, 7))
        .writeModel(dir.resolve(name), "{}");
  }

  private static double[] gaussian(int count, long seed) {
    Random random = new Random(seed);
    return IntStream.range(0, count).mapToDouble(i -> 0.02 * random.nextGaussian()).toArray();
  }

  private static JsonNode tables(Cli run) throws IOException {
    assertThat(run.exitCode()).as(run.err()).isZero();
    return JSON.readTree(run.out()).get("tables");
  }

  private static Stream<JsonNode> rows(JsonNode tables) {
    return StreamSupport.stream(tables.get("spectrum").get("rows").spliterator(), false);
  }

  private static JsonNode row(JsonNode tables, String tensor) {
    return rows(tables)
        .filter(r -> r.get("tensor").asText().equals(tensor))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void everyTensorHasARow() throws IOException {
    JsonNode tables = tables(Cli.run("spectrum", base, "--output", "json"));

    assertThat(rows(tables).map(r -> r.get("tensor").asText() + r.get("slice").asText()))
        .containsExactlyInAnyOrder(
            "model.embed_tokens.weightnull",
            "model.layers.0.mlp.experts0",
            "model.layers.0.mlp.experts1",
            UP.formatted(0) + "null",
            UP.formatted(1) + "null",
            "model.norm.weightnull");
    JsonNode norm = row(tables, "model.norm.weight");
    assertThat(norm.get("status").asText()).isEqualTo("skipped");
    assertThat(norm.get("reason").asText()).isEqualTo("no matrix: 1 dimensions");
    assertThat(norm.get("alpha").isNull()).isTrue();
    JsonNode up = row(tables, UP.formatted(1));
    assertThat(up.get("layer").asInt()).isEqualTo(1);
    assertThat(up.get("role").asText()).isEqualTo("mlp.up_proj");
    double squares =
        Arrays.stream(gaussian(48 * 24, 3)).map(x -> (double) (float) x).map(x -> x * x).sum();
    assertThat(up.get("norm").asDouble()).isCloseTo(squares, Offset.offset(1e-9));
    JsonNode summary = tables.get("spectrum_summary").get("rows").get(0);
    assertThat(summary.get("matrices").asInt()).isEqualTo(5);
    double mean =
        rows(tables)
            .filter(r -> r.get("status").asText().equals("ok"))
            .mapToDouble(r -> r.get("alpha").asDouble())
            .average()
            .orElseThrow();
    assertThat(summary.get("alpha").asDouble()).isCloseTo(mean, Offset.offset(1e-9));
  }

  @Test
  void coresDoNotShow() throws IOException {
    JsonNode one =
        tables(
            Cli.run("spectrum", base, "--randomize", "--output", "json", "--master", "local[1]"));
    JsonNode two =
        tables(
            Cli.run("spectrum", base, "--randomize", "--output", "json", "--master", "local[2]"));

    assertThat(two).isEqualTo(one);
  }

  @Test
  void aBaseIsSubtracted() throws IOException {
    JsonNode tables = tables(Cli.run("spectrum", tuned, "--base", base, "--output", "json"));

    assertThat(row(tables, UP.formatted(0)).get("reason").asText()).isEqualTo("equal to the base");
    JsonNode up = row(tables, UP.formatted(1));
    assertThat(up.get("lora_rank").asInt()).isEqualTo(1);
    assertThat(up.get("stable_rank").asDouble()).isCloseTo(1, Offset.offset(1e-6));
  }

  @Test
  void spectralNormAloneIsThatOfTheSpectrum() throws IOException {
    JsonNode all = tables(Cli.run("spectrum", base, "--output", "json"));
    JsonNode only =
        tables(Cli.run("spectrum", base, "--only", "spectral-norm", "--output", "json"));

    JsonNode up = row(only, UP.formatted(0));
    assertThat(up.get("method").asText()).isEqualTo("lanczos");
    assertThat(up.get("alpha").isNull()).isTrue();
    assertThat(up.get("stable_rank").asDouble())
        .isCloseTo(row(all, UP.formatted(0)).get("stable_rank").asDouble(), Offset.offset(1e-6));
  }

  @Test
  void weightWatchersModeLeavesOutWhatItLeavesOut() throws IOException {
    JsonNode tables =
        tables(Cli.run("spectrum", base, "--mode", "weightwatcher", "--output", "json"));

    assertThat(row(tables, "model.layers.0.mlp.experts").get("reason").asText())
        .startsWith("WeightWatcher: ");
    assertThat(row(tables, UP.formatted(0)).get("status").asText()).isEqualTo("ok");
  }

  @Test
  void weloreFindsItsThreshold() throws IOException {
    JsonNode tables =
        tables(Cli.run("spectrum", base, "--welore-reduction", "0.5", "--output", "json"));

    double mean =
        rows(tables)
            .filter(r -> r.get("status").asText().equals("ok"))
            .mapToDouble(r -> r.get("welore_reduction").asDouble())
            .average()
            .orElseThrow();
    assertThat(mean).isBetween(0.5, 0.53);
  }

  /** Of 10 samples of 24 inputs, so that 14 directions are empty. */
  @Test
  void gramMatricesTellHowManyDirectionsAreEmpty() throws IOException {
    double[] inputs = gaussian(10 * 24, 11);
    double[] gram = new double[24 * 24];
    for (int i = 0; i < gram.length; i++) {
      for (int s = 0; s < 10; s++) {
        gram[i] += inputs[s * 24 + i / 24] * inputs[s * 24 + i % 24];
      }
    }
    Path grams =
        new TinyCheckpoint()
            .add(UP.formatted(0), "F64", new long[] {24, 24}, gram)
            .writeModel(dir.resolve("grams"), "{}");

    JsonNode tables = tables(Cli.run("spectrum", grams, "--epsilon", "1e-12", "--output", "json"));

    assertThat(row(tables, UP.formatted(0)).get("rank_deficiency").asInt()).isEqualTo(14);
    assertThat(row(tables, UP.formatted(0)).get("method").asText()).isEqualTo("svd");
  }

  @Test
  void pageTellsOfLayersAndOddities() {
    Cli run = Cli.run("spectrum", base);

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out())
        .contains(
            "5 matrices, 1 tensors left out",
            "alpha by layer and role",
            "up_proj",
            "alpha outside the layers",
            "lowest stable rank for the size",
            "means over the matrices",
            "no matrix: 1 dimensions");
  }

  @Test
  void picturesAndTablesAreWritten() {
    Path out = dir.resolve("out");
    Cli run = Cli.run("spectrum", base, "--to", out, "--plot", out.resolve("plots"), "--esd", "1");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(out.resolve("spectrum")).isDirectory();
    assertThat(out.resolve("spectrum_summary")).isDirectory();
    assertThat(out.resolve("plots/alpha-by-depth.svg")).content().startsWith("<svg");
    assertThat(out.resolve("plots/decay.svg")).exists();
    assertThat(out.resolve("plots")).isDirectoryContaining("glob:**/esd-*.svg");
  }

  @Test
  void oneBadTensorIsARowNotTheEnd() throws IOException {
    double[] bad = gaussian(24 * 24, 8);
    bad[5] = Double.NaN;
    Path model =
        new TinyCheckpoint()
            .add("a.weight", "F32", new long[] {24, 24}, bad)
            .add("b.weight", "F32", new long[] {24, 24}, gaussian(24 * 24, 9))
            .writeModel(dir.resolve("bad"), "{}");

    JsonNode tables = tables(Cli.run("spectrum", model, "--output", "json"));

    assertThat(row(tables, "a.weight").get("reason").asText()).isEqualTo("holds NaN at element 5");
    assertThat(row(tables, "b.weight").get("status").asText()).isEqualTo("ok");
  }

  static Stream<String> refused() {
    return Stream.of(
        "--threshold 2 | it is a share in [0, 1)",
        "--threshold -1 | it is a share in [0, 1)",
        "--xmax -3 | number of eigenvalues",
        "--only spectral-norm --randomize | need all",
        "--only spectral-norm --epsilon 1e-6 | need all",
        "--epsilon -1 | it is a bound of singular values, 0 or more",
        "--only everything | spectral-norm",
        "--welore 0.1 --welore-reduction 0.5 | one of them",
        "--clip-xmax --xmin-peak | one of them",
        "--welore-reduction 1.5 | share in [0, 1]",
        "--mode heavy | mode",
        "--tensors *.nothing | *.nothing");
  }

  @ParameterizedTest
  @MethodSource("refused")
  void wrongOptionsAreRefused(String line) {
    String[] parts = line.split(" \\| ");
    Object[] arguments =
        Stream.concat(Stream.of("spectrum", base), Arrays.stream(parts[0].split(" "))).toArray();

    Cli run = Cli.run(arguments);

    assertThat(run.exitCode()).as(run.err()).isEqualTo(2);
    assertThat(run.err()).startsWith("weightloom: ").contains(parts[1]).doesNotContain("\tat ");
  }

  @Test
  void aStrangerIsNoBase() throws IOException {
    Path other =
        new TinyCheckpoint()
            .add("encoder.weight", "F32", new long[] {4, 4}, gaussian(16, 10))
            .writeModel(dir.resolve("other"), "{}");

    Cli run = Cli.run("spectrum", base, "--base", other);

    assertThat(run.exitCode()).isEqualTo(3);
    assertThat(run.err()).contains("Cannot compare", "encoder.weight", "same architecture");
    assertThat(Cli.run("spectrum", dir.resolve("nowhere")).exitCode()).isEqualTo(3);
    assertThat(Files.exists(dir.resolve("nowhere"))).isFalse();
  }
}
