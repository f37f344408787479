package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.job.Family;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each bad model or output has its exit code and its words, and leaves nothing behind. */
class BadInputTest extends RefusedMerges {
  private static final String UP = Family.UP.formatted(1);

  private TinyCheckpoint a() {
    return Family.weights("a", "F32");
  }

  private void writeA(TinyCheckpoint weights) {
    weights.writeModel(zoo.resolve("a"), Family.CONFIG);
  }

  @Test
  void aMissingModelIsNamedWithItsNeighbour() throws IOException {
    refused(
        INPUT,
        ties("").replace("zoo/a", "zoo/bse"),
        "Cannot open model " + zoo.resolve("bse") + ": there is no such file or directory",
        "did you mean " + zoo.resolve("base") + "?");
  }

  @Test
  void aModelThatIsNotInTheCacheIsNamedWithTheCommandToGetIt() throws IOException {
    refused(
        INPUT,
        ties("").replace(zoo + "/a", "no-such-org/no-such-model"),
        "Cannot find model no-such-org/no-such-model: there is no such path",
        "hf download no-such-org/no-such-model");
  }

  @Test
  void aMissingTensorIsNamed() throws IOException {
    TinyCheckpoint less = new TinyCheckpoint();
    Family.add(less, "a", "F32", Family.EMBEDDING, 16, 6);
    writeA(less);

    refused(
        INPUT,
        ties(""),
        "Cannot merge with ties: 7 problems of the models",
        "\n  - " + zoo.resolve("a") + " lacks " + UP,
        "lacks lm_head.weight");
  }

  @Test
  void anExtraTensorIsNamed() throws IOException {
    writeA(a().add("model.layers.2.extra.weight", "F32", new long[] {1}, 1));

    refused(
        INPUT,
        ties(""),
        "Cannot merge with ties: " + zoo.resolve("a") + " has model.layers.2.extra.weight, which ",
        zoo.resolve("base") + " lacks");
  }

  @Test
  void shapesThatDifferAreShown() throws IOException {
    writeA(a().add(UP, "F32", new long[] {7, 9}, new double[63]));

    refused(
        INPUT,
        ties(""),
        UP + " differs in shape: ",
        zoo.resolve("base") + " has [9, 7]",
        zoo.resolve("a") + " has [7, 9]");
  }

  @Test
  void dtypesThatDifferAreShown() throws IOException {
    writeA(a().add(UP, "F16", new long[] {9, 7}, new double[63]));

    refused(
        INPUT,
        ties(""),
        UP + " differs in dtype: ",
        "base has F32",
        zoo.resolve("a") + " has F16",
        "(set dtype: in the recipe)");
  }

  @Test
  void aTensorThatOnlyOneModelCountsWithIsShown() throws IOException {
    writeA(a().add(Family.COUNTER, "F32", new long[] {3}, 1, 2, 3));

    refused(INPUT, ties("dtype: float32"), Family.COUNTER + " differs in dtype: ", "has I64");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 5, 100, 1000})
  void aTruncatedFileIsNamed(int bytes) throws IOException {
    Path file = zoo.resolve("a/model.safetensors");
    Files.write(file, Arrays.copyOf(Files.readAllBytes(file), bytes));

    refused(INPUT, ties(""), file, "may be cut off: copy or download it again");
  }

  @Test
  void aCorruptHeaderIsNamedWithTheByte() throws IOException {
    Path file = zoo.resolve("a/model.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    bytes[8] = 'x';
    Files.write(file, bytes);

    refused(INPUT, ties(""), file, "byte 8");
  }

  @Test
  void anIndexThatNamesAMissingShardIsRefused() throws IOException {
    Files.delete(zoo.resolve("a/model.safetensors"));
    a().writeSharded(zoo.resolve("a"), 3, Family.CONFIG);
    Files.delete(zoo.resolve("a/model-00002-of-00003.safetensors"));

    refused(
        INPUT,
        ties(""),
        zoo.resolve("a/model.safetensors.index.json"),
        "shard model-00002-of-00003.safetensors is missing");
  }

  @Test
  void aBrokenConfigIsNamed() throws IOException {
    Family.file(zoo.resolve("base/config.json"), "{\"a\": ");

    refused(INPUT, ties(""), "Cannot read " + zoo.resolve("base/config.json"), "invalid JSON");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-0.1", "1.0001", "7", ".nan", ".inf"})
  void aDensityOutOfRangeIsRefused(String density) throws IOException {
    refused(
        USAGE,
        ties("parameters: {density: " + density + "}"),
        "Cannot use the recipe: parameters.density: density must be within (0.0, 1.0], not ");
  }

  @Test
  void densityOneKeepsEverything() {
    Cli run = merge(ties("parameters: {density: 1}"));

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(out.resolve("model.safetensors")).exists();
  }

  @ParameterizedTest
  @CsvSource({"linear, parameters: {}", "task_arithmetic, parameters: {normalize: true}"})
  void weightsThatSumToZeroAreRefused(String method, String extra) throws IOException {
    refused(
        USAGE,
        Family.recipe(zoo, method, extra).replace("weight: 0.5", "weight: -0.6"),
        "the weights sum to 0.0 (change a weight, or set normalize: false)");
  }

  @ParameterizedTest
  @CsvSource({
    "linear, NaN, NaN",
    "ties, NaN, NaN",
    "ties, Infinity, Infinity",
    "dare_ties, -Infinity, -Inf"
  })
  void aValueThatIsNotFiniteIsNamedWithItsPlace(String method, double bad, String shown)
      throws IOException {
    double[] values = Family.values("a", UP, 9, 7);
    values[41] = bad;
    writeA(a().add(UP, "F32", new long[] {9, 7}, values));

    refused(
        INPUT,
        Family.recipe(zoo, method, method.equals("linear") ? "" : "parameters: {density: 0.5}"),
        "Cannot merge %s: a holds %s".formatted(UP, shown),
        " at element 41 of " + UP,
        "non_finite: keep");
  }

  @Test
  void aNanOfTheBaseIsNamed() throws IOException {
    double[] values = Family.values("base", Family.EMBEDDING, 16, 6);
    values[0] = Double.NaN;
    Family.weights("base", "F32")
        .add(Family.EMBEDDING, "F32", new long[] {16, 6}, values)
        .writeModel(zoo.resolve("base"), Family.CONFIG);

    refused(INPUT, ties(""), "the base model holds NaN at element 0 of " + Family.EMBEDDING);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/zoo/a", "/zoo/../zoo/a/", "/zoo/link"})
  void theSameModelTwiceIsRefused(String again) throws IOException {
    Files.createSymbolicLink(zoo.resolve("link"), zoo.resolve("a"));

    refused(
        USAGE,
        ties("").replace(zoo + "/b\n", dir + again + "\n"),
        "models[1]: ",
        "is the same model as models[0] (give it one entry with the parameters that you mean)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ties", "dare_ties", "dare_linear", "task_arithmetic"})
  void aMissingBaseIsRefused(String method) throws IOException {
    refused(
        USAGE,
        Family.recipe(zoo, method, "").replaceAll("base_model:.*\n", ""),
        "base_model: " + method + " needs a base model (add base_model:)");
  }

  @Test
  void anOutputThatExistsIsLeftAlone() throws IOException {
    Family.file(out.resolve("mine.txt"), "mine");

    assertRefused(
        merge(ties("")),
        CONFLICT,
        "Cannot write " + out + ": it exists (choose another directory, or pass --overwrite)");
    try (Stream<Path> left = Files.walk(out.getParent())) {
      assertThat(left).hasSize(3);
    }
  }

  @Test
  void anOutputThatIsAFileIsLeftAlone() throws IOException {
    Files.writeString(out, "mine");

    assertRefused(merge(ties("")), CONFLICT, "Cannot write " + out + ": it is a file");
    assertRefused(merge(ties(""), "--overwrite"), CONFLICT, out + ": it is a file");
    assertThat(out).hasContent("mine");
  }

  @Test
  void anInputIsNeverOverwritten() throws IOException {
    Files.createSymbolicLink(dir.resolve("way"), zoo);
    byte[] before = Files.readAllBytes(zoo.resolve("base/model.safetensors"));

    for (Path target : List.of(zoo.resolve("base"), zoo, dir.resolve("way/base"))) {
      out = target;
      assertRefused(
          merge(ties(""), "--overwrite"),
          CONFLICT,
          "Cannot write " + target + ": it holds the input " + zoo.resolve("base"));
    }
    assertThat(zoo.resolve("base/model.safetensors")).hasBinaryContent(before);
    assertThat(zoo.resolve("base/config.json")).exists();
  }

  @Test
  void aParentThatCannotBeMadeIsSaid() throws IOException {
    Path file = Files.writeString(out.resolveSibling("file"), "");
    out = file.resolve("out");

    assertRefused(
        merge(ties("")), CONFLICT, "Cannot write " + out + ": " + file + " is in the way");
  }

  @ParameterizedTest
  @ValueSource(strings = {"inspect", "verify"})
  void aFileThatIsNoModelIsRefused(String command) throws IOException {
    Path file =
        Files.write(dir.resolve("x.safetensors"), "nothing".getBytes(StandardCharsets.UTF_8));

    assertRefused(Cli.run(command, file), INPUT, file, "header too small");
    assertRefused(Cli.run(command, dir.resolve("x.txt")), INPUT, "there is no such file");
    assertRefused(Cli.run(command, dir.resolve("results")), INPUT, "it holds neither ");
  }
}
