package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.job.Family;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each bad recipe or command line has its exit code and its words, and leaves nothing behind. */
class BadRecipeTest extends RefusedMerges {
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
}
