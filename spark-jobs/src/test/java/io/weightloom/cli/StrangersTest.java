package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.weightloom.job.Family;
import io.weightloom.job.LocalSpark;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tables and Arrow files in the hands of pyarrow and DuckDB. */
@NullUnmarked
class StrangersTest {
  @TempDir Path dir;

  @Test
  void pyarrowAndDuckdbReadTablesAndArrowFiles() throws Exception {
    Optional<String> python = python();
    assumeTrue(
        python.isPresent(),
        "no Python with pyarrow and duckdb: run dev/readers.sh, or set"
            + " WEIGHTLOOM_READERS to such an environment");
    LocalSpark.stop();
    TinyCheckpoint weights = Family.weights("base", "BF16");
    Family.add(weights, "base", "BF16", "model.layers.1.large.weight", 900, 1000);
    Path model = weights.writeModel(dir.resolve("it's a model"), Family.CONFIG);
    Path table = dir.resolve("table");
    Path file = dir.resolve("blocks.arrow");
    Path stream = dir.resolve("stats.arrows");
    for (Object[] command :
        List.of(
            new Object[] {"explode", model, table, "--block-size", "256k", "--name", "org/a"},
            new Object[] {"export", model, file, "--block-size", "256k"},
            new Object[] {"export", table, stream, "--what", "stats", "--format", "stream"})) {
      Cli run = Cli.run(command);
      assertThat(run.exitCode()).as(run.err()).isZero();
    }

    Path script = Path.of("..", "dev", "read_tables.py").toRealPath();
    Process process =
        new ProcessBuilder(python.get(), script + "", table + "", file + "", stream + "")
            .redirectErrorStream(true)
            .start();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(process.waitFor()).as(printed).isZero();
    assertThat(printed).contains("Parquet: ", "Arrow file: ", "Arrow stream: ");
  }

  private static Optional<String> python() throws IOException, InterruptedException {
    String set = System.getenv("WEIGHTLOOM_READERS");
    String cache = System.getenv("XDG_CACHE_HOME");
    Path caches =
        cache == null ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache);
    String made = caches.resolve("weightloom/readers/bin/python").toString();
    for (String candidate :
        set == null
            ? List.of(made, "python3")
            : List.of(set + File.separator + "bin" + File.separator + "python")) {
      if (canImport(candidate)) {
        return Optional.of(candidate);
      }
    }
    return Optional.empty();
  }

  private static boolean canImport(String python) throws InterruptedException {
    try {
      Process process =
          new ProcessBuilder(python, "-c", "import pyarrow, duckdb")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return process.waitFor() == 0;
    } catch (IOException e) {
      return false; // There is none of this name.
    }
  }
}
