package io.weightloom.cli;

import io.weightloom.analysis.Table;
import io.weightloom.compare.CompareReport;
import io.weightloom.compare.CompareTables;
import io.weightloom.compare.Lineage;
import io.weightloom.compare.Renaming;
import io.weightloom.compare.SubspaceRow;
import io.weightloom.compare.Top;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.TensorLocation;
import io.weightloom.job.CompareJob;
import io.weightloom.stats.Gram;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weightloom compare}. */
@Command(
    name = "compare",
    description =
        "Compare models with a base, or with each other: what changed and how far, cosines and sign"
            + " conflicts of task vectors, overlap of their largest elements, who may descend from"
            + " whom. One read of all models.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  weightloom compare --base base math code chat",
      "  weightloom compare --base base math code --top 0.2 --plot pictures",
      "  weightloom compare --base base math code --top 0.05 --top-scope model",
      "  weightloom compare --base base math code --subspace 8 --tensors '*_proj.weight'",
      "  weightloom compare checkpoint-100 checkpoint-200 checkpoint-300",
      "  weightloom compare --lineage a b c d --trees 2 --to results"
    })
final class CompareCommand implements Callable<Integer> {

  /** What the largest elements are the largest of. */
  enum TopScope {
    TENSOR,
    MODEL
  }

  @Parameters(
      arity = "1..*",
      paramLabel = "MODEL",
      description =
          "directories, block tables, safetensors files, or names in the Hugging Face cache")
  private List<String> references = List.of();

  @Option(
      names = "--base",
      paramLabel = "BASE",
      description = "what the models were made from; without, all are compared with all")
  private @Nullable String base;

  @Option(
      names = "--top",
      paramLabel = "SHARE",
      defaultValue = "0",
      description =
          "with --base: compare where the largest elements of task vectors lie, this share of each"
              + " tensor, as 0.2; reads all models twice more")
  private double top;

  @Option(
      names = "--top-scope",
      paramLabel = "tensor|model",
      defaultValue = "tensor",
      description =
          "with --top: the share of each tensor, or of all tensors together by one threshold, which"
              + " shows where a task vector has its mass (default: tensor)")
  private TopScope topScope = TopScope.TENSOR;

  @Option(
      names = "--subspace",
      paramLabel = "R",
      description =
          "with --base: how much of their R leading singular directions the task vectors of each"
              + " matrix share; another read, and much computing")
  private @Nullable Integer directions;

  @Option(
      names = "--rename",
      paramLabel = "FROM=TO",
      description =
          "tensors of all models but the first (the base) are compared under other names, as"
              + " 'transformer.h.*=model.layers.*': each * of TO is one of FROM, the first rule that"
              + " fits counts; may be repeated")
  private List<String> renames = List.of();

  @Option(
      names = "--lineage",
      description = "without --base: guess which model descends from which; a hint")
  private boolean lineage;

  @Option(
      names = "--trees",
      paramLabel = "N",
      defaultValue = "1",
      description = "with --lineage: families that the models belong to (default: 1)")
  private int trees;

  @Option(
      names = "--kurtosis",
      paramLabel = "falling|rising",
      defaultValue = "falling",
      description =
          "with --lineage: how kurtosis goes from parent to child in this family (default: falling)")
  private Lineage.Direction direction = Lineage.Direction.FALLING;

  @Mixin private AnalysisOptions options = new AnalysisOptions();

  @Override
  public Integer call() {
    require();
    Renaming renaming = Renaming.of(renames);
    List<String> all = new ArrayList<>();
    if (base != null) {
      all.add(base);
    }
    all.addAll(references);
    List<ModelToAnalyse> models = renamed(ModelToAnalyse.open(options, "compare", all), renaming);
    List<Table<?>> tables = new ArrayList<>(List.of(CompareTables.MODELS, CompareTables.TENSORS));
    if (base != null) {
      tables.addAll(List.of(CompareTables.TASKS, CompareTables.SIGNS));
    }
    Integer wanted = directions;
    if (wanted != null) {
      tables.add(CompareTables.SUBSPACES);
    }
    if (lineage) {
      tables.add(CompareTables.LINEAGE);
    }
    return options.run(
        tables,
        spark -> {
          CompareJob job = new CompareJob(spark, options.job().progress());
          List<String> names = models.stream().map(ModelToAnalyse::name).toList();
          List<Map<String, TensorLocation>> tensors =
              models.stream().map(ModelToAnalyse::tensors).toList();
          CompareReport report =
              job.run(names, tensors, base != null, new Top(top, topScope == TopScope.MODEL));
          return new Found(
                  report,
                  wanted != null ? job.subspaces(names, tensors, wanted) : List.of(),
                  wanted != null,
                  lineage ? lineage(report) : List.of(),
                  lineage)
              .findings();
        });
  }

  private List<ModelToAnalyse> renamed(List<ModelToAnalyse> models, Renaming renaming) {
    List<String> names = new ArrayList<>();
    List<ModelToAnalyse> renamed = new ArrayList<>(models.subList(0, 1));
    for (ModelToAnalyse model : models.subList(1, models.size())) {
      names.addAll(model.tensors().keySet());
      renamed.add(new ModelToAnalyse(model.name(), renaming.apply(model.name(), model.tensors())));
    }
    List<String> idle = renaming.idle(names);
    if (!idle.isEmpty()) {
      throw WeightloomException.usage(
          "Cannot rename tensors by '%s': no tensor of %s is named so (see weightloom inspect)"
              .formatted(
                  idle.get(0),
                  String.join(", ", models.stream().skip(1).map(ModelToAnalyse::name).toList())));
    }
    return renamed;
  }

  private void require() {
    int models = references.size() + (base == null ? 0 : 1);
    if (models < 2) {
      throw WeightloomException.usage(
          "Cannot compare %s: there is no other model (name two, or its base by --base)"
              .formatted(references.get(0)));
    }
    if (models > Gram.MOST_MODELS) {
      throw WeightloomException.usage(
          "Cannot compare %d models at once: the most is %d (compare parts of them)"
              .formatted(models, Gram.MOST_MODELS));
    }
    if (!(top >= 0 && top <= 1)) {
      throw WeightloomException.usage(
          "Cannot compare the largest %s of task vectors: it is a share (give a number from 0 to 1)"
              .formatted(top));
    }
    if (top > 0 && base == null) {
      throw WeightloomException.usage(
          "Cannot find the largest elements of task vectors: without a base there are none (give --base)");
    }
    if (top > 0 && references.size() > Top.MOST_TASKS) {
      throw WeightloomException.usage(
          "Cannot find the largest elements of %d task vectors at once: the most is %d (compare parts of them, or leave --top out)"
              .formatted(references.size(), Top.MOST_TASKS));
    }
    if (topScope == TopScope.MODEL && top == 0) {
      throw WeightloomException.usage(
          "Cannot take --top-scope model: no largest elements are asked for (give --top as well, as 0.2)");
    }
    requireSubspaces();
    if (lineage && base != null) {
      throw WeightloomException.usage(
          "Cannot guess a lineage against a base: all models are compared with all (leave --base out, and name the base among the models)");
    }
    if (lineage && (trees < 1 || trees > references.size())) {
      throw WeightloomException.usage(
          "Cannot make %d trees of %d models: a tree is of one model at least (give --trees 1 to %d)"
              .formatted(trees, references.size(), references.size()));
    }
  }

  private void requireSubspaces() {
    Integer wanted = directions;
    if (wanted == null) {
      return;
    }
    if (wanted < 1) {
      throw WeightloomException.usage(
          "Cannot compare leading directions of task vectors: --subspace is %d (give 1 or more)"
              .formatted(wanted));
    }
    if (base == null) {
      throw WeightloomException.usage(
          "Cannot compare leading directions of task vectors: without a base there are none (give --base)");
    }
    if (references.size() < 2) {
      throw WeightloomException.usage(
          "Cannot compare leading directions of task vectors: there is one alone (name two models or more)");
    }
  }

  private List<Lineage.Edge> lineage(CompareReport report) {
    if (!report.hasSquares()) {
      throw WeightloomException.input(
          "Cannot guess a lineage: the models have no square matrix in common, which it is guessed from (see weightloom inspect, and --tensors)");
    }
    return report.lineage(trees, direction);
  }

  private record Found(
      CompareReport report,
      List<SubspaceRow> subspaces,
      boolean hasSubspaces,
      List<Lineage.Edge> edges,
      boolean hasLineage) {

    AnalysisOptions.Findings findings() {
      return new AnalysisOptions.Findings(tables(), this::text, this::plots);
    }

    private List<Table.Result> tables() {
      List<Table.Result> results = new ArrayList<>();
      results.add(CompareTables.MODELS.of(report.totals()));
      results.add(CompareTables.TENSORS.of(report.pairs()));
      if (report.hasBase()) {
        results.add(CompareTables.TASKS.of(report.tasks()));
        results.add(CompareTables.SIGNS.of(report.signs()));
      }
      if (hasSubspaces) {
        results.add(CompareTables.SUBSPACES.of(subspaces));
      }
      if (hasLineage) {
        results.add(
            CompareTables.LINEAGE.of(
                edges.stream()
                    .map(
                        e ->
                            new CompareTables.LineageRow(
                                e,
                                report.models().get(e.child()),
                                e.parent() < 0 ? "" : report.models().get(e.parent())))
                    .toList()));
      }
      return results;
    }

    private String text() {
      String page = CompareText.of(report, edges);
      return hasSubspaces ? page + SubspaceText.of(subspaces) : page;
    }

    private Map<String, String> plots() {
      return ComparePlots.of(report);
    }
  }
}
