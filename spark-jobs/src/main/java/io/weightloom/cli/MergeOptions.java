package io.weightloom.cli;

import io.weightloom.job.EmbeddedSpark;
import io.weightloom.job.KernelWarmUp;
import io.weightloom.job.MergeRequest;
import io.weightloom.merge.Numerics;
import io.weightloom.plan.MergePlan;
import io.weightloom.plan.MergePlanner;
import org.apache.spark.SparkContext;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of what merges. */
final class MergeOptions {

  /** How progress is shown. */
  enum ProgressMode {
    AUTO,
    JSON,
    NONE
  }

  @Option(
      names = "--numerics",
      defaultValue = "accurate",
      description = "accurate: fp32 or better, one rounding; mergekit: rounds as mergekit does")
  private Numerics numerics = Numerics.ACCURATE;

  @Option(
      names = {"--seed", "--random-seed"},
      defaultValue = "0",
      description = "seed of random masks (default: 0)")
  private long seed;

  @Option(names = "--overwrite", description = "replace OUT if it exists")
  private boolean overwrite;

  @Option(
      names = "--output",
      defaultValue = "text",
      description = "text, or json on standard output")
  private Output format = Output.TEXT;

  @Option(
      names = "--progress",
      defaultValue = "auto",
      description = "auto (a line on a terminal), json (lines on standard error) or none")
  private ProgressMode progress = ProgressMode.AUTO;

  @Option(
      names = "--out-shard-size",
      paramLabel = "SIZE",
      defaultValue = "5B",
      converter = SizeConverter.class,
      description = "most bytes in a file of the output: 5B, 500M (default: 5B)")
  private long shardBytes = MergePlanner.Options.SHARD_BYTES;

  @Option(
      names = "--block-size",
      paramLabel = "ELEMENTS",
      defaultValue = "" + MergeRequest.BLOCK_ELEMENTS,
      description = "elements read at a time: a power of two from 2048 to 1048576")
  private int blockElements = MergeRequest.BLOCK_ELEMENTS;

  @Option(
      names = "--master",
      paramLabel = "URL",
      description = "Spark master; read by the launcher (default: the cores of this machine)")
  private @Nullable String master;

  MergePlanner.Options planning() {
    Sizes.requireBlock(blockElements);
    return new MergePlanner.Options(numerics, seed, shardBytes);
  }

  boolean overwrite() {
    return overwrite;
  }

  int blockElements() {
    return blockElements;
  }

  boolean isJson() {
    return format == Output.JSON;
  }

  ProgressLine progressLine() {
    return ProgressLine.of(progress);
  }

  /** Spark, and kernels that are warm. */
  SparkContext start(MergePlan plan) {
    KernelWarmUp warmUp = KernelWarmUp.of(plan, blockElements);
    try {
      return EmbeddedSpark.context(master);
    } finally {
      warmUp.stop();
    }
  }
}
