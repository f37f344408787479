package io.weightloom.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelReference;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.job.EmbeddedSpark;
import io.weightloom.job.Json;
import io.weightloom.job.KernelWarmUp;
import io.weightloom.job.LayerRemoval;
import io.weightloom.job.MaskExport;
import io.weightloom.job.MergeJob;
import io.weightloom.job.MergeRequest;
import io.weightloom.job.MergeResult;
import io.weightloom.job.PlanReport;
import io.weightloom.job.PreparedMerge;
import io.weightloom.job.PruneBudgets;
import io.weightloom.job.PruneRecipe;
import io.weightloom.job.RecipeYaml;
import io.weightloom.job.Units;
import io.weightloom.merge.Numerics;
import io.weightloom.plan.MergePlanner;
import io.weightloom.prune.Budget.Prunable;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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
      "",
      "The output holds the recipe that gives it again by weightloom merge. Of equal scores the",
      "first in the tensor goes first, and exactly as many go as were asked for.",
    })
final class PruneCommand implements Callable<Integer> {
  private static final Pattern NM = Pattern.compile("(\\d{1,4}):(\\d{1,4})");

  /** What ranks weights. */
  enum Method {
    MAGNITUDE,
    WANDA,
    SPARSEGPT
  }

  /** What scores are ranked among. */
  enum Scope {
    TENSOR,
    ROW,
    MODEL
  }

  /** How masks are written. */
  enum MaskFormat {
    SAFETENSORS,
    PARQUET
  }

  @Mixin private JobOptions job = new JobOptions();

  @Parameters(index = "0", paramLabel = "MODEL", description = "the model: a path or a hub name")
  private String model = "";

  @Parameters(index = "1", paramLabel = "OUT", description = "the directory to make")
  private Path output = Path.of("");

  @Option(
      names = "--method",
      defaultValue = "magnitude",
      description = "magnitude, wanda (needs --norms) or sparsegpt (needs --grams)")
  private Method method = Method.MAGNITUDE;

  @Option(names = "--sparsity", paramLabel = "SHARE", description = "share of weights to prune")
  private @Nullable Double sparsity;

  @Option(
      names = "--nm",
      paramLabel = "N:M",
      description = "keep N of each M consecutive weights of a row, instead of --sparsity")
  private @Nullable String nm;

  @Option(names = "--scope", description = "tensor, row or model (default: tensor; of wanda: row)")
  private @Nullable Scope scope;

  @Option(
      names = "--budget",
      defaultValue = "none",
      description =
          "sparsity by tensor: none, uniform_plus, er, erk, lamp, owl (needs --norms), distortion")
  private PruneBudgets.Kind budget = PruneBudgets.Kind.NONE;

  @Option(
      names = "--curves",
      paramLabel = "FILE",
      description =
          "for --budget distortion: JSON {tensor: [[share, distortion], …]}; without, the sum of"
              + " squares of what goes")
  private @Nullable Path curves;

  @Option(
      names = "--owl-lambda",
      defaultValue = "0.08",
      description = "how far OWL's sparsities may differ (default: 0.08)")
  private double owlLambda;

  @Option(
      names = "--owl-m",
      defaultValue = "5",
      description = "OWL's outliers are above so many means (default: 5)")
  private double owlM;

  @Option(
      names = "--count",
      defaultValue = "floor",
      description = "floor: exactly, rounded down; round: to nearest; ties, beyond: by threshold")
  private String count = "floor";

  @Option(
      names = "--targets",
      defaultValue = "layers",
      description = "layers (matrices of numbered layers), matrices or all")
  private String targets = "layers";

  @Option(names = "--norms", paramLabel = "TABLE", description = "L2 norms of each layer's inputs")
  private @Nullable String norms;

  @Option(names = "--grams", paramLabel = "TABLE", description = "Gram matrices of the inputs")
  private @Nullable String grams;

  @Option(
      names = "--lacking",
      defaultValue = "error",
      description = "a tensor that the table lacks: error or dense (left as it is)")
  private String lacking = "error";

  @Option(
      names = "--rewind",
      paramLabel = "MODEL",
      description = "lay the mask on this model: a lottery ticket")
  private @Nullable String rewind;

  @Option(
      names = "--drop-layers",
      paramLabel = "COUNT",
      description = "take so many whole layers out, those of least --layer-scores")
  private @Nullable Integer dropLayers;

  @Option(
      names = "--layer-scores",
      paramLabel = "FILE",
      description = "JSON list of one number a layer, the higher the more it matters")
  private @Nullable Path layerScores;

  @Option(names = "--masks", paramLabel = "DIR", description = "write the mask here too")
  private @Nullable Path masks;

  @Option(
      names = "--mask-format",
      defaultValue = "safetensors",
      description = "safetensors (U8, one bit a weight) or parquet (default: safetensors)")
  private MaskFormat maskFormat = MaskFormat.SAFETENSORS;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "any other key of the method's, as docs/methods.md lists them")
  private Map<String, String> settings = new LinkedHashMap<>();

  @Option(names = "--dry-run", description = "print the plan, write nothing, start no Spark")
  private boolean dryRun;

  @Option(names = "--print-recipe", description = "print the recipe for weightloom merge, and stop")
  private boolean printRecipe;

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

  @Override
  public Integer call() {
    Sizes.requireBlock(blockElements);
    Integer dropped = dropLayers;
    if (dropped == null) {
      requireSense();
    }
    ModelDir dir = ModelDir.open(ModelReference.resolve(model, System.getenv()), Profile.REFERENCE);
    if (dropped != null) {
      return removeLayers(dir, dropped);
    }
    List<Prunable> prunable = PruneRecipe.prunable(dir, targets);
    if (prunable.isEmpty()) {
      throw WeightloomException.input(
          "Cannot prune %s: it has no tensors for --targets %s (choose matrices or all)"
              .formatted(model, targets));
    }
    ProgressLine line = job.progress();
    boolean readsWeights = budget.readsWeights(curves != null);
    if (dryRun && readsWeights) {
      throw WeightloomException.usage(
          "Cannot print the plan of --budget %s without reading weights (use --print-recipe)"
              .formatted(budget.name().toLowerCase(Locale.ROOT)));
    }
    if (!readsWeights && (dryRun || printRecipe)) {
      return show(recipe(dir, prunable, null, line), prunable);
    }
    long begin = System.nanoTime();
    KernelWarmUp warmUp = null;
    if (!readsWeights) {
      // Whatever is wrong is said before Spark is waited for.
      Ready ready =
          prepare(recipe(dir, prunable, null, line).yaml(elements(prunable)), output, line);
      warmUp = KernelWarmUp.of(ready.merge().plan(), blockElements);
    }
    SparkContext spark = start(warmUp);
    try {
      PruneRecipe recipe = recipe(dir, prunable, spark, line);
      if (printRecipe) {
        return show(recipe, prunable);
      }
      prune(spark, recipe, prunable, line, begin);
    } finally {
      line.wipe();
      spark.stop();
    }
    return 0;
  }

  private int removeLayers(ModelDir dir, int layers) {
    Path scores = layerScores;
    if (scores == null || sparsity != null || nm != null || masks != null) {
      throw WeightloomException.usage(
          "Cannot remove layers: --drop-layers takes --layer-scores and nothing that prunes weights (prune what comes of it in a second step)");
    }
    RecipeYaml yaml = LayerRemoval.recipe(model, dir, scores, layers);
    if (printRecipe) {
      System.out.print(yaml.text());
      return 0;
    }
    ProgressLine line = job.progress();
    Ready ready = prepare(yaml, output, line);
    if (dryRun) {
      return show(ready.merge());
    }
    job.run(spark -> MergeJob.run(spark, ready.request(), ready.merge()));
    System.err.printf("removed %d layers: %s%n", layers, output);
    return 0;
  }

  private SparkContext start(@Nullable KernelWarmUp warmUp) {
    try {
      return EmbeddedSpark.context(job.master());
    } finally {
      if (warmUp != null) {
        warmUp.stop();
      }
    }
  }

  private void requireSense() {
    boolean grouped = nm != null;
    boolean counted = sparsity != null;
    if (grouped == counted) {
      throw WeightloomException.usage(
          grouped
              ? "Cannot prune by --sparsity and --nm at once (give one of them)"
              : "Cannot prune by nothing: say how much (--sparsity 0.5, or --nm 2:4)");
    }
    if (sparsity != null && !(sparsity >= 0 && sparsity <= 1)) {
      throw WeightloomException.usage(
          "Cannot prune a share of %s: --sparsity goes from 0 to 1 (0.5 for half)"
              .formatted(sparsity));
    }
    if (!List.of("layers", "matrices", "all").contains(targets)) {
      throw WeightloomException.usage(
          "Cannot prune the targets %s (choose layers, matrices or all)".formatted(targets));
    }
    if (budget != PruneBudgets.Kind.NONE && (grouped || scope == Scope.MODEL)) {
      throw WeightloomException.usage(
          "Cannot share out %s by a budget: each tensor has the same then (leave out --budget)"
              .formatted(grouped ? "N:M" : "one threshold for the model"));
    }
    if (method == Method.SPARSEGPT && (scope != null || rewind != null)) {
      throw WeightloomException.usage(
          "Cannot prune by sparsegpt with %s: it chooses in blocks of columns and mends the model that it prunes (leave it out)"
              .formatted(scope != null ? "--scope" : "--rewind"));
    }
    requireTable("wanda", method == Method.WANDA, norms, "--norms");
    requireTable("sparsegpt", method == Method.SPARSEGPT, grams, "--grams");
    requireTable("OWL", budget == PruneBudgets.Kind.OWL, norms, "--norms");
  }

  private static void requireTable(
      String what, boolean needed, @Nullable String table, String option) {
    if (needed && table == null) {
      throw WeightloomException.usage(
          "Cannot prune by %s without a table (give %s; docs/side-tables.md says how to make one)"
              .formatted(what, option));
    }
  }

  private Map<String, Long> elements(List<Prunable> prunable) {
    Map<String, Long> elements = new TreeMap<>();
    prunable.forEach(t -> elements.put(t.name(), t.elements()));
    return elements;
  }

  private PruneRecipe recipe(
      ModelDir dir, List<Prunable> prunable, @Nullable SparkContext spark, ProgressLine line) {
    Map<String, Long> pruned = Map.of();
    Map<String, Double> sparsities = Map.of();
    Double share = sparsity;
    if (share != null && budget != PruneBudgets.Kind.NONE) {
      PruneBudgets budgets = new PruneBudgets(dir, prunable, share);
      Path file = curves;
      String table = norms;
      pruned = budgets.ofShapes(budget);
      if (budget == PruneBudgets.Kind.DISTORTION && file != null) {
        pruned = budgets.distortion(file);
      } else if (spark != null && budget == PruneBudgets.Kind.DISTORTION) {
        pruned = budgets.distortion(spark, line);
      } else if (spark != null && budget == PruneBudgets.Kind.LAMP) {
        pruned = budgets.lamp(spark, line);
      } else if (spark != null && budget == PruneBudgets.Kind.OWL && table != null) {
        sparsities = budgets.owl(spark, table, owlLambda, owlM, line);
      }
    }
    return new PruneRecipe(
        methodName(),
        model,
        Optional.ofNullable(rewind),
        Optional.ofNullable(share),
        pruned,
        sparsities,
        extensions(),
        sideTables());
  }

  private String methodName() {
    if (nm != null && method != Method.SPARSEGPT) {
      return "nm_pruning";
    }
    return switch (method) {
      case MAGNITUDE -> "magnitude_pruning";
      case WANDA -> "wanda";
      case SPARSEGPT -> "sparsegpt";
    };
  }

  private Map<String, Object> extensions() {
    Map<String, Object> all = new TreeMap<>();
    all.put("targets", targets);
    if (nm != null) {
      Matcher m = NM.matcher(nm);
      if (!m.matches()) {
        throw WeightloomException.usage(
            "Cannot prune to %s: N:M says how many of how many are kept (as 2:4)".formatted(nm));
      }
      all.put("n", Integer.valueOf(m.group(1)));
      all.put("m", Integer.valueOf(m.group(2)));
      if (method == Method.SPARSEGPT) {
        all.put("pattern", "nm");
      } else if (method == Method.WANDA) {
        all.put("rank_by", "activation");
      }
    } else {
      all.put("count", count);
      if (scope != null) {
        all.put("scope", scope.name().toLowerCase(Locale.ROOT));
      }
    }
    if (method != Method.MAGNITUDE) {
      all.put("lacking", lacking);
    }
    all.putAll(settings);
    return all;
  }

  private Map<String, String> sideTables() {
    Map<String, String> tables = new TreeMap<>();
    if (method == Method.WANDA && norms != null) {
      tables.put("norms", norms);
    }
    if (method == Method.SPARSEGPT && grams != null) {
      tables.put("grams", grams);
    }
    return tables;
  }

  private MergePlanner.Options options() {
    return new MergePlanner.Options(Numerics.ACCURATE, 0, shardBytes);
  }

  private int show(PruneRecipe recipe, List<Prunable> prunable) {
    RecipeYaml yaml = recipe.yaml(elements(prunable));
    if (printRecipe) {
      System.out.print(yaml.text());
      return 0;
    }
    return show(PreparedMerge.of(yaml.recipe(), options()));
  }

  private int show(PreparedMerge merge) {
    int threads = Runtime.getRuntime().availableProcessors();
    System.out.print(
        job.isJson()
            ? Json.prettyText(PlanReport.json(merge, threads, blockElements))
            : PlanReport.text(merge, threads, blockElements));
    return 0;
  }

  /** A merge that is ready to run, and may be. */
  private record Ready(MergeRequest request, PreparedMerge merge) {}

  private Ready prepare(RecipeYaml yaml, Path out, ProgressLine line) {
    PreparedMerge merge = PreparedMerge.of(yaml.recipe(), options());
    MergeRequest request = new MergeRequest(yaml, out, options(), overwrite, blockElements, line);
    request.requireWritable(merge);
    return new Ready(request, merge);
  }

  private void prune(
      SparkContext spark,
      PruneRecipe recipe,
      List<Prunable> prunable,
      ProgressLine line,
      long begin) {
    Ready weights = prepare(recipe.yaml(elements(prunable)), output, line);
    weights.merge().plan().warnings().forEach(w -> System.err.println("warning: " + w));
    Path maskDir = masks;
    Ready packed =
        maskDir == null
            ? null
            : prepare(recipe.writing("packed").yaml(elements(prunable)), maskDir, line);
    List<Ready> written =
        packed == null || maskFormat == MaskFormat.PARQUET
            ? List.of(weights)
            : List.of(weights, packed);
    MergeResult result =
        MergeJob.runAll(
                spark,
                written.stream().map(Ready::request).toList(),
                written.stream().map(Ready::merge).toList())
            .get(0);
    if (packed != null && maskFormat == MaskFormat.PARQUET) {
      MaskExport.toParquet(spark, packed.request(), packed.merge());
    }
    line.wipe();
    print(weights.merge(), result, elements(prunable), (System.nanoTime() - begin) / 1e9);
  }

  private void print(
      PreparedMerge merge, MergeResult result, Map<String, Long> targets, double seconds) {
    long all = 0;
    long kept = 0;
    for (MergeResult.TensorResult t : result.tensors()) {
      Long elements = targets.get(t.planned().output().name());
      if (elements != null) {
        all += elements;
        Object pruned = t.decisions().get("pruned");
        kept +=
            pruned instanceof Number p
                ? elements - p.longValue()
                : t.kept().isEmpty() ? elements : t.kept().get(0);
      }
    }
    double realised = all == 0 ? 0 : 1 - (double) kept / all;
    if (job.isJson()) {
      ObjectNode out = Json.object();
      out.put("output", result.output());
      out.put("method", merge.plan().method());
      out.put("tensors", merge.plan().tensors().size());
      out.put("pruned_tensors", targets.size());
      out.put("weights", all);
      out.put("pruned", all - kept);
      out.put("sparsity", realised);
      out.put("seconds", Math.round(seconds * 1000) / 1000.0);
      out.set("warnings", Json.tree(merge.plan().warnings()));
      System.out.print(Json.prettyText(out));
      return;
    }
    System.err.printf(
        "pruned %d of %d weights (%.4f %%) of %d tensors, wrote %s by %s in %.1f s: %s%n",
        all - kept,
        all,
        100 * realised,
        targets.size(),
        Units.bytes(merge.plan().outputBytes()),
        merge.plan().method(),
        seconds,
        result.output());
  }
}
