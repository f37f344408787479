package io.weightloom.cli;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.job.FreePermutation;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.job.PruneBudgets;
import io.weightloom.job.PruneRecipe;
import io.weightloom.prune.Budget.Prunable;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkContext;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say which weights go, and the recipe that says the same. */
final class PruneOptions {
  private static final int LARGEST_PERMUTED = 16;
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

  @Option(
      names = "--permute",
      description =
          "with --nm: order channels first so that more magnitude is kept, where the model computes"
              + " the same in any order")
  private boolean permute;

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
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "any other key of the method's, as docs/methods.md lists them")
  private Map<String, String> settings = new LinkedHashMap<>();

  /** Whether it is said how many weights go. */
  boolean isGiven() {
    return sparsity != null || nm != null;
  }

  /** Refuses what contradicts itself. */
  void requireSense() {
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
    if (permute && (!grouped || method != Method.MAGNITUDE || rewind != null)) {
      throw WeightloomException.usage(
          "Cannot permute channels but for N:M by magnitude: tables and --rewind are of the order that is there (leave out --permute)");
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

  /** The tensors of a model that are pruned. */
  List<Prunable> targets(String model, ModelDir dir) {
    List<Prunable> prunable = PruneRecipe.prunable(dir, targets);
    if (prunable.isEmpty()) {
      throw WeightloomException.input(
          "Cannot prune %s: it has no tensors for --targets %s (choose matrices or all)"
              .formatted(model, targets));
    }
    return prunable;
  }

  /** Whether channels are ordered before. */
  boolean isPermuted() {
    return permute;
  }

  /** What finds an order for the channels of this model. */
  FreePermutation permutation(String model, ModelDir dir) {
    Map<String, Object> nm = extensions();
    int m = (int) nm.getOrDefault("m", 0);
    if (m > LARGEST_PERMUTED) {
      throw WeightloomException.usage(
          "Cannot permute channels for groups of %d: the search is of swaps between groups of at most %d (leave out --permute)"
              .formatted(m, LARGEST_PERMUTED));
    }
    return new FreePermutation(model, dir, (int) nm.getOrDefault("n", 0), m);
  }

  /** Whether the recipe is known only when the weights have been read. */
  boolean readsWeights() {
    return permute || budget.readsWeights(curves != null);
  }

  String budget() {
    return budget.name().toLowerCase(Locale.ROOT);
  }

  /**
   * The recipe.
   *
   * @param model its reference
   * @param prunable its tensors that are pruned
   * @param spark where weights are read for it; null if none are
   */
  PruneRecipe recipe(
      String model,
      ModelDir dir,
      List<Prunable> prunable,
      @Nullable SparkContext spark,
      Progress progress) {
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
        pruned = budgets.distortion(spark, progress);
      } else if (spark != null && budget == PruneBudgets.Kind.LAMP) {
        pruned = budgets.lamp(spark, progress);
      } else if (spark != null && budget == PruneBudgets.Kind.OWL && table != null) {
        sparsities = budgets.owl(spark, table, owlLambda, owlM, progress);
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
}
