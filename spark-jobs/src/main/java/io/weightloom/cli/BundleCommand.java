package io.weightloom.cli;

import io.weightloom.io.ModelDir;
import io.weightloom.job.BundleJob;
import io.weightloom.job.PreparedMerge;
import io.weightloom.job.RecipeYaml;
import io.weightloom.job.Units;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weightloom bundle}. */
@Command(
    name = "bundle",
    description =
        "Store many fine-tuned models of one base as a merged task vector and a mask of a bit a"
            + " parameter for each: TALL masks, EMR-Merging; each as the few values that its"
            + " largest changes have: FedZip; or as a shared expert with an adapter for each:"
            + " Twin-Merging.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  weightloom bundle tall.yml bundle           merge_method: consensus, or emr",
      "  weightloom bundle zip.yml bundle            merge_method: fedzip, or twin_merging",
      "  weightloom unpack bundle --model math math  gives a model back",
    })
final class BundleCommand implements Callable<Integer> {

  @Parameters(
      index = "0",
      paramLabel = "RECIPE",
      description = "a recipe of consensus, emr, fedzip or twin_merging")
  private Path recipe = Path.of("");

  @Parameters(index = "1", paramLabel = "OUT", description = "the directory to make")
  private Path output = Path.of("");

  @Option(
      names = "--no-base",
      description = "name the base instead of copying it; it is needed to unpack")
  private boolean noBase;

  @Mixin private MergeOptions options = new MergeOptions();

  @Override
  public Integer call() {
    BundleJob job =
        new BundleJob(
            RecipeYaml.read(recipe),
            options.planning(),
            options.blockElements(),
            options.job().progress());
    List<PreparedMerge> merges = job.prepare(!noBase);
    JobOptions.Ended<Long> ended =
        options.run(
            merges.get(0).plan(),
            spark -> job.run(spark, output, options.overwrite(), !noBase, merges));
    long apart =
        merges.stream()
            .flatMap(m -> m.models().stream())
            .collect(Collectors.toMap(ModelDir::path, BundleCommand::bytes, (a, b) -> a))
            .values()
            .stream()
            .mapToLong(b -> b)
            .sum();
    System.err.printf(
        Locale.ROOT,
        "bundled %d models in %.1f s: %s, %s as models: %s%n",
        job.size(),
        ended.seconds(),
        Units.bytes(ended.result()),
        Units.bytes(apart),
        output);
    return 0;
  }

  private static long bytes(ModelDir model) {
    return model.tensors().values().stream().mapToLong(t -> t.spec().byteSize()).sum();
  }
}
