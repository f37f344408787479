package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.prune.PruneParams;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.spark.SparkContext;
import org.jspecify.annotations.Nullable;

/**
 * A pruning that is ready to run, and may be: the weights, and the mask from the same read of the
 * model if it is wanted.
 */
public final class PruneJob {

  /** How the weights are written. */
  public enum Format {
    /** Zeros as zeros: loads wherever the dense model does. */
    DENSE,
    /** {@link SparseBitmask}. */
    SPARSE_BITMASK
  }

  /**
   * What was done.
   *
   * @param counts how much went
   * @param bytes of the weights that were written
   */
  public record Written(PrunedCounts counts, long bytes) {}

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
  private final Format format;
  private final @Nullable Planned masks;
  private final MaskFormat maskFormat;

  private PruneJob(Planned weights, Format format, @Nullable Planned masks, MaskFormat maskFormat) {
    this.weights = weights;
    this.format = format;
    this.masks = masks;
    this.maskFormat = maskFormat;
  }

  /**
   * Plans a pruning; reads headers only.
   *
   * @param weights what is written of the model
   * @param masks the same with {@code output: packed} in its recipe, into another directory; null
   *     for no masks
   * @throws WeightloomException if the recipe does not fit the model or the format, or an output is
   *     in the way
   */
  public static PruneJob of(
      MergeRequest weights, Format format, @Nullable MergeRequest masks, MaskFormat maskFormat) {
    PruneJob job =
        new PruneJob(
            Planned.of(weights), format, masks == null ? null : Planned.of(masks), maskFormat);
    if (format == Format.SPARSE_BITMASK) {
      SparseBitmaskExport.require(job.merge(), job.pruned());
    }
    return job;
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
  public Written run(SparkContext spark) {
    if (format == Format.DENSE) {
      return new Written(withMasks(spark, weights), merge().plan().outputBytes());
    }
    MergeRequest request = weights.request();
    Path hidden = hidden(request.output(), "dense");
    try {
      // Under a directory of its own it has the name that its card speaks of.
      Planned dense = weights.into(hidden.resolve(name(request.output())));
      PrunedCounts counts = withMasks(spark, dense);
      return new Written(
          counts,
          SparseBitmaskExport.run(
              spark,
              dense.request().output(),
              pruned(),
              request.output(),
              request.overwrite(),
              SparseBitmaskExport.CHUNK_BYTES,
              request.progress()));
    } finally {
      discard(hidden);
    }
  }

  /** Names of the tensors that are pruned. */
  private Set<String> pruned() {
    return merge().plan().tensors().stream()
        .filter(t -> t instanceof Merged m && PruneParams.isPruned(m.merge()))
        .map(t -> t.output().name())
        .collect(Collectors.toSet());
  }

  private PrunedCounts withMasks(SparkContext spark, Planned model) {
    Planned wanted = masks;
    if (wanted == null) {
      return PrunedCounts.of(MergeJob.run(spark, model.request(), model.merge()));
    }
    if (maskFormat == MaskFormat.SAFETENSORS) {
      return together(spark, model, wanted);
    }
    Path bits = hidden(wanted.request().output(), "bits");
    try {
      PrunedCounts counts = together(spark, model, wanted.into(bits));
      MaskExport.toParquet(spark, bits, wanted.request(), wanted.merge());
      return counts;
    } finally {
      discard(bits);
    }
  }

  private static PrunedCounts together(SparkContext spark, Planned model, Planned bits) {
    return PrunedCounts.of(
        MergeJob.runAll(
                spark,
                List.of(model.request(), bits.request()),
                List.of(model.merge(), bits.merge()))
            .get(0));
  }

  private static Path name(Path output) {
    return output.toAbsolutePath().normalize().getFileName();
  }

  /** A sibling for what an output is made of. */
  private static Path hidden(Path output, String what) {
    return output
        .toAbsolutePath()
        .normalize()
        .resolveSibling("." + name(output) + "." + what + "-" + UUID.randomUUID());
  }

  private static void discard(Path dir) {
    try {
      OutputDir.delete(dir);
    } catch (IOException e) {
      throw OutputDir.cannotWrite(dir.toString(), e);
    }
  }
}
