package io.weightloom.cli;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelReference;
import io.weightloom.io.UnitSelection;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.job.FreePermutation;
import io.weightloom.job.MergeJob;
import io.weightloom.job.MergeRequest;
import io.weightloom.job.PreparedMerge;
import io.weightloom.job.PruneJob;
import io.weightloom.job.PruneRecipe;
import io.weightloom.job.RecipeYaml;
import io.weightloom.job.UnitRemoval;
import io.weightloom.merge.Numerics;
import io.weightloom.plan.MergePlanner;
import io.weightloom.prune.Budget.Prunable;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.apache.spark.SparkContext;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weightloom prune}. */
@Command(
    name = "prune",
    description = "Set weights to 0: by magnitude, N:M, Wanda, SparseGPT, with a budget by tensor.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  weightloom prune model sparse --sparsity 0.5                 each tensor on its own",
      "  weightloom prune model sparse --sparsity 0.5 --scope model   one threshold for all",
      "  weightloom prune model sparse --nm 2:4",
      "  weightloom prune model sparse --method wanda --sparsity 0.5 --norms norms.safetensors",
      "  weightloom prune model sparse --method sparsegpt --nm 2:4 --grams grams",
      "  weightloom prune model sparse --sparsity 0.7 --budget lamp",
      "  weightloom prune model ticket --sparsity 0.8 --rewind early-checkpoint",
      "  weightloom prune model sparse --sparsity 0.5 --masks masks   the mask too, one bit a weight",
      "  weightloom prune model shallow --drop-layers 8 --layer-scores scores.json",
      "  weightloom prune model quiet --drop-attention 8 --attention-scores scores.json",
      "  weightloom prune model narrow --drop-channels 0.25 --drop-heads 4   a smaller model",
      "  weightloom prune model narrow --merge-channels 0.1   of near channels one",
      "",
      "The output holds the recipe that gives it again by weightloom merge. Of equal scores the",
      "first in the tensor goes first, and exactly as many go as were asked for.",
    })
final class PruneCommand implements Callable<Integer> {

  @Parameters(index = "0", paramLabel = "MODEL", description = "the model: a path or a hub name")
  private String model = "";

  @Parameters(index = "1", paramLabel = "OUT", description = "the directory to make")
  private Path output = Path.of("");

  @Mixin private PruneOptions what = new PruneOptions();

  @Mixin private LayerOptions layers = new LayerOptions();

  @Mixin private UnitOptions units = new UnitOptions();

  @Option(
      names = "--format",
      defaultValue = "dense",
      description =
          "dense (zeros as zeros) or sparse_bitmask (compressed-tensors', no zeros) (default: dense)")
  private PruneJob.Format format = PruneJob.Format.DENSE;

  @Option(names = "--masks", paramLabel = "DIR", description = "write the mask here too")
  private @Nullable Path masks;

  @Option(
      names = "--mask-format",
      defaultValue = "safetensors",
      description = "safetensors (U8, one bit a weight) or parquet (default: safetensors)")
  private PruneJob.MaskFormat maskFormat = PruneJob.MaskFormat.SAFETENSORS;

  @Option(names = "--dry-run", description = "print the plan, write nothing, start no Spark")
  private boolean dryRun;

  @Option(names = "--print-recipe", description = "print the recipe for weightloom merge, and stop")
  private boolean printRecipe;

  @Mixin private OutputOptions options = new OutputOptions();

  @Override
  public Integer call() {
    MergePlanner.Options planning = options.planning(Numerics.ACCURATE, 0);
    if (!layers.isGiven() && !units.isGiven()) {
      what.requireSense();
    }
    String location = ModelReference.resolve(model, System.getenv());
    ModelDir dir = ModelDir.open(location, Profile.REFERENCE);
    if (layers.isGiven()) {
      removeLayers(dir, planning);
    } else if (units.isGiven()) {
      removeUnits(dir, location, planning);
    } else {
      new Pruning(dir, location, what.targets(model, dir), planning).run();
    }
    return 0;
  }

  private void removeLayers(ModelDir dir, MergePlanner.Options planning) {
    if (units.isGiven() || prunesWeights()) {
      throw WeightloomException.usage(
          "Cannot remove layers and prune weights or units at once (prune what comes of it in a second step)");
    }
    RecipeYaml yaml = layers.recipe(model, dir);
    if (isOnlyShown(yaml, planning)) {
      return;
    }
    MergeRequest request = options.request(yaml, output, planning);
    PreparedMerge merge = PreparedMerge.of(yaml.recipe(), planning);
    request.requireWritable(merge);
    options.job().run(spark -> MergeJob.run(spark, request, merge));
    System.err.printf("removed %s: %s%n", layers.summary(), output);
  }

  private boolean prunesWeights() {
    return what.isGiven() || masks != null || format != PruneJob.Format.DENSE;
  }

  private void removeUnits(ModelDir dir, String location, MergePlanner.Options planning) {
    if (prunesWeights()) {
      throw WeightloomException.usage(
          "Cannot remove units and prune weights at once (prune what comes of --drop-channels, --merge-channels and --drop-heads in a second step)");
    }
    UnitRemoval removal = new UnitRemoval(model, dir, units.wanted(), units.isSquares());
    if (dryRun) {
      throw WeightloomException.usage(
          "Cannot print the plan of a model before it is chosen what stays of it (use --print-recipe, and merge --dry-run)");
    }
    RecipeYaml whole = UnitRemoval.recipe(model);
    options
        .request(whole, output, planning)
        .requireWritable(PreparedMerge.of(whole.recipe(), planning));
    Path file = unitsFile();
    RecipeYaml yaml = UnitRemoval.recipe(file.toString());
    String base = UnitRemoval.base(location, dir);
    // Whatever is wrong with scores is said before Spark is waited for.
    UnitSelection known = removal.readsWeights() ? null : chosen(removal, null, base);
    if (printRecipe) {
      UnitRemoval.write(
          file,
          known != null
              ? known
              : options.job().run(spark -> chosen(removal, spark, base)).result());
      System.out.print(yaml.text());
      return;
    }
    options
        .job()
        .run(
            spark -> {
              UnitRemoval.write(file, known != null ? known : chosen(removal, spark, base));
              PreparedMerge merge = PreparedMerge.of(yaml.recipe(), planning);
              return MergeJob.run(spark, options.request(yaml, output, planning), merge);
            });
    System.err.printf("removed %s of each layer: %s%n", removal.summary(), output);
  }

  /** The file beside the output that says which units it has, in which order. */
  private Path unitsFile() {
    Path file = Path.of(output.toAbsolutePath().normalize() + UnitSelection.SUFFIX);
    UnitRemoval.requireWritable(file, options.overwrite());
    return file;
  }

  private UnitSelection chosen(UnitRemoval removal, @Nullable SparkContext spark, String base) {
    return removal.selection(spark, base, options.job().progress());
  }

  /** Prints a recipe or its plan if that is all that is wanted. */
  private boolean isOnlyShown(RecipeYaml yaml, MergePlanner.Options planning) {
    if (printRecipe) {
      System.out.print(yaml.text());
    } else if (dryRun) {
      System.out.print(options.plan(PreparedMerge.of(yaml.recipe(), planning)));
    }
    return printRecipe || dryRun;
  }

  /** The pruning of one model's weights. */
  private final class Pruning {
    private final ModelDir dir;
    private final String location;
    private final List<Prunable> targets;
    private final Map<String, Long> elements = new TreeMap<>();
    private final MergePlanner.Options planning;

    Pruning(ModelDir dir, String location, List<Prunable> targets, MergePlanner.Options planning) {
      this.dir = dir;
      this.location = location;
      this.targets = targets;
      this.planning = planning;
      targets.forEach(t -> elements.put(t.name(), t.elements()));
    }

    void run() {
      if (what.readsWeights()) {
        runWithBudget();
        return;
      }
      PruneRecipe recipe = recipe(null);
      if (!isOnlyShown(recipe.yaml(elements), planning)) {
        // Whatever is wrong is said before Spark is waited for.
        PruneJob job = job(recipe);
        print(options.run(job.merge().plan(), spark -> run(spark, job)));
      }
    }

    /** What the budget needs is read, and then what it comes to is pruned, by one Spark. */
    private void runWithBudget() {
      if (dryRun) {
        throw WeightloomException.usage(
            "Cannot print the plan of %s without reading weights (use --print-recipe)"
                .formatted(what.isPermuted() ? "--permute" : "--budget " + what.budget()));
      }
      if (what.isPermuted()) {
        job(recipe(null)); // Says what is wrong before anything is read.
        what.permutation(model, dir);
        unitsFile();
      }
      if (printRecipe) {
        RecipeYaml yaml = options.job().run(s -> recipe(s).yaml(elements)).result();
        System.out.print(yaml.text());
      } else {
        print(options.job().run(spark -> run(spark, job(recipe(spark)))));
      }
    }

    private PruneRecipe recipe(@Nullable SparkContext spark) {
      String reference = spark != null && what.isPermuted() ? permuted(spark) : model;
      return what.recipe(reference, dir, targets, spark, options.job().progress());
    }

    /** The model with its channels in a better order, as a file beside the output. */
    private String permuted(SparkContext spark) {
      Path file = unitsFile();
      FreePermutation.Ordered found =
          what.permutation(model, dir)
              .search(spark, UnitRemoval.base(location, dir), options.job().progress());
      UnitRemoval.write(file, found.units());
      System.err.printf(
          Locale.ROOT,
          "ordered channels: %.3f %% more magnitude is kept of what reads them%n",
          100 * (found.after() / found.before() - 1));
      return file.toString();
    }

    private PruneJob job(PruneRecipe recipe) {
      Path maskDir = masks;
      return PruneJob.of(
          options.request(recipe.yaml(elements), output, planning),
          format,
          maskDir == null
              ? null
              : options.request(recipe.writing("packed").yaml(elements), maskDir, planning),
          maskFormat);
    }

    private PruneReport run(SparkContext spark, PruneJob job) {
      job.merge().plan().warnings().forEach(w -> System.err.println("warning: " + w));
      return new PruneReport(job.merge().plan(), output, job.run(spark));
    }

    private void print(JobOptions.Ended<PruneReport> ended) {
      if (options.job().isJson()) {
        System.out.print(ended.result().json(ended.seconds()));
      } else {
        System.err.print(ended.result().text(ended.seconds()));
      }
    }
  }
}
