package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.apache.spark.SparkContext;
import org.jspecify.annotations.Nullable;

/**
 * A pruning that is ready to run, and may be: the weights, and the mask from the same read of the
 * model if it is wanted.
 */
public final class PruneJob {

  /** How masks are written. */
  public enum MaskFormat {
    SAFETENSORS,
    PARQUET
  }

  /** One output, whose every byte has its place. */
  private record Planned(MergeRequest request, PreparedMerge merge) {

    static Planned of(MergeRequest request) {
      PreparedMerge merge = PreparedMerge.of(request.recipe().recipe(), request.options());
      request.requireWritable(merge);
      return new Planned(request, merge);
    }

    Planned into(Path output) {
      return new Planned(
          new MergeRequest(
              request.recipe(),
              output,
              request.options(),
              false,
              request.blockElements(),
              request.progress()),
          merge);
    }
  }

  private final Planned weights;
  private final @Nullable Planned masks;
  private final MaskFormat format;

  private PruneJob(Planned weights, @Nullable Planned masks, MaskFormat format) {
    this.weights = weights;
    this.masks = masks;
    this.format = format;
  }

  /**
   * Plans a pruning; reads headers only.
   *
   * @param weights what is written of the model
   * @param masks the same with {@code output: packed} in its recipe, into another directory; null
   *     for no masks
   * @throws WeightloomException if the recipe does not fit the model, or an output is in the way
   */
  public static PruneJob of(MergeRequest weights, @Nullable MergeRequest masks, MaskFormat format) {
    return new PruneJob(Planned.of(weights), masks == null ? null : Planned.of(masks), format);
  }

  /** What is written of the model. */
  public PreparedMerge merge() {
    return weights.merge();
  }

  /**
   * Writes the model, and the masks.
   *
   * @throws WeightloomException if one of them cannot be written; what had got its name before
   *     stays
   */
  public MergeResult run(SparkContext spark) {
    Planned wanted = masks;
    if (wanted == null) {
      return MergeJob.run(spark, weights.request(), weights.merge());
    }
    if (format == MaskFormat.SAFETENSORS) {
      return together(spark, wanted);
    }
    Path target = wanted.request().output().toAbsolutePath().normalize();
    Path bits = target.resolveSibling("." + target.getFileName() + ".bits-" + UUID.randomUUID());
    try {
      MergeResult result = together(spark, wanted.into(bits));
      MaskExport.toParquet(spark, bits, wanted.request(), wanted.merge());
      return result;
    } finally {
      discard(bits);
    }
  }

  private MergeResult together(SparkContext spark, Planned bits) {
    return MergeJob.runAll(
            spark,
            List.of(weights.request(), bits.request()),
            List.of(weights.merge(), bits.merge()))
        .get(0);
  }

  private static void discard(Path dir) {
    try {
      OutputDir.delete(dir);
    } catch (IOException e) {
      throw OutputDir.cannotWrite(dir.toString(), e);
    }
  }
}
