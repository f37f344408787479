package io.weightloom.cli;

import io.weightloom.analysis.Table;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.job.StatsJob;
import io.weightloom.stats.PartReport;
import io.weightloom.stats.RowDistanceReport;
import io.weightloom.stats.RowSet;
import io.weightloom.stats.StatsTables;
import io.weightloom.stats.TensorReport;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.spark.SparkContext;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weightloom stats}. */
@Command(
    name = "stats",
    description =
        "Describe the weights of models: exact counts, moments, quantiles, sparsity, outliers,"
            + " entropy, what a cast would cost; by tensor, row, column or block.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  weightloom stats merged",
      "  weightloom stats base math --to results --plot pictures",
      "  weightloom stats merged --tensors '*.down_proj.weight' --per row --to rows",
      "  weightloom stats base --tensors '*embed_tokens.weight' --unused-rows 128011-128255",
      "  weightloom stats merged --output json | jq '.tensor_stats.rows[].kurtosis_population'"
    })
final class StatsCommand implements Callable<Integer> {

  /** What a row of the result is about. */
  enum Per {
    TENSOR,
    ROW,
    COLUMN,
    BLOCK
  }

  @Parameters(
      arity = "1..*",
      paramLabel = "MODEL",
      description =
          "directories, block tables, safetensors files, or names in the Hugging Face cache")
  private List<String> references = List.of();

  @Option(
      names = "--per",
      paramLabel = "tensor|row|column|block",
      defaultValue = "tensor",
      description =
          "a row of results for each tensor, and each of its rows (first dimension), columns or"
              + " blocks (default: tensor)")
  private Per per = Per.TENSOR;

  @Option(
      names = "--once",
      description =
          "read F32 and F64 once, too: their quantiles are then known to 0.8 %% (default: until"
              + " they are exact)")
  private boolean once;

  @Option(
      names = "--unused-rows",
      paramLabel = "ROWS",
      description =
          "rows of an embedding that are known to be unused, as 0,128011-128255: the distances of"
              + " all rows to their mean, which hardly trained ones are near to; two more reads")
  private @Nullable String unusedRows;

  @Option(
      names = "--block-size",
      paramLabel = "SIZE",
      defaultValue = "1m",
      converter = BlockSizeConverter.class,
      description = "with --per block: bytes of a block of a 16-bit type (default: 1m)")
  private int blockElements;

  @Mixin private AnalysisOptions options = new AnalysisOptions();

  @Override
  public Integer call() {
    RowSet unused = unusedRows == null ? null : RowSet.of(unusedRows);
    List<ModelToAnalyse> models = ModelToAnalyse.open(options, "describe", references);
    List<Table<?>> tables = new ArrayList<>(List.of(StatsTables.TENSORS));
    Table<PartReport> parts = parts();
    if (parts != null) {
      tables.add(parts);
    }
    if (unused != null) {
      tables.add(StatsTables.DISTANCES);
    }
    return options.run(
        tables, spark -> find(spark, options.job().progress(), models, unused).findings());
  }

  private @Nullable Table<PartReport> parts() {
    return switch (per) {
      case TENSOR -> null;
      case ROW -> StatsTables.ROWS;
      case COLUMN -> StatsTables.COLUMNS;
      case BLOCK -> StatsTables.BLOCKS;
    };
  }

  private Found find(
      SparkContext spark, Progress progress, List<ModelToAnalyse> models, @Nullable RowSet unused) {
    StatsJob job = new StatsJob(spark, progress);
    Found found = new Found(parts(), unused != null);
    for (ModelToAnalyse model : models) {
      if (unused != null) {
        // First, for it refuses rows that there are not.
        found.distances.addAll(job.distances(model.name(), model.tensors().values(), unused));
      }
      found.tensors.put(model.name(), job.tensors(model.name(), model.tensors().values(), once));
      if (per != Per.TENSOR) {
        found.parts.addAll(
            job.parts(
                model.name(),
                model.tensors().values(),
                StatsJob.Part.valueOf(per.name()),
                blockElements));
      }
    }
    return found;
  }

  private static final class Found {
    private final Map<String, List<TensorReport>> tensors = new LinkedHashMap<>();
    private final List<PartReport> parts = new ArrayList<>();
    private final List<RowDistanceReport> distances = new ArrayList<>();
    private final @Nullable Table<PartReport> table;
    private final boolean hasDistances;

    Found(@Nullable Table<PartReport> table, boolean hasDistances) {
      this.table = table;
      this.hasDistances = hasDistances;
    }

    AnalysisOptions.Findings findings() {
      return new AnalysisOptions.Findings(tables(), this::text, this::plots);
    }

    private List<Table.Result> tables() {
      List<Table.Result> results = new ArrayList<>();
      results.add(StatsTables.TENSORS.of(tensors.values().stream().flatMap(List::stream).toList()));
      if (table != null) {
        results.add(table.of(parts));
      }
      if (hasDistances) {
        results.add(StatsTables.DISTANCES.of(distances));
      }
      return results;
    }

    private String text() {
      List<String> pages = new ArrayList<>();
      tensors.forEach((model, reports) -> pages.add(StatsText.of(model, reports)));
      if (table != null) {
        pages.add(
            "%d rows of %s: write them with --to, or print them with --output json%n"
                .formatted(parts.size(), table.name()));
      }
      if (hasDistances) {
        pages.add(RowDistanceText.of(distances));
      }
      return String.join("\n", pages);
    }

    private Map<String, String> plots() {
      Map<String, String> all = new LinkedHashMap<>();
      tensors.forEach(
          (model, reports) ->
              StatsPlots.of(model, reports)
                  .forEach(
                      (name, svg) ->
                          all.put(tensors.size() == 1 ? name : model + "-" + name, svg)));
      return all;
    }
  }
}
