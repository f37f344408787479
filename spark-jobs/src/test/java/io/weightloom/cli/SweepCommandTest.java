package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.job.Family;
import io.weightloom.job.LocalSpark;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sweeps from the command line, with scoring programs of a few words. */
@NullUnmarked
class SweepCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The score of λ is largest at 0.4. */
  private static final String BY_NAME =
      "basename {} | sed 's/.*lambda=//' | awk '{print \"lambda\", $1; print 1 - ($1 - 0.4) ^ 2}'";

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

  private static List<String> names(Path dir) throws IOException {
    try (Stream<Path> entries = Files.list(dir)) {
      return entries.map(p -> p.getFileName().toString()).sorted().toList();
    }
  }

  private JsonNode table() throws IOException {
    return JSON.readTree(Files.readAllBytes(out.resolve("sweep.json")));
  }

  @Test
  void theBestIsKeptAndAllAreInTheTable() throws IOException {
    Cli run =
        Cli.run(
            "sweep",
            recipe,
            out,
            "--set",
            "parameters.lambda=0.2:0.8:0.2",
            "--score",
            BY_NAME,
            "--batch",
            2);

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(names(out)).containsExactly("best", "lambda=0.4", "sweep.csv", "sweep.json");
    assertThat(out.resolve("best").toRealPath()).isEqualTo(out.resolve("lambda=0.4").toRealPath());
    assertThat(run.out().lines().map(l -> l.strip().split(" +")[0]))
        .containsExactly(
            "candidate", "----------", "lambda=0.4", "lambda=0.2", "lambda=0.6", "lambda=0.8");
    assertThat(run.err())
        .contains("lambda=0.8: 0.84\n", "the best is " + out.resolve("lambda=0.4"));
    assertThat(table().get("finished").asBoolean()).isTrue();
    assertThat(table().get("best").asText()).isEqualTo("lambda=0.4");
    assertThat(table().get("candidates")).hasSize(4);
    assertThat(Files.readString(out.resolve("sweep.csv")))
        .startsWith("candidate,parameters.lambda,score,kept,content\nlambda=0.4,0.4,1.0,true,");
    assertThat(Cli.run("verify", out.resolve("best")).exitCode()).isZero();
  }

  @Test
  void aCandidateIsWhatAMergeOfItsRecipeWrites() throws IOException {
    Cli.run("sweep", recipe, out, "--set", "parameters.lambda=0.2,0.7");
    Path candidate = out.resolve("lambda=0.7");
    Path alone = dir.resolve("alone").resolve("lambda=0.7");

    Cli run = Cli.run("merge", candidate.resolve("mergekit_config.yml"), alone);

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(names(alone)).isEqualTo(names(candidate));
    for (String name : names(alone)) {
      assertThat(alone.resolve(name)).hasSameBinaryContentAs(candidate.resolve(name));
    }
  }

  @Test
  void lowerMayBeBetterAndAllMayStay() throws IOException {
    Cli run =
        Cli.run(
            "sweep",
            recipe,
            out,
            "--set",
            "parameters.lambda=0.2,0.4,0.8",
            "--score",
            BY_NAME,
            "--minimise",
            "--keep",
            "all",
            "--output",
            "json");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(JSON.readTree(run.out()).get("best").asText()).isEqualTo("lambda=0.8");
    assertThat(names(out))
        .containsExactly(
            "best", "lambda=0.2", "lambda=0.4", "lambda=0.8", "sweep.csv", "sweep.json");
  }

  @Test
  void withoutScoresAllStayAndNoneIsTheBest() throws IOException {
    Cli run = Cli.run("sweep", recipe, out, "--set", "parameters.lambda=0.2,0.4");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(names(out)).containsExactly("lambda=0.2", "lambda=0.4", "sweep.csv", "sweep.json");
    assertThat(table().has("best")).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "exit 7 # | the command exited with 7",
        "true # | the command printed nothing",
        "echo accuracy 0.5 # | the command's last line is no number: accuracy 0.5",
        "echo NaN # | the command's score is NaN",
        "no-such-program-here | the command exited with 127",
      })
  void aScoreThatIsNoneIsAnErrorThatLosesNothing(String command, String why) throws IOException {
    String failing = "case {} in *0.4) " + command + "\n;; *) echo 1;; esac";

    Cli run =
        Cli.run(
            "sweep",
            recipe,
            out,
            "--set",
            "parameters.lambda=0.2,0.4,0.6",
            "--score",
            failing,
            "--batch",
            2);

    assertThat(run.exitCode()).isEqualTo(3);
    assertThat(run.err()).contains("weightloom: Cannot score lambda=0.4: " + why);
    assertThat(table().get("finished").asBoolean()).isFalse();
    assertThat(table().get("candidates").get(0).get("score").asDouble()).isEqualTo(1);
    assertThat(names(out)).contains("lambda=0.2", "lambda=0.4").doesNotContain("lambda=0.6");
  }

  /** Every call of the scoring command leaves a line; it fails while a file is there. */
  private String countedScore() {
    return "echo $(basename {}) >> CALLS; case {} in *0.6) test ! -e STOP || exit 9;; esac; "
            .replace("CALLS", dir.resolve("calls").toString())
            .replace("STOP", dir.resolve("stop").toString())
        + BY_NAME;
  }

  private Cli goOn(Object... more) throws IOException {
    List<Object> words =
        new ArrayList<>(
            List.of(
                "sweep",
                recipe,
                out,
                "--set",
                "parameters.lambda=0.2:1:0.2",
                "--score",
                countedScore()));
    words.addAll(List.of(more));
    return Cli.run(words.toArray());
  }

  private List<String> calls() throws IOException {
    List<String> calls = Files.readAllLines(dir.resolve("calls"));
    Files.delete(dir.resolve("calls"));
    return calls;
  }

  @ParameterizedTest
  @CsvSource({"2, 2", "3, 1", "1, 5", "5, 5"})
  void aSweepThatFailedGoesOnWhereItStopped(int batch, int laterBatch) throws IOException {
    Files.writeString(dir.resolve("stop"), "");
    assertThat(goOn("--batch", batch).exitCode()).isEqualTo(3);
    assertThat(calls()).containsExactly("lambda=0.2", "lambda=0.4", "lambda=0.6");
    FileTime best = Files.getLastModifiedTime(out.resolve("lambda=0.4/model.safetensors"));
    Files.delete(dir.resolve("stop"));

    Cli run = goOn("--batch", laterBatch);

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(calls()).containsExactly("lambda=0.6", "lambda=0.8", "lambda=1.0");
    assertThat(run.err()).contains("tried 5 candidates, 2 of them in an earlier run, in ");
    assertThat(names(out)).containsExactly("best", "lambda=0.4", "sweep.csv", "sweep.json");
    assertThat(Files.getLastModifiedTime(out.resolve("lambda=0.4/model.safetensors")))
        .as("the best was not merged again")
        .isEqualTo(best);
    String table = Files.readString(out.resolve("sweep.csv"));

    assertThat(goOn("--overwrite").exitCode()).isZero();
    assertThat(calls()).hasSize(5);
    assertThat(Files.readString(out.resolve("sweep.csv"))).isEqualTo(table);
  }

  /** A kill leaves no more than this: the table, models, and the leavings of a merge. */
  @Test
  void whatAKilledSweepDidNotNoteIsMadeAgain() throws IOException {
    Files.writeString(dir.resolve("stop"), "");
    goOn("--batch", 4);
    calls();
    Files.delete(dir.resolve("stop"));
    for (String model : List.of("lambda=0.4", "lambda=0.8")) {
      Files.walkFileTree(out.resolve(model), new Deleting());
    }
    Files.createDirectories(out.resolve("lambda=1.0"));
    Files.writeString(out.resolve("notes"), "mine");

    Cli run = goOn("--keep", "all");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(calls()).containsExactly("lambda=0.6", "lambda=0.8", "lambda=1.0");
    assertThat(names(out))
        .containsExactly(
            "best",
            "lambda=0.2",
            "lambda=0.4",
            "lambda=0.6",
            "lambda=0.8",
            "lambda=1.0",
            "notes",
            "sweep.csv",
            "sweep.json");
    for (String lambda : List.of("0.4", "0.8", "1.0")) {
      assertThat(Cli.run("verify", out.resolve("lambda=" + lambda)).exitCode()).isZero();
    }
  }

  private static final class Deleting extends SimpleFileVisitor<Path> {
    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attrs) throws IOException {
      Files.delete(file);
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path gone, @Nullable IOException e)
        throws IOException {
      Files.delete(gone);
      return FileVisitResult.CONTINUE;
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"recipe", "input", "command"})
  void anotherSweepIsNotGoneOnWith(String changed) throws IOException {
    Files.writeString(dir.resolve("stop"), "");
    goOn();
    calls();
    Files.delete(dir.resolve("stop"));
    String before = Files.readString(out.resolve("sweep.json"));
    switch (changed) {
      case "recipe" ->
          Family.file(recipe, Family.recipe(zoo, "ties", "parameters: {density: 0.4}"));
      case "input" -> Family.weights("c", "BF16").writeModel(zoo.resolve("a"), Family.CONFIG);
      default -> {}
    }

    Cli run =
        changed.equals("command")
            ? Cli.run(
                "sweep", recipe, out, "--set", "parameters.lambda=0.2:1:0.2", "--score", BY_NAME)
            : goOn();

    assertThat(run.exitCode()).isEqualTo(5);
    assertThat(run.err()).contains("Cannot go on with the sweep in " + out);
    assertThat(Files.readString(out.resolve("sweep.json"))).isEqualTo(before);
    assertThat(dir.resolve("calls")).doesNotExist();
  }

  @Test
  void onlyASweepIsReplaced() throws IOException {
    Files.createDirectories(out);
    Files.writeString(out.resolve("thesis.tex"), "mine");

    Cli refused = Cli.run("sweep", recipe, out, "--set", "parameters.lambda=1", "--overwrite");

    assertThat(refused.exitCode()).isEqualTo(5);
    assertThat(refused.err()).contains("it is not the output of a sweep");
    assertThat(out.resolve("thesis.tex")).hasContent("mine");
    Files.delete(out.resolve("thesis.tex"));
    assertThat(Cli.run("sweep", recipe, out, "--set", "parameters.lambda=1").exitCode()).isZero();
    assertThat(Cli.run("sweep", recipe, out, "--set", "parameters.lambda=2").exitCode())
        .isEqualTo(5);
    assertThat(
            Cli.run("sweep", recipe, out, "--set", "parameters.lambda=2", "--overwrite").exitCode())
        .isZero();
    assertThat(names(out)).containsExactly("lambda=2", "sweep.csv", "sweep.json");
  }

  @Test
  void aDryRunNamesTheCandidates() {
    Cli run =
        Cli.run(
            "sweep", recipe, out, "--set", "parameters.lambda=1,2,3", "--batch", 2, "--dry-run");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out())
        .contains("candidates  3 in 2 batches: lambda=1 lambda=2 lambda=3\n", "method      ties");
    assertThat(out).doesNotExist();
    assertThat(LocalSpark.isRunning()).isFalse();
  }

  @Test
  void aMistakeInOneCandidateStopsAllBeforeAnythingIsWritten() {
    Cli run = Cli.run("sweep", recipe, out, "--set", "parameters.density=0.5,1.5");

    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("density must be within (0.0, 1.0], not 1.5");
    assertThat(out).doesNotExist();
  }

  @Test
  void averagesOfTheFirstModelsAreACandidateEach() throws IOException {
    Path soup =
        Family.file(
            dir.resolve("soup.yml"),
            """
            merge_method: model_soup
            models: [{model: ZOO/a}, {model: ZOO/b}, {model: ZOO/base}]
            dtype: bfloat16
            weightloom: {sweep: {models.first: {from: 1, to: 3, step: 1}}}
            """
                .replace("ZOO", zoo.toString()));

    Cli run = Cli.run("sweep", soup, out);

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(names(out))
        .containsExactly("first=1", "first=2", "first=3", "sweep.csv", "sweep.json");
    Path even =
        Family.file(
            dir.resolve("even.yml"),
            "merge_method: linear\nmodels: [{model: ZOO/a, parameters: {weight: 1}}, {model: ZOO/b, parameters: {weight: 1}}]\ndtype: bfloat16\n"
                .replace("ZOO", zoo.toString()));
    assertThat(Cli.run("merge", even, dir.resolve("even")).exitCode()).isZero();
    assertThat(out.resolve("first=2/model.safetensors"))
        .hasSameBinaryContentAs(dir.resolve("even/model.safetensors"));
  }

  /** a and c go well together; with b everything is worse. */
  @ParameterizedTest
  @CsvSource({"1", "2", "16"})
  void aGreedySoupIsMeasured(int batch) throws IOException {
    Family.weights("c", "BF16").writeModel(zoo.resolve("c"), Family.CONFIG);
    Path soup =
        Family.file(
            dir.resolve("soup.yml"),
            """
            merge_method: model_soup
            models: [{model: ZOO/b}, {model: ZOO/c}, {model: ZOO/a}]
            dtype: bfloat16
            weightloom: {select: greedy}
            """
                .replace("ZOO", zoo.toString()));
    String score =
        """
        case {} in
          */zoo/a) echo 3;; */zoo/b) echo 2;; */zoo/c) echo 1;;
          *) n=$(grep -c model: {}/mergekit_config.yml)
             grep -q zoo/b {}/mergekit_config.yml && n=0
             echo $((n + 2));;
        esac
        """;

    Cli run = Cli.run("sweep", soup, out, "--score", score, "--batch", batch);

    assertThat(run.exitCode()).as(run.err()).isZero();
    Path even =
        Family.file(
            dir.resolve("even.yml"),
            "merge_method: linear\nmodels: [{model: ZOO/a, parameters: {weight: 1}}, {model: ZOO/c, parameters: {weight: 1}}]\ndtype: bfloat16\n"
                .replace("ZOO", zoo.toString()));
    Cli.run("merge", even, dir.resolve("even"));
    assertThat(out.resolve("best/model.safetensors"))
        .hasSameBinaryContentAs(dir.resolve("even/model.safetensors"));
    assertThat(names(out)).hasSize(4);
    assertThat(table().get("candidates").get(0).get("values").get("models").asText())
        .isEqualTo("a+c");
  }
}
