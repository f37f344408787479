package io.weightloom.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.job.Json;
import io.weightloom.job.Manifest;
import io.weightloom.job.MergeJob;
import io.weightloom.job.MergeRequest;
import io.weightloom.job.MergeResult;
import io.weightloom.job.PreparedMerge;
import io.weightloom.job.RecipeYaml;
import io.weightloom.job.Units;
import io.weightloom.plan.MergePlan;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weightloom merge}. */
@Command(
    name = "merge",
    description = "Merge models as a mergekit recipe says.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  weightloom merge ties.yml merged            merge on this machine's cores",
      "  weightloom merge ties.yml merged --dry-run  what it would do: reads headers only",
      "  weightloom merge ties.yml merged --master spark://host:7077",
      "",
      "The output appears whole or not at all. It holds the weights, the config and tokenizer of",
      "the base model, the recipe, a card and " + Manifest.FILE + ".",
    })
final class MergeCommand implements Callable<Integer> {

  @Parameters(index = "0", paramLabel = "RECIPE", description = "the recipe, in mergekit's YAML")
  private Path recipe = Path.of("");

  @Parameters(index = "1", paramLabel = "OUT", description = "the directory to make")
  private Path output = Path.of("");

  @Option(names = "--dry-run", description = "print the plan, write nothing, start no Spark")
  private boolean dryRun;

  @Mixin private MergeOptions options = new MergeOptions();

  @Override
  public Integer call() {
    RecipeYaml yaml = RecipeYaml.read(recipe);
    PreparedMerge merge = PreparedMerge.of(yaml.recipe(), options.planning());
    if (dryRun) {
      System.out.print(options.plan(merge));
      return 0;
    }
    MergeRequest request = options.request(yaml, output);
    request.requireWritable(merge);
    merge.plan().warnings().forEach(w -> System.err.println("warning: " + w));
    JobOptions.Ended<MergeResult> ended =
        options.run(merge.plan(), spark -> MergeJob.run(spark, request, merge));
    print(merge.plan(), ended.result(), ended.seconds());
    return 0;
  }

  private void print(MergePlan plan, MergeResult result, double seconds) {
    if (options.job().isJson()) {
      ObjectNode out = Json.object();
      out.put("output", result.output());
      out.put("method", plan.method());
      out.put("numerics", plan.numerics().label());
      out.put("seed", plan.seed());
      out.put("tensors", plan.tensors().size());
      out.put("parameters", plan.parameters());
      out.put("output_bytes", plan.outputBytes());
      out.put("files", plan.shards().size());
      out.put("seconds", Math.round(seconds * 1000) / 1000.0);
      out.set("realised_density", Json.tree(result.realisedDensity()));
      out.set("warnings", Json.tree(plan.warnings()));
      System.out.print(Json.prettyText(out));
      return;
    }
    System.err.printf(
        "merged %d tensors, %s parameters, %s by %s in %.1f s: %s%n",
        plan.tensors().size(),
        Units.count(plan.parameters()),
        Units.bytes(plan.outputBytes()),
        plan.method(),
        seconds,
        result.output());
    for (Map.Entry<String, Double> d : result.realisedDensity().entrySet()) {
      System.err.printf(
          "  kept %.2f %% of the task vector of %s%n", 100 * d.getValue(), d.getKey());
    }
  }
}
