package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.job.Family;
import io.weightloom.job.LocalSpark;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each bad input has its exit code and its words, and leaves nothing behind. */
@NullUnmarked
class BadInputTest {
  private static final int USAGE = 2;
  private static final int INPUT = 3;
  private static final int CONFLICT = 5;
  private static final String UP = Family.UP.formatted(1);

  @TempDir Path dir;
  private Path zoo;
  private Path out;

  @BeforeEach
  void writeModels() throws IOException {
    LocalSpark.stop();
    zoo = Family.write(dir.resolve("zoo"), "F32");
    out = Files.createDirectories(dir.resolve("results")).resolve("out");
  }

  private String ties(String extra) {
    return Family.recipe(zoo, "ties", extra);
  }

  /** Merges, and sees that it is refused with this code and these words and nothing is left. */
  private void refused(int exitCode, String recipe, Object... words) throws IOException {
    Cli run = merge(recipe);

    assertRefused(run, exitCode, words);
    try (Stream<Path> left = Files.list(out.getParent())) {
      assertThat(left).isEmpty();
    }
  }

  private Cli merge(String recipe, String... options) {
    Path file = Family.file(dir.resolve("recipe.yml"), recipe);
    return Cli.run(Stream.concat(Stream.of("merge", file, out), Arrays.stream(options)).toArray());
  }

  private static void assertRefused(Cli run, int exitCode, Object... words) {
    assertThat(run.err()).startsWith("weightloom: ").doesNotContain("\tat ", "Exception");
    assertThat(run.err())
        .contains(Arrays.stream(words).map(String::valueOf).toArray(String[]::new));
    assertThat(run.exitCode()).as(run.err()).isEqualTo(exitCode);
    assertThat(run.out()).isEmpty();
  }

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

  @Test
  void aRecipeThatIsNotThereIsSaid() {
    Path none = dir.resolve("none.yml");

    assertRefused(
        Cli.run("merge", none, out), USAGE, "Cannot read recipe " + none + ": there is no such");
  }

  @Test
  void aRecipeThatIsADirectoryIsSaid() {
    Cli run = Cli.run("merge", zoo, out);

    assertThat(run.err()).startsWith("weightloom: Cannot read recipe " + zoo + ": ");
    assertThat(run.exitCode()).isEqualTo(USAGE);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'merge_method: [ties'|it is not valid YAML, line",
        "'merge_method: ties\nmerge_method: linear'|it is not valid YAML, line 2",
        "'a: *b'|it is not valid YAML, line 1, column 4: found undefined alias b",
        "'a: \t- b'|it is not valid YAML, line 1",
        "'a: \u0001'|it is not valid YAML",
        "''|Cannot ",
        "'# only a comment'|Cannot ",
        "'just words'|expected keys and values, found just words",
        "'[1, 2]'|expected keys and values",
      })
  void yamlThatIsNoRecipeIsRefused(String yaml, String words) throws IOException {
    refused(USAGE, yaml, words, "recipe");
  }

  @Test
  void bytesThatAreNoTextAreRefused() throws IOException {
    Path file = Files.write(dir.resolve("recipe.yml"), new byte[] {(byte) 0xff, (byte) 0xfe, 0});

    Cli run = Cli.run("merge", file, out);

    assertThat(run.err()).contains("Cannot read recipe " + file, "it must be a UTF-8 text file");
    assertThat(run.exitCode()).isEqualTo(USAGE);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "dtyp: float32|dtyp: unknown key (did you mean dtype?)",
        "parameters: {densty: 0.5}|parameters.densty: unknown parameter of ties (did you mean density?)",
        "weightloom: {scop: model}|weightloom.scop: unknown key (did you mean scope?)",
        "weightloom: {scope: tensr}|weightloom.scope: expected one of tensor, model, found tensr",
        "dtype: bf16x|dtype: unknown dtype bf16x",
        "parameters: {normalize: perhaps}|parameters.normalize: expected true or false",
        "parameters: {density: much}|parameters.density: expected a number, found much",
        "modules: {}|modules: this key of mergekit's is not supported yet",
        "slices: []|exactly one of models and slices is needed",
      })
  void aMisspeltKeyIsRefusedWithASuggestion(String extra, String words) throws IOException {
    refused(USAGE, ties(extra), words);
  }

  @Test
  void anUnknownMethodIsRefusedWithASuggestion() throws IOException {
    refused(
        USAGE,
        Family.recipe(zoo, "tise", ""),
        "merge_method: unknown method tise (did you mean ties?)");
  }

  @Test
  void allProblemsAreListedAtOnce() throws IOException {
    refused(
        USAGE,
        ties("parameters: {density: 2, normalise: true}\ndtyp: float32")
            .replace("weight: 0.5", "wieght: 0.5"),
        "Cannot use the recipe: 4 problems of the recipe",
        "\n  - dtyp: unknown key",
        "\n  - parameters.density: density must be within",
        "\n  - parameters.normalise: unknown parameter of ties (did you mean normalize?)",
        "\n  - models[1].parameters.wieght: unknown parameter of ties (did you mean weight?)");
  }

  @Test
  void layersBeyondTheModelAreRefused() throws IOException {
    refused(
        USAGE,
        """
        merge_method: passthrough
        slices:
          - sources: [{model: ZOO/a, layer_range: [0, 5]}]
        """
            .replace("ZOO", zoo.toString()),
        "slices[0].sources[0].layer_range: ends at layer 5, but " + zoo.resolve("a") + " has 2");
  }

  @Test
  void tokenizersThatDifferAreRefusedWhereTheirUnionIsAsked() throws IOException {
    refused(
        USAGE, ties("tokenizer_source: union"), "tokenizer_source: the tokenizers of ", "differ");
  }

  @ParameterizedTest
  @CsvSource({
    "--block-size, 1000, 'Cannot use --block-size 1000: it must be a power of two from 2048 to 1048576'",
    "--block-size, 1024, 'Cannot use --block-size 1024: it must be'",
    "--block-size, 2097152, 'Cannot use --block-size 2097152: it must be'",
    "--block-size, much, 'Invalid value for option ''--block-size'''",
    "--seed, pi, 'is not a long'",
    "--seed, 9223372036854775808, 'is not a long'",
    "--numerics, exact, 'Invalid value for option ''--numerics'''",
    "--output, xml, 'Invalid value for option ''--output'''",
    "--progress, loud, 'Invalid value for option ''--progress'''",
    "--out-shard-size, 5X, 'expected a size such as 5B or 500M, found 5X'",
    "--out-shard-size, 0, 'expected 1 to 2^63 - 1 bytes, found 0'",
    "--out-shard-size, 18446745T, 'expected 1 to 2^63 - 1 bytes, found 18446745T'",
    "--no-such-flag, x, 'Unknown options: ''--no-such-flag'', ''x'''",
    "--master, nonsense, 'Cannot start Spark on nonsense: '",
    "--master, 'local[x]', 'Cannot start Spark on local[x]: '",
    "--master, 'local[0]', 'Cannot start Spark on local[0]: '",
  })
  void aBadOptionIsRefused(String option, String value, String words) throws IOException {
    assertRefused(merge(ties(""), option, value), USAGE, words);
    try (Stream<Path> left = Files.list(out.getParent())) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void anUnknownCommandIsRefusedWithASuggestion() {
    assertRefused(Cli.run("merg", "a", "b"), USAGE, "Try: weightloom --help", "weightloom merge");
  }

  @Test
  void noCommandShowsTheUsageOnStandardError() {
    Cli run = Cli.run();

    assertThat(run.err()).startsWith("Usage: weightloom ");
    assertThat(run.out()).isEmpty();
    assertThat(run.exitCode()).isEqualTo(USAGE);
  }

  @Test
  void missingArgumentsAreNamed() {
    assertRefused(Cli.run("merge", "recipe.yml"), USAGE, "OUT", "Try: weightloom merge --help");
    assertRefused(Cli.run("inspect"), USAGE, "MODEL", "Try: weightloom inspect --help");
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
