package io.weightloom.cli;

import io.weightloom.job.Json;
import io.weightloom.job.KernelWarmUp;
import io.weightloom.job.MergeRequest;
import io.weightloom.job.PlanReport;
import io.weightloom.job.PreparedMerge;
import io.weightloom.job.RecipeYaml;
import io.weightloom.merge.Numerics;
import io.weightloom.plan.MergePlan;
import io.weightloom.plan.MergePlanner;
import java.nio.file.Path;
import java.util.function.Function;
import org.apache.spark.SparkContext;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of what writes a model from a recipe, and how it is run. */
final class OutputOptions {
  @Mixin private JobOptions job = new JobOptions();

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

  MergePlanner.Options planning(Numerics numerics, long seed) {
    Sizes.requireBlock(blockElements);
    return new MergePlanner.Options(numerics, seed, shardBytes);
  }

  MergeRequest request(RecipeYaml recipe, Path output, MergePlanner.Options planning) {
    return new MergeRequest(recipe, output, planning, overwrite, blockElements, job.progress());
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

  /** What a merge would do. */
  String plan(PreparedMerge merge) {
    int threads = Runtime.getRuntime().availableProcessors();
    return job.isJson()
        ? Json.prettyText(PlanReport.json(merge, threads, blockElements))
        : PlanReport.text(merge, threads, blockElements);
  }

  /** Runs a job while the kernels of this plan are warm. */
  <T> JobOptions.Ended<T> run(MergePlan plan, Function<SparkContext, T> work) {
    return job.run(() -> KernelWarmUp.of(plan, blockElements), work);
  }
}
