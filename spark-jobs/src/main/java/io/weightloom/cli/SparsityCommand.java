package io.weightloom.cli;

import io.weightloom.analysis.Table;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelReference;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.job.EmbeddedSpark;
import io.weightloom.job.Json;
import io.weightloom.job.PruneBudgets;
import io.weightloom.job.PruneRecipe;
import io.weightloom.job.ResultTables;
import io.weightloom.prune.SparsityCurve;
import io.weightloom.prune.SparsityCurve.Point;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weightloom sparsity}. */
@Command(
    name = "sparsity",
    description =
        "What pruning by magnitude would take at each sparsity: kept mass, and the sparsity of each"
            + " tensor under one threshold for the model. Reads the weights once, prunes nothing.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  weightloom sparsity model",
      "  weightloom sparsity model --levels 100 --output json",
      "  weightloom sparsity model --to results      Parquet: results/sparsity_curve",
    })
final class SparsityCommand implements Callable<Integer> {

  @Mixin private JobOptions job = new JobOptions();

  @Parameters(paramLabel = "MODEL", description = "the model: a path or a hub name")
  private String model = "";

  @Option(
      names = "--levels",
      defaultValue = "10",
      description = "sparsities from 0 at equal distances (default: 10)")
  private int levels;

  @Option(
      names = "--targets",
      defaultValue = "layers",
      description = "layers (matrices of numbered layers), matrices or all")
  private String targets = "layers";

  @Option(names = "--to", paramLabel = "DIR", description = "write Parquet here too")
  private @Nullable Path target;

  @Option(names = "--overwrite", description = "replace what is there")
  private boolean overwrite;

  @Override
  public Integer call() {
    if (levels < 1 || levels > 100_000) {
      throw WeightloomException.usage(
          "Cannot draw a curve of %d levels: it has 1 to 100000 (choose another --levels)"
              .formatted(levels));
    }
    ModelDir dir = ModelDir.open(ModelReference.resolve(model, System.getenv()), Profile.REFERENCE);
    Path to = target;
    if (to != null) {
      ResultTables.requireWritable(to, List.<Table<?>>of(SparsityCurve.TABLE), overwrite);
    }
    ProgressLine line = job.progress();
    SparkContext spark = EmbeddedSpark.context(job.master());
    try {
      PruneBudgets budgets = new PruneBudgets(dir, PruneRecipe.prunable(dir, targets), 0);
      List<Point> points = SparsityCurve.of(budgets.histograms(spark, line), levels);
      line.wipe();
      Table.Result result = SparsityCurve.TABLE.of(points);
      if (to != null) {
        ResultTables.write(
            SparkSession.builder().sparkContext(spark).getOrCreate(),
            List.of(result),
            to,
            overwrite);
      }
      if (job.isJson()) {
        System.out.print(Json.prettyText(ResultTables.json(List.of(result))));
      } else {
        print(points);
      }
    } finally {
      line.wipe();
      spark.stop();
    }
    return 0;
  }

  private static void print(List<Point> points) {
    System.out.printf(
        "%-48s %9s %12s %9s %9s %9s%n",
        "tensor", "sparsity", "threshold", "kept L1", "kept L2", "induced");
    for (Point p : points) {
      System.out.printf(
          "%-48s %9.4f %12.6g %9.4f %9.4f %9.4f%n",
          p.tensor(), p.sparsity(), p.threshold(), p.keptL1(), p.keptL2(), p.induced());
    }
  }
}
