package io.weightloom.job;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.error.WeightloomException.Kind;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The output appears whole or not at all, whatever happens. */
@NullUnmarked
class OutputDirTest {
  @TempDir Path dir;
  private Path zoo;
  private Path out;

  @BeforeEach
  void writeModels() throws IOException {
    zoo = Family.write(dir.resolve("zoo"), "F32");
    out = Files.createDirectories(dir.resolve("results")).resolve("out");
  }

  private Merging linear() {
    return Merging.of(Family.recipe(zoo, "linear", ""));
  }

  private static List<String> names(Path dir) throws IOException {
    try (Stream<Path> entries = Files.list(dir)) {
      return entries.map(p -> p.getFileName().toString()).sorted().toList();
    }
  }

  private static void fill(Path file) {
    byte[] block = new byte[4096];
    try (FileChannel filler = FileChannel.open(file, CREATE, WRITE)) {
      while (true) {
        filler.write(java.nio.ByteBuffer.wrap(block));
      }
    } catch (IOException e) {
      if (!String.valueOf(e.getMessage()).contains("No space left")) {
        throw new UncheckedIOException(e);
      }
    }
  }

  @Test
  void aModelSetAsideByARunThatWasKilledGetsItsNameBack() throws Exception {
    linear().into(out);
    byte[] before = Files.readAllBytes(out.resolve("model.safetensors"));
    Files.move(out, out.resolveSibling(".out.weightloom-12345678-old"));

    assertThatThrownBy(() -> linear().into(out)).hasMessageContaining("it exists");
    assertThat(Files.readAllBytes(out.resolve("model.safetensors"))).isEqualTo(before);
    assertThat(names(out.getParent())).containsExactly("out");
  }

  @Test
  void aDiskThatIsTooSmallIsRefusedBeforeAnythingIsWritten() throws Exception {
    try (TinyDisk disk = TinyDisk.mount(dir.resolve("disk"), 4)) {
      fill(disk.path().resolve("filler"));
      Path target = disk.path().resolve("out");

      assertThatThrownBy(() -> linear().into(target))
          .hasMessageMatching(
              "Cannot write .*/out: it needs \\d+ bytes, .*/disk has 0 free"
                  + " \\(make room, or choose another disk\\)")
          .extracting(e -> ((WeightloomException) e).kind())
          .isEqualTo(Kind.CONFLICT);
      assertThat(names(disk.path())).containsExactly("filler");
    }
  }

  @Test
  void aDiskThatBecomesFullWhileWeightsAreWrittenIsSaidAndLeftClean() throws Exception {
    for (String model : List.of("base", "a", "b")) {
      TinyCheckpoint weights = Family.weights(model, "F32");
      Family.add(weights, model, "F32", "model.layers.1.large.weight", 200, 200);
      weights.writeModel(zoo.resolve(model), Family.CONFIG);
    }
    try (TinyDisk disk = TinyDisk.mount(dir.resolve("disk"), 256)) {
      Path target = disk.path().resolve("out");
      Merging merging =
          linear()
              .progress(
                  (phase, done, total) -> {
                    if (done == 0) {
                      fill(disk.path().resolve("filler"));
                    }
                  });

      assertThatThrownBy(() -> merging.into(target))
          .hasMessageMatching("Cannot write .*/model\\.safetensors: No space left on device .*")
          .extracting(e -> ((WeightloomException) e).kind())
          .isEqualTo(Kind.CONFLICT);
      assertThat(names(disk.path())).containsExactly("filler");
    }
  }

  @Test
  void aDiskThatBecomesFullAtTheEndIsSaidAndLeftClean() throws Exception {
    try (TinyDisk disk = TinyDisk.mount(dir.resolve("disk"), 256)) {
      Path target = disk.path().resolve("out");
      Merging merging =
          linear()
              .progress(
                  (phase, done, total) -> {
                    if (done == total) {
                      fill(disk.path().resolve("filler"));
                    }
                  });

      assertThatThrownBy(() -> merging.into(target))
          .hasMessageStartingWith("Cannot write " + target + "/")
          .hasMessageContaining("No space left on device");
      assertThat(names(disk.path())).containsExactly("filler");
    }
  }

  @Test
  void aSparkThatStopsIsSaid() {
    Merging stopping = linear().progress((phase, done, total) -> LocalSpark.stop());

    assertThatThrownBy(() -> stopping.into(out))
        .hasMessageStartingWith("Cannot merge on local[2]: Spark has stopped (")
        .extracting(e -> ((WeightloomException) e).kind())
        .isEqualTo(Kind.USAGE);
    assertThat(out.getParent()).isEmptyDirectory();
  }

  @Test
  void leavingsOfAKilledRunAreRemoved() throws IOException {
    Path left = out.resolveSibling(".out.weightloom-dead");
    Family.file(left.resolve(".lock"), "");
    Family.file(left.resolve("model.safetensors"), "half");
    Path ofAnother = Family.file(out.resolveSibling(".outer.weightloom-dead/.lock"), "");

    linear().into(out);

    assertThat(left).doesNotExist();
    assertThat(ofAnother).exists();
    assertThat(names(out)).contains("model.safetensors").doesNotContain(".lock");
  }

  @Test
  void theWorkOfALivingRunIsLeftAlone() throws IOException {
    Path living = Files.createDirectories(out.resolveSibling(".out.weightloom-alive"));
    Path starting = Files.createDirectories(out.resolveSibling(".out.weightloom-new"));
    Path forgotten = Files.createDirectories(out.resolveSibling(".out.weightloom-old"));
    Files.setLastModifiedTime(forgotten, FileTime.from(Instant.now().minusSeconds(3600)));

    try (FileChannel lock = FileChannel.open(living.resolve(".lock"), CREATE, WRITE)) {
      lock.lock();
      linear().into(out);
    }

    assertThat(living.resolve(".lock")).exists();
    assertThat(starting).exists();
    assertThat(forgotten).doesNotExist();
  }

  @Test
  void namesWithGlobLettersAreTakenAsTheyAre() throws IOException {
    out = out.resolveSibling("o*[a]{b}?");
    Path left = Family.file(out.resolveSibling(".o*[a]{b}?.weightloom-dead/.lock"), "");
    Path other = Family.file(out.resolveSibling(".oxxabc.weightloom-dead/.lock"), "");

    linear().into(out);

    assertThat(left).doesNotExist();
    assertThat(other).exists();
    assertThat(out.resolve("model.safetensors")).exists();
  }

  @Test
  void anotherRunThatWasFasterIsNotOverwritten() throws IOException {
    Merging slow =
        linear()
            .progress(
                (phase, done, total) -> {
                  if (done == total) {
                    Family.file(out.resolve("model.safetensors"), "the other's");
                  }
                });

    assertThatThrownBy(() -> slow.into(out))
        .hasMessageStartingWith("Cannot write " + out + ": it exists (choose another directory")
        .extracting(e -> ((WeightloomException) e).kind())
        .isEqualTo(Kind.CONFLICT);
    assertThat(out.resolve("model.safetensors")).hasContent("the other's");
    assertThat(names(out.getParent())).containsExactly("out");
  }

  @Test
  void overwritingReplacesTheWholeDirectory() throws IOException {
    Family.file(out.resolve("old.txt"), "old");

    linear().overwriting().into(out);

    assertThat(names(out)).contains("model.safetensors").doesNotContain("old.txt");
    assertThat(names(out.getParent())).containsExactly("out");
  }

  @Test
  void overwritingKeepsTheOldOneWhereTheNewOneFails() throws IOException {
    Family.file(out.resolve("old.txt"), "old");
    double[] values = Family.values("a", Family.EMBEDDING, 16, 6);
    values[95] = Double.NaN;
    Family.weights("a", "F32")
        .add(Family.EMBEDDING, "F32", new long[] {16, 6}, values)
        .writeModel(zoo.resolve("a"), Family.CONFIG);

    assertThatThrownBy(() -> linear().overwriting().into(out))
        .hasMessageStartingWith("Cannot merge " + Family.EMBEDDING + ": a holds NaN at element 95")
        .extracting(e -> ((WeightloomException) e).kind())
        .isEqualTo(Kind.INPUT);

    assertThat(names(out)).containsExactly("old.txt");
    assertThat(names(out.getParent())).containsExactly("out");
  }

  @Test
  void anEmptyDirectoryIsFilled() throws IOException {
    Files.createDirectories(out);

    linear().into(out);

    assertThat(names(out)).contains("model.safetensors", "config.json");
    assertThat(names(out.getParent())).containsExactly("out");
  }
}
