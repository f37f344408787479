package io.weightloom.cli;

import io.weightloom.job.BundleJob;
import io.weightloom.job.MergeRequest;
import io.weightloom.job.PreparedMerge;
import io.weightloom.job.RecipeYaml;
import io.weightloom.job.Units;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weightloom unpack}. */
@Command(
    name = "unpack",
    description = "Give back one model of a bundle.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {"  weightloom unpack bundle --model math math"})
final class UnpackCommand implements Callable<Integer> {

  @Parameters(index = "0", paramLabel = "BUNDLE", description = "what weightloom bundle made")
  private Path bundle = Path.of("");

  @Parameters(index = "1", paramLabel = "OUT", description = "the directory to make")
  private Path output = Path.of("");

  @Option(names = "--model", required = true, paramLabel = "NAME", description = "which model")
  private String model = "";

  @Option(
      names = "--base",
      paramLabel = "MODEL",
      description = "the base, if it is not where the bundle says")
  private @Nullable String base;

  @Mixin private MergeOptions options = new MergeOptions();

  @Override
  public Integer call() {
    Path from = bundle.toAbsolutePath().normalize();
    RecipeYaml yaml = BundleJob.unpacking(from, model, base);
    PreparedMerge merge = PreparedMerge.of(yaml.recipe(), options.planning());
    MergeRequest request = options.request(yaml, output);
    request.requireWritable(merge);
    options.run(merge.plan(), spark -> BundleJob.unpack(spark, from, request, merge));
    System.err.printf(
        "unpacked %s of %s: %s parameters, %s: %s%n",
        model,
        bundle,
        Units.count(merge.plan().parameters()),
        Units.bytes(merge.plan().outputBytes()),
        output);
    return 0;
  }
}
