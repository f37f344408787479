package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.job.Family;
import io.weightloom.job.LocalSpark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Merges of a small family that are refused, and what they must say and leave. */
@NullUnmarked
abstract class RefusedMerges {
  static final int USAGE = 2;
  static final int INPUT = 3;
  static final int CONFLICT = 5;

  @TempDir Path dir;
  Path zoo;
  Path out;

  @BeforeEach
  void writeModels() throws IOException {
    LocalSpark.stop();
    zoo = Family.write(dir.resolve("zoo"), "F32");
    out = Files.createDirectories(dir.resolve("results")).resolve("out");
  }

  String ties(String extra) {
    return Family.recipe(zoo, "ties", extra);
  }

  /** Merges, and sees that it is refused with this code and these words and nothing is left. */
  void refused(int exitCode, String recipe, Object... words) throws IOException {
    Cli run = merge(recipe);

    assertRefused(run, exitCode, words);
    try (Stream<Path> left = Files.list(out.getParent())) {
      assertThat(left).isEmpty();
    }
  }

  Cli merge(String recipe, String... options) {
    Path file = Family.file(dir.resolve("recipe.yml"), recipe);
    return Cli.run(Stream.concat(Stream.of("merge", file, out), Arrays.stream(options)).toArray());
  }

  static void assertRefused(Cli run, int exitCode, Object... words) {
    assertThat(run.err()).startsWith("weightloom: ").doesNotContain("\tat ", "Exception");
    assertThat(run.err())
        .contains(Arrays.stream(words).map(String::valueOf).toArray(String[]::new));
    assertThat(run.exitCode()).as(run.err()).isEqualTo(exitCode);
    assertThat(run.out()).isEmpty();
  }
}
