package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.Storage;
import io.weightloom.plan.MergePlanner;
import io.weightloom.plan.ModelInfo;
import java.nio.file.Path;

/**
 * A merge to run.
 *
 * @param recipe what to merge
 * @param output the directory that will hold the model
 * @param options numerics, seed and size of the output's files
 * @param overwrite whether an existing output is replaced
 * @param blockElements elements read at a time from each model: a power of two
 * @param progress told of what has been done
 */
public record MergeRequest(
    RecipeYaml recipe,
    Path output,
    MergePlanner.Options options,
    boolean overwrite,
    int blockElements,
    Progress progress) {

  /** 64 Ki elements: the blocks of a handful of models stay in the second cache. */
  public static final int BLOCK_ELEMENTS = 1 << 16;

  /** Fails at once if the output is in the way or an input, before anything is started for it. */
  public void requireWritable(PreparedMerge merge) {
    OutputDir.check(output, overwrite);
    requireApart(output, merge);
  }

  /** Fails if a directory to write holds a model that is read, or what one is computed from. */
  static void requireApart(Path output, PreparedMerge merge) {
    Path out = OutputDir.real(output);
    for (ModelInfo model : merge.plan().models()) {
      for (String origin : Storage.of(model.location()).origins(model.location())) {
        if (Storage.scheme(origin).isEmpty() && OutputDir.real(Path.of(origin)).startsWith(out)) {
          throw WeightloomException.conflict(
              "Cannot write %s: it holds the input %s (choose another directory)"
                  .formatted(output, model.reference()));
        }
      }
    }
  }

  /** Is told how far a job is; called from one thread at a time. */
  @FunctionalInterface
  public interface Progress {
    Progress NONE = (phase, done, total) -> {};

    /**
     * Reports.
     *
     * @param phase what is going on
     * @param doneBytes bytes of input gone through in this phase
     * @param totalBytes bytes of input of this phase
     */
    void at(String phase, long doneBytes, long totalBytes);
  }
}
