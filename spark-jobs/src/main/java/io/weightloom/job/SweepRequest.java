package io.weightloom.job;

import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.plan.MergePlanner;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A sweep to run.
 *
 * @param output the directory that will hold the candidates and the table of their scores
 * @param options numerics, seed and size of the outputs' files
 * @param overwrite whether the output of an earlier sweep is replaced
 * @param blockElements elements read at a time from each model: a power of two
 * @param batch how many candidates are written by one read, and lie on the disk together
 * @param scoring how candidates are compared; empty to write them only
 * @param keepsAll whether all candidates stay, or only the best
 * @param progress told of what has been done
 * @param told of each candidate when it is done
 */
public record SweepRequest(
    Path output,
    MergePlanner.Options options,
    boolean overwrite,
    int blockElements,
    int batch,
    Optional<Scoring> scoring,
    boolean keepsAll,
    Progress progress,
    Consumer<SweepResult.Row> told) {

  /** As many as are written by one read unless the user says otherwise. */
  public static final int BATCH = 16;

  /**
   * How candidates are compared.
   *
   * @param command scores one
   * @param minimises whether lower is better
   */
  public record Scoring(ScoreCommand command, boolean minimises) {

    /** A score that is higher for a better candidate. */
    double merit(double score) {
      return minimises ? -score : score;
    }
  }

  MergeRequest merge(RecipeYaml recipe, String name) {
    return new MergeRequest(recipe, output.resolve(name), options, false, blockElements, progress);
  }
}
