package io.weightloom.dist;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.dist.Launcher.Ran;
import io.weightloom.dist.Launcher.Running;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher and the home, from outside. */
class LauncherIT {
  private static final String TRIM = "parameters: {density: 0.3}";

  @TempDir static Path shared;
  @TempDir Path dir;

  @BeforeAll
  static void writeModels() {
    Zoo.small(shared);
  }

  private static List<String> names(Path dir) throws IOException {
    try (Stream<Path> entries = Files.list(dir)) {
      return entries.map(p -> p.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void aMergeSpeaksOurWordsOnly() throws Exception {
    Path recipe = Zoo.recipe(shared, "ties", TRIM);
    Path out = dir.resolve("out");

    Ran merged = new Launcher().run("merge", recipe, out);
    Ran verified = new Launcher().run("verify", out);

    assertThat(merged.exitCode()).as(merged.err()).isZero();
    assertThat(merged.out()).isEmpty();
    assertThat(merged.err())
        .matches(
            "(?s)merged 3 tensors, 18\\.00 K parameters, 70\\.31 KiB by ties in \\d+\\.\\d s: "
                + out
                + "\n  kept 30\\.00 % of the task vector of a\n"
                + "  kept 30\\.00 % of the task vector of b\n");
    assertThat(verified.exitCode()).as(verified.err()).isZero();
    assertThat(verified.err())
        .isEqualTo(out + ": 3 tensors, 70.31 KiB, every digest as the manifest says\n");
    assertThat(names(dir)).containsExactly("out");
  }

  @Test
  void jsonIsAllThatStandardOutputHolds() throws Exception {
    Path recipe = Zoo.recipe(shared, "linear", "");

    Ran ran =
        new Launcher()
            .run("merge", recipe, dir.resolve("out"), "--output", "json", "--master", "local[1]");

    assertThat(ran.exitCode()).as(ran.err()).isZero();
    assertThat(ran.out()).startsWith("{\n  \"output\" : ").endsWith("}\n");
    assertThat(ran.err()).isEmpty();
  }

  @Test
  void exitCodesAreThoseOfThePolicy() throws Exception {
    Path recipe = Zoo.recipe(shared, "ties", TRIM);
    Path misspelt = Files.writeString(dir.resolve("bad.yml"), "merge_metod: ties\n");
    Path taken = Files.createDirectories(dir.resolve("taken/by")).getParent();

    assertRefused(2, new Launcher().run("merge", misspelt, dir.resolve("out")), "merge_method?");
    assertRefused(2, new Launcher().run("merge"), "RECIPE");
    assertRefused(2, new Launcher().run("no-such-command"), "Try: weightloom --help");
    assertRefused(
        2, new Launcher().run("merge", recipe, taken, "--master", "sparks://host"), "spark://HOST");
    assertRefused(3, new Launcher().run("inspect", dir.resolve("none")), "there is no such file");
    assertRefused(5, new Launcher().run("merge", recipe, taken), taken + ": it exists");
    assertThat(names(dir)).containsExactly("bad.yml", "taken");
  }

  private static void assertRefused(int exitCode, Ran ran, String words) {
    assertThat(ran.err()).startsWith("weightloom: ").contains(words).doesNotContain("\tat ");
    assertThat(ran.out()).isEmpty();
    assertThat(ran.exitCode()).isEqualTo(exitCode);
  }

  @Test
  void whatNeedsNoSparkStartsNone() throws Exception {
    Path recipe = Zoo.recipe(shared, "ties", TRIM);

    assertThat(startsSpark(0, "Usage: weightloom", "--help")).isFalse();
    assertThat(startsSpark(0, "18.00 K parameters", "inspect", shared.resolve("a"))).isFalse();
    assertThat(startsSpark(0, "", "verify", shared.resolve("a"))).isFalse();
    assertThat(startsSpark(0, "spark ", "doctor")).isFalse();
    assertThat(startsSpark(0, "method  ", "merge", recipe, "o", "--dry-run")).isFalse();
    assertThat(startsSpark(2, "", "merge", shared.resolve("none.yml"), "o")).isFalse();
    assertThat(startsSpark(3, "", "inspect", shared.resolve("none"))).isFalse();
    assertThat(startsSpark(0, "", "merge", recipe, dir.resolve("out"))).isTrue();
  }

  /** Runs a command and sees whether the JVM has loaded what every running Spark has. */
  private boolean startsSpark(int exitCode, String words, Object... args) throws Exception {
    Path log = dir.resolve("classes.log");
    Ran ran =
        new Launcher().with("WEIGHTLOOM_JAVA_OPTS", "-Xlog:class+load=info:file=" + log).run(args);
    assertThat(ran.exitCode()).as(ran.err()).isEqualTo(exitCode);
    assertThat(ran.out()).contains(words);
    assertThat(ran.err().lines().count()).as(ran.err()).isLessThanOrEqualTo(3);
    assertThat(log).content().contains(" io.weightloom.cli.Main ");
    return Files.readString(log).contains(" org.apache.spark.SparkEnv ");
  }

  @Test
  void queriesAreAnsweredInTextAndJson() throws Exception {
    String query = "SELECT tensor, wl_count(data, dtype) AS n FROM models.a.blocks ORDER BY tensor";

    Ran text = new Launcher().run("sql", "--models", shared, "-e", query);
    Ran json =
        new Launcher()
            .with("WEIGHTLOOM_MODELS", shared.toString())
            .run("sql", "-e", query, "--output", "json", "--limit", 1);

    assertThat(text.exitCode()).as(text.err()).isZero();
    assertThat(text.out())
        .isEqualTo(
            """
            tensor                        n
            -------------------------  ----
            lm_head.weight             6000
            model.embed_tokens.weight  6000
            model.layers.0.mlp.weight  6000
            """);
    assertThat(text.err()).isEqualTo("3 rows\n");
    assertThat(json.out()).isEqualTo("{\"tensor\":\"lm_head.weight\",\"n\":6000}\n");
    assertThat(json.err()).isEmpty();
    assertRefused(2, new Launcher().run("sql", "-e", "SELECT * FROM nowhere"), "`nowhere`");
    assertRefused(
        3,
        new Launcher().run("sql", "--models", shared, "-e", "SELECT * FROM models.bse.tensors"),
        "did you mean base?");
  }

  @Test
  void whatNotebooksNeedAndIsNotThereIsOneLine() throws Exception {
    Ran noPython = new Launcher().with("PYTHON", "/no/such/python").run("notebook");
    Ran noDirectory = new Launcher().run("notebook", "--dir", dir.resolve("none"));

    assertThat(noPython.exitCode()).isEqualTo(1);
    assertThat(noPython.err().lines())
        .hasSize(1)
        .first()
        .asString()
        .contains("apt-get install python3");
    assertRefused(2, noDirectory, "there is no directory " + dir.resolve("none"));
    assertRefused(2, new Launcher().run("notebook", "--prot", 1), "there is no option --prot");
    assertThat(startsSpark(0, "Usage: weightloom notebook", "notebook", "--help")).isFalse();
    assertThat(startsSpark(0, "Usage: weightloom sql", "sql", "--help")).isFalse();
  }

  @Test
  void linksAndSpacesDoNotMatter() throws Exception {
    Path link = Files.createSymbolicLink(dir.resolve("a link"), Launcher.SCRIPT);
    Path zoo = Zoo.small(Files.createDirectories(dir.resolve("my zoo")));
    Path recipe = Zoo.recipe(zoo, "linear", "");
    Path out = dir.resolve("my merged model");

    Ran ran = new Launcher().script(link).with("WEIGHTLOOM_HOME", "").run("merge", recipe, out);

    assertThat(ran.exitCode()).as(ran.err()).isZero();
    assertThat(out.resolve("model.safetensors")).exists();
  }

  @Test
  void theHomeStandsOnItsOwn() throws Exception {
    Ran ran =
        new Launcher()
            .script(Launcher.HOME.resolve("bin/weightloom"))
            .with("WEIGHTLOOM_HOME", "")
            .run("doctor");

    assertThat(ran.exitCode()).as(ran.err()).isZero();
    assertThat(ran.out()).contains("spark       4.", "kernels     vector");
  }

  @Test
  void aMissingJavaIsOneLine() throws Exception {
    Ran ran = new Launcher().with("JAVA_HOME", "/no/such/java").run("doctor");

    assertThat(ran.exitCode()).isEqualTo(1);
    assertThat(ran.err().lines()).hasSize(1).first().asString().contains("apt-get install openjdk");
  }

  @Test
  void aKilledRunLeavesNoOutputAndTheNextOneCleansUp() throws Exception {
    Path zoo = Zoo.sparse(dir.resolve("zoo"), 50_000_000);
    Path recipe = Zoo.recipe(zoo, "ties", TRIM);
    Path results = Files.createDirectories(dir.resolve("results"));
    Path out = results.resolve("out");

    Running killed = new Launcher().start("merge", recipe, out);
    while (killed.process().isAlive() && names(results).isEmpty()) {
      Thread.sleep(2);
    }
    assertThat(names(results)).hasSize(1).first().asString().startsWith(".out.weightloom-");
    killed.process().destroyForcibly();
    assertThat(killed.await().exitCode()).isEqualTo(128 + 9);
    assertThat(names(results)).hasSize(1).doesNotContain("out");

    Ran next = new Launcher().run("merge", recipe, out);
    assertThat(next.exitCode()).as(next.err()).isZero();
    assertThat(names(results)).containsExactly("out");
  }

  @Test
  void aKilledExplodeKeepsWhatItFinishedAndShowsNothing() throws Exception {
    Path zoo = Zoo.sparse(dir.resolve("zoo"), 800_000_000);
    Path table = dir.resolve("table");
    Path staging = table.resolve("_staging-base");
    Object[] explode = {"explode", zoo.resolve("base"), table, "--compress", "zstd"};

    Running killed = new Launcher().start(explode);
    // Two cores write two files at once: of four, two are finished.
    int begun = Runtime.getRuntime().availableProcessors() + 2;
    while (killed.process().isAlive() && parts(staging) < begun) {
      Thread.sleep(2);
    }
    killed.process().destroyForcibly();
    assertThat(killed.await().exitCode()).isEqualTo(128 + 9);
    assertThat(names(table)).containsExactly("_staging-base");

    Ran next = new Launcher().run(explode);
    assertThat(next.exitCode()).as(next.err()).isZero();
    assertThat(next.err()).containsPattern("in \\d+ files of .* \\d+ of them kept");
    assertThat(names(table)).containsExactly("model=base");

    Ran back = new Launcher().run("implode", table, dir.resolve("back"));
    assertThat(back.exitCode()).as(back.err()).isZero();
    assertThat(
            Files.mismatch(
                dir.resolve("back/model.safetensors"), zoo.resolve("base/model.safetensors")))
        .isEqualTo(-1);
  }

  private static long parts(Path staging) throws IOException {
    return Files.exists(staging)
        ? names(staging).stream().filter(n -> n.endsWith(".parquet")).count()
        : 0;
  }

  @Test
  void twoRunsAtOnceDoNotDisturbEachOther() throws Exception {
    Path recipe = Zoo.recipe(shared, "dare_ties", TRIM);

    Running first = new Launcher().start("merge", recipe, dir.resolve("one/out"));
    Running second = new Launcher().start("merge", recipe, dir.resolve("two/out"));

    assertThat(first.await().exitCode()).isZero();
    assertThat(second.await().exitCode()).isZero();
    for (String name : names(dir.resolve("one/out"))) {
      assertThat(dir.resolve("two/out").resolve(name))
          .hasSameBinaryContentAs(dir.resolve("one/out").resolve(name));
    }
  }

  @Test
  void overwritingReplacesOnlyWithAModelThatIsWhole() throws Exception {
    Path zoo = Zoo.small(Files.createDirectories(dir.resolve("zoo")));
    Path recipe = Zoo.recipe(zoo, "linear", "");
    Path out = Files.createDirectories(dir.resolve("results/out"));
    Files.writeString(out.resolve("old.txt"), "old");
    Path weights = zoo.resolve("a/model.safetensors");
    byte[] sound = Files.readAllBytes(weights);
    byte[] bad = sound.clone();
    // The last value becomes NaN.
    bad[bad.length - 1] = 0x7f;
    bad[bad.length - 2] = (byte) 0xff;

    Files.write(weights, bad);
    Ran failed = new Launcher().run("merge", recipe, out, "--overwrite");
    assertThat(failed.exitCode()).isEqualTo(3);
    assertThat(failed.err())
        .startsWith("weightloom: Cannot merge lm_head.weight: a holds NaN at element 5999");
    assertThat(names(out)).containsExactly("old.txt");

    Files.write(weights, sound);
    Ran replaced = new Launcher().run("merge", recipe, out, "--overwrite");
    assertThat(replaced.exitCode()).as(replaced.err()).isZero();
    assertThat(names(out)).contains("model.safetensors").doesNotContain("old.txt");
    assertThat(names(out.getParent())).containsExactly("out");
  }
}
