package io.weightloom.job;

import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.merge.Numerics;
import io.weightloom.plan.MergePlanner;
import java.nio.file.Path;
import org.apache.spark.SparkContext;

/** A merge for tests, with settings that a test does not name at their defaults. */
record Merging(
    String recipe,
    Numerics numerics,
    long seed,
    long shardBytes,
    int blockElements,
    boolean overwrite,
    WorkPlan.Cut cut,
    Progress progress) {

  static Merging of(String recipe) {
    return new Merging(
        recipe,
        Numerics.ACCURATE,
        0,
        MergePlanner.Options.SHARD_BYTES,
        MergeRequest.BLOCK_ELEMENTS,
        false,
        WorkPlan.Cut.DEFAULT,
        Progress.NONE);
  }

  Merging numerics(Numerics value) {
    return new Merging(recipe, value, seed, shardBytes, blockElements, overwrite, cut, progress);
  }

  Merging seed(long value) {
    return new Merging(
        recipe, numerics, value, shardBytes, blockElements, overwrite, cut, progress);
  }

  Merging shardBytes(long value) {
    return new Merging(recipe, numerics, seed, value, blockElements, overwrite, cut, progress);
  }

  Merging blockElements(int value) {
    return new Merging(recipe, numerics, seed, shardBytes, value, overwrite, cut, progress);
  }

  Merging overwriting() {
    return new Merging(recipe, numerics, seed, shardBytes, blockElements, true, cut, progress);
  }

  Merging cut(WorkPlan.Cut value) {
    return new Merging(
        recipe, numerics, seed, shardBytes, blockElements, overwrite, value, progress);
  }

  Merging progress(Progress value) {
    return new Merging(recipe, numerics, seed, shardBytes, blockElements, overwrite, cut, value);
  }

  MergeResult into(Path out) {
    return into(out, LocalSpark.get());
  }

  MergeResult into(Path out, SparkContext spark) {
    RecipeYaml yaml = RecipeYaml.parse("recipe.yml", recipe);
    MergePlanner.Options options = new MergePlanner.Options(numerics, seed, shardBytes);
    MergeRequest request = new MergeRequest(yaml, out, options, overwrite, blockElements, progress);
    return MergeJob.run(spark, request, PreparedMerge.of(yaml.recipe(), options), cut);
  }
}
