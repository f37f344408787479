package io.weightloom.cli;

import io.weightloom.job.MergeRequest;
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

/** The options of what merges. */
final class MergeOptions {
  @Mixin private OutputOptions output = new OutputOptions();

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

  MergePlanner.Options planning() {
    return output.planning(numerics, seed);
  }

  MergeRequest request(RecipeYaml recipe, Path target) {
    return output.request(recipe, target, planning());
  }

  boolean overwrite() {
    return output.overwrite();
  }

  int blockElements() {
    return output.blockElements();
  }

  JobOptions job() {
    return output.job();
  }

  /** What a merge would do. */
  String plan(PreparedMerge merge) {
    return output.plan(merge);
  }

  /** Runs a job while the kernels of this plan are warm. */
  <T> JobOptions.Ended<T> run(MergePlan plan, Function<SparkContext, T> work) {
    return output.run(plan, work);
  }
}
