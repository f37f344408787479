package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The directory of a sweep: candidates, tables, a link to the best. */
final class SweepDir {
  private final Path dir;

  private SweepDir(Path dir) {
    this.dir = dir;
  }

  /**
   * Makes the directory. One that is there is replaced only if it is an earlier sweep's and the
   * user says so.
   */
  static SweepDir open(SweepRequest request, List<PreparedMerge> merges) {
    Path dir = request.output();
    check(dir, request.overwrite(), merges);
    try {
      if (Files.isDirectory(dir)) {
        clear(dir);
      }
      Files.createDirectories(dir);
    } catch (IOException e) {
      throw OutputDir.cannotWrite(dir.toString(), e);
    }
    return new SweepDir(dir);
  }

  /** The directory of an earlier run of the same sweep; candidates that it did not note go. */
  static SweepDir reopen(SweepRequest request, Sweep sweep, EarlierSweep earlier) {
    SweepDir dir = new SweepDir(request.output());
    sweep.candidates().stream()
        .map(Sweep.Candidate::name)
        .filter(name -> !earlier.rows().containsKey(name))
        .forEach(dir::remove);
    return dir;
  }

  static void check(Path dir, boolean overwrite, List<PreparedMerge> merges) {
    OutputDir.check(dir, overwrite);
    merges.forEach(merge -> MergeRequest.requireApart(dir, merge));
    try (Stream<Path> entries = Files.isDirectory(dir) ? Files.list(dir) : Stream.empty()) {
      if (entries.findAny().isPresent() && !Files.exists(dir.resolve(SweepResult.JSON))) {
        throw WeightloomException.conflict(
            "Cannot write %s: it is not the output of a sweep, and --overwrite replaces nothing else (choose another directory)"
                .formatted(dir));
      }
    } catch (IOException e) {
      throw OutputDir.cannotWrite(dir.toString(), e);
    }
  }

  private static void clear(Path dir) throws IOException {
    try (Stream<Path> entries = Files.list(dir)) {
      for (Path entry : entries.toList()) {
        if (!entry.endsWith(SweepResult.JSON)) {
          OutputDir.delete(entry);
        }
      }
    }
    // Last: until then the directory is known as a sweep's.
    Files.deleteIfExists(dir.resolve(SweepResult.JSON));
  }

  Path candidate(String name) {
    return dir.resolve(name);
  }

  void remove(String name) {
    try {
      OutputDir.delete(dir.resolve(name));
    } catch (IOException e) {
      throw OutputDir.cannotWrite(dir.resolve(name).toString(), e);
    }
  }

  void write(SweepResult result, boolean finished) {
    result.writeTo(dir, finished);
    try {
      Path link = dir.resolve(SweepResult.BEST);
      Files.deleteIfExists(link);
      if (finished && result.best().isPresent()) {
        Files.createSymbolicLink(link, Path.of(result.best().get()));
      }
    } catch (IOException | UnsupportedOperationException e) {
      throw WeightloomException.conflict(
          "Cannot link %s: %s (the candidates and tables are complete; see the file system)"
              .formatted(dir.resolve(SweepResult.BEST), e));
    }
  }
}
