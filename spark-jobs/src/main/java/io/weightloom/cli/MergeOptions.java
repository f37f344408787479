package io.weightloom.cli;

import io.weightloom.job.KernelWarmUp;
import io.weightloom.job.MergeRequest;
import io.weightloom.merge.Numerics;
import io.weightloom.plan.MergePlan;
import io.weightloom.plan.MergePlanner;
import java.util.function.Function;
import org.apache.spark.SparkContext;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of what merges. */
final class MergeOptions {
  @Mixin private JobOptions job = new JobOptions();

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

  JobOptions job() {
    return job;
  }

  /** Runs a job while the kernels of this plan are warm. */
  <T> JobOptions.Ended<T> run(MergePlan plan, Function<SparkContext, T> work) {
    return job.run(() -> KernelWarmUp.of(plan, blockElements), work);
  }
}
