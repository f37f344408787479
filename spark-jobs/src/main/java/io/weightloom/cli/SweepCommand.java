package io.weightloom.cli;

import static java.util.stream.Collectors.joining;

import io.weightloom.error.WeightloomException;
import io.weightloom.job.GreedySoup;
import io.weightloom.job.Json;
import io.weightloom.job.PlanReport;
import io.weightloom.job.PreparedMerge;
import io.weightloom.job.RecipeYaml;
import io.weightloom.job.ScoreCommand;
import io.weightloom.job.Sweep;
import io.weightloom.job.SweepJob;
import io.weightloom.job.SweepRequest;
import io.weightloom.job.SweepResult;
import io.weightloom.job.Units;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weightloom sweep}. */
@Command(
    name = "sweep",
    description =
        "Merge by many recipes that differ in some values, reading the models once a batch; score"
            + " the candidates by a command of yours and keep the best.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  weightloom sweep ties.yml out --set parameters.lambda=0.6,0.8,1.0",
      "  weightloom sweep ties.yml out --set parameters.lambda=0.1:1.0:0.1 --score 'python eval.py {}'",
      "  weightloom sweep soup.yml out --score './accuracy {}'     a greedy soup",
      "",
      "A recipe may hold the values under weightloom: {sweep: {parameters.lambda: [0.6, 0.8]}}.",
      "The command is run by sh for each candidate, with its directory for {}; it prints the score",
      "as its last line. OUT gets a directory for each candidate that stays, sweep.json, sweep.csv",
      "and the link best.",
    })
final class SweepCommand implements Callable<Integer> {

  /** What stays of the candidates. */
  enum Keep {
    BEST,
    ALL
  }

  @Parameters(index = "0", paramLabel = "RECIPE", description = "the recipe, in mergekit's YAML")
  private Path recipe = Path.of("");

  @Parameters(index = "1", paramLabel = "OUT", description = "the directory to make")
  private Path output = Path.of("");

  @Option(
      names = "--set",
      paramLabel = "PATH=VALUES",
      description =
          "values to try at a path of the recipe: VALUE,VALUE,... or FROM:TO:STEP; may be repeated"
              + " for a grid")
  private List<String> sets = new ArrayList<>();

  @Option(
      names = "--score",
      paramLabel = "COMMAND",
      description = "scores the model in the directory {}: a number as its last line")
  private @Nullable String score;

  @Option(
      names = {"--minimise", "--minimize"},
      description = "lower scores are better")
  private boolean minimise;

  @Option(
      names = "--keep",
      description = "which candidates stay: best or all (default: best if they are scored)")
  private @Nullable Keep keep;

  @Option(
      names = "--batch",
      paramLabel = "N",
      defaultValue = "" + SweepRequest.BATCH,
      description =
          "candidates that are written by one read and lie on the disk together (default:"
              + " ${DEFAULT-VALUE})")
  private int batch = SweepRequest.BATCH;

  @Option(names = "--dry-run", description = "print the candidates and the plan, write nothing")
  private boolean dryRun;

  @Mixin private MergeOptions options = new MergeOptions();

  @Override
  public Integer call() {
    if (batch < 1) {
      throw WeightloomException.usage(
          "Cannot use --batch %d: it must be at least 1 (try %d)"
              .formatted(batch, SweepRequest.BATCH));
    }
    if (score == null && (keep == Keep.BEST || minimise)) {
      throw WeightloomException.usage(
          "Cannot use --%s: without scores no candidate is the best (pass --score, or --keep all)"
              .formatted(minimise ? "minimise" : "keep best"));
    }
    return isSoup() ? soup() : sweep();
  }

  /** A soup has nothing to try by name. */
  private boolean isSoup() {
    if (!sets.isEmpty() || score == null) {
      return false;
    }
    return !RecipeYaml.isSweep(recipe) && GreedySoup.isAskedFor(RecipeYaml.read(recipe).recipe());
  }

  private int sweep() {
    Sweep sweep = Sweep.read(recipe, sets);
    SweepRequest request = request(options.job().progress());
    List<PreparedMerge> merges = SweepJob.prepare(sweep, request);
    if (dryRun) {
      printPlan(sweep, merges);
      return 0;
    }
    merges.stream()
        .flatMap(m -> m.plan().warnings().stream())
        .distinct()
        .forEach(w -> System.err.println("warning: " + w));
    return run(merges.get(0), spark -> SweepJob.run(spark, request, sweep, merges));
  }

  private int soup() {
    RecipeYaml yaml = RecipeYaml.read(recipe);
    SweepRequest request = request(options.job().progress());
    PreparedMerge merge = PreparedMerge.of(yaml.recipe(), options.planning());
    if (dryRun) {
      System.out.print(
          PlanReport.text(
              merge, Runtime.getRuntime().availableProcessors(), request.blockElements()));
      return 0;
    }
    return run(merge, spark -> GreedySoup.run(spark, request, yaml));
  }

  private int run(PreparedMerge first, Function<SparkContext, SweepResult> work) {
    JobOptions.Ended<SweepResult> ended = options.run(first.plan(), work);
    print(ended.result(), ended.seconds());
    return 0;
  }

  private SweepRequest request(ProgressLine line) {
    String command = score;
    return new SweepRequest(
        output,
        options.planning(),
        options.overwrite(),
        options.blockElements(),
        batch,
        command == null
            ? Optional.empty()
            : Optional.of(new SweepRequest.Scoring(new ScoreCommand(command), minimise)),
        keep == null ? command == null : keep == Keep.ALL,
        line,
        row -> told(line, row));
  }

  private void told(ProgressLine line, SweepResult.Row row) {
    line.wipe();
    Double found = row.score();
    if (found != null) {
      System.err.printf(Locale.ROOT, "%s: %s%n", row.name(), found);
    }
  }

  private void printPlan(Sweep sweep, List<PreparedMerge> merges) {
    int threads = Runtime.getRuntime().availableProcessors();
    int batches = (merges.size() + batch - 1) / batch;
    if (options.job().isJson()) {
      var out = Json.object();
      out.put("batches", batches);
      var candidates = out.putArray("candidates");
      for (int i = 0; i < merges.size(); i++) {
        candidates
            .addObject()
            .put("name", sweep.candidates().get(i).name())
            .set("plan", PlanReport.json(merges.get(i), threads, options.blockElements()));
      }
      System.out.print(Json.prettyText(out));
      return;
    }
    System.out.printf(
        "candidates  %d in %d batch%s: %s%n",
        merges.size(),
        batches,
        batches == 1 ? "" : "es",
        sweep.candidates().stream().limit(20).map(Sweep.Candidate::name).collect(joining(" ")));
    long each = merges.stream().mapToLong(m -> m.plan().outputBytes()).max().orElse(0);
    System.out.printf(
        "disk        %s: a batch of %s each%s%n",
        Units.bytes(each * (Math.min(batch, merges.size()) + (batches > 1 ? 1 : 0))),
        Units.bytes(each),
        batches > 1 ? ", and the best of those before" : "");
    System.out.print(
        "of the first candidate:\n"
            + PlanReport.text(merges.get(0), threads, options.blockElements()));
  }

  private void print(SweepResult result, double seconds) {
    if (options.job().isJson()) {
      System.out.print(Json.prettyText(result.json(true).put("output", output.toString())));
      return;
    }
    List<List<Object>> table = result.table();
    List<List<Object>> shown = table.subList(1, table.size());
    List<Object> head = table.get(0);
    // The digest is for programs.
    int columns = head.size() - 1;
    StructField[] fields =
        IntStream.range(0, columns)
            .mapToObj(
                c -> DataTypes.createStructField(head.get(c).toString(), type(shown, c), true))
            .toArray(StructField[]::new);
    System.out.print(
        ResultTable.of(fields, shown.stream().map(r -> r.subList(0, columns)).toList()).text());
    System.err.printf(
        Locale.ROOT,
        "tried %d candidates%s in %.1f s: %s%n",
        result.rows().size(),
        result.known() == 0 ? "" : ", %d of them in an earlier run,".formatted(result.known()),
        seconds,
        result.best().map(b -> "the best is " + output.resolve(b)).orElse("all are in " + output));
  }

  private static DataType type(List<List<Object>> rows, int column) {
    return rows.stream().allMatch(r -> r.get(column) == null || r.get(column) instanceof Number)
        ? DataTypes.DoubleType
        : DataTypes.StringType;
  }
}
