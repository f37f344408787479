package io.weightloom.job;

import io.weightloom.io.table.Compression;
import io.weightloom.job.MergeRequest.Progress;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Explodes and implodes for tests, with settings that a test does not name at their defaults. */
public record Tables(
    Path table, Compression compression, int blockElements, long partBytes, Progress progress) {

  /** Small blocks and files, so that small models have several. */
  public static Tables in(Path table) {
    return new Tables(table, Compression.NONE, 32, 200, Progress.NONE);
  }

  Tables compression(Compression value) {
    return new Tables(table, value, blockElements, partBytes, progress);
  }

  Tables progress(Progress value) {
    return new Tables(table, compression, blockElements, partBytes, value);
  }

  Tables cut(int elements, long bytes) {
    return new Tables(table, compression, elements, bytes, progress);
  }

  /** Explodes; gives the partition of the first model. */
  public Path explode(Path... models) {
    return Path.of(results(false, models).get(0).partition());
  }

  List<ExplodeResult> results(boolean overwrite, Path... models) {
    ExplodeRequest request =
        new ExplodeRequest(
            Arrays.stream(models).map(Path::toString).toList(),
            List.of(),
            table.toString(),
            blockElements,
            compression,
            overwrite,
            progress);
    return ExplodeJob.run(LocalSpark.get(), request, partBytes);
  }

  static ImplodeResult implode(Path table, Path out) {
    return ImplodeJob.run(
        LocalSpark.get(), new ImplodeRequest(table.toString(), null, out, false, Progress.NONE));
  }
}
