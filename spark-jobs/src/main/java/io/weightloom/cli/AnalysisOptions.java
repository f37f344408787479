package io.weightloom.cli;

import io.weightloom.analysis.Table;
import io.weightloom.cli.MergeCommand.ProgressMode;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelIdentity;
import io.weightloom.io.ModelReference;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.job.EmbeddedSpark;
import io.weightloom.job.Json;
import io.weightloom.job.KernelWarmUp;
import io.weightloom.job.ResultTables;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.hadoop.fs.GlobPattern;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What commands that look at models have in common: which tensors, and where results go. */
final class AnalysisOptions {
  @Option(
      names = "--tensors",
      paramLabel = "PATTERN",
      defaultValue = "*",
      description = "names of tensors: *.up_proj.*, *.{q,k}_proj.weight (default: all)")
  private String tensors = "*";

  @Option(
      names = "--output",
      defaultValue = "text",
      description = "text, or json: all tables on standard output")
  private Output format = Output.TEXT;

  @Option(
      names = "--to",
      paramLabel = "DIR",
      description = "write the tables as Parquet too, each into its directory in DIR")
  private @Nullable Path to;

  @Option(
      names = "--to-table",
      paramLabel = "SCHEMA",
      description = "add the rows to the tables of a schema of Spark's catalog too, as lake.audit")
  private @Nullable String toTable;

  @Option(names = "--plot", paramLabel = "DIR", description = "write pictures (SVG) into DIR too")
  private @Nullable Path plot;

  @Option(names = "--overwrite", description = "replace tables and pictures that exist")
  private boolean overwrite;

  @Option(
      names = "--progress",
      defaultValue = "auto",
      description = "auto (a line on a terminal), json (lines on standard error) or none")
  private ProgressMode progress = ProgressMode.AUTO;

  @Option(
      names = "--master",
      paramLabel = "URL",
      description = "Spark master; read by the launcher (default: the cores of this machine)")
  private @Nullable String master;

  /**
   * A model to look at.
   *
   * @param name what results call it
   * @param tensors those that were chosen
   */
  record Model(String name, ModelDir dir, Map<String, TensorLocation> tensors) {}

  /** What a command has found. */
  interface Findings {
    /** All tables. */
    List<Table.Result> tables();

    /** A page for people. */
    String text();

    /** Pictures by their names, without an ending. */
    Map<String, String> plots();
  }

  /** A command's work. */
  @FunctionalInterface
  interface Work {
    Findings on(SparkContext spark, ProgressLine progress);
  }

  /** Opens models: reads their headers. */
  List<Model> open(List<String> references) {
    List<String> names = new ArrayList<>();
    List<ModelDir> dirs = new ArrayList<>();
    for (String reference : references) {
      String location = ModelReference.resolve(reference, System.getenv());
      dirs.add(ModelDir.open(location, Profile.REFERENCE));
      names.add(ModelIdentity.of(dirs.get(dirs.size() - 1).path()).name());
    }
    List<Model> models = new ArrayList<>();
    for (int i = 0; i < dirs.size(); i++) {
      boolean isAlone = Collections.frequency(names, names.get(i)) == 1;
      String name = isAlone ? names.get(i) : references.get(i);
      models.add(new Model(name, dirs.get(i), chosen(references.get(i), dirs.get(i))));
    }
    return models;
  }

  private Map<String, TensorLocation> chosen(String reference, ModelDir dir) {
    GlobPattern wanted = pattern();
    Map<String, TensorLocation> chosen = new LinkedHashMap<>(dir.tensors());
    chosen.keySet().removeIf(name -> !wanted.matches(name));
    if (chosen.isEmpty()) {
      throw WeightloomException.usage(
          "Cannot look at %s: none of its %d tensors is called like %s (see weightloom inspect %s)"
              .formatted(reference, dir.tensors().size(), tensors, reference));
    }
    return chosen;
  }

  private GlobPattern pattern() {
    try {
      return new GlobPattern(tensors);
    } catch (RuntimeException e) { // Of a class that Hadoop keeps to itself.
      throw WeightloomException.usage(
          "Cannot choose tensors like %s: %s (patterns are those of a shell, as *.{q,k}_proj.weight)"
              .formatted(tensors, e.getMessage()));
    }
  }

  /**
   * Runs a command's work on Spark and hands over what it finds.
   *
   * @param tables those that there will be, so that what is in their way is told before any work
   */
  void run(List<Table<?>> tables, List<Model> models, Work work) {
    requireWritable(tables);
    ProgressLine line = ProgressLine.of(progress);
    SparkContext spark = start();
    try {
      Findings findings = work.on(spark, line);
      line.wipe();
      models.forEach(m -> m.dir().warnings().forEach(w -> System.err.println("warning: " + w)));
      hand(findings);
    } finally {
      line.wipe();
      spark.stop();
    }
  }

  private SparkContext start() {
    KernelWarmUp warmUp = KernelWarmUp.ofStatistics();
    try {
      return EmbeddedSpark.context(master);
    } finally {
      warmUp.stop();
    }
  }

  private void requireWritable(List<Table<?>> tables) {
    if (to != null) {
      ResultTables.requireWritable(to, tables, overwrite);
    }
    if (plot != null && !overwrite && Files.isDirectory(plot)) {
      try (Stream<Path> files = Files.list(plot)) {
        files
            .filter(f -> f.toString().endsWith(".svg"))
            .findFirst()
            .ifPresent(
                f -> {
                  throw WeightloomException.conflict(
                      "Cannot write pictures into %s: it has %s already (choose another directory, or pass --overwrite)"
                          .formatted(plot, f.getFileName()));
                });
      } catch (IOException e) {
        throw cannotWrite(plot, e);
      }
    }
  }

  private void hand(Findings findings) {
    Path directory = to;
    if (directory != null) {
      ResultTables.write(session(), findings.tables(), directory, overwrite);
    }
    String schema = toTable;
    if (schema != null) {
      ResultTables.append(session(), findings.tables(), schema);
    }
    if (plot != null) {
      draw(plot, findings::plots);
    }
    System.out.print(
        format == Output.JSON
            ? Json.prettyText(ResultTables.json(findings.tables()))
            : findings.text());
  }

  private static SparkSession session() {
    return SparkSession.builder().getOrCreate();
  }

  private static void draw(Path directory, Supplier<Map<String, String>> plots) {
    try {
      Files.createDirectories(directory);
      for (Map.Entry<String, String> picture : plots.get().entrySet()) {
        String name = picture.getKey().replaceAll("[^\\w.-]", "_");
        Files.writeString(directory.resolve(name + ".svg"), picture.getValue());
      }
    } catch (IOException e) {
      throw cannotWrite(directory, e);
    }
  }

  private static WeightloomException cannotWrite(Path path, IOException e) {
    return WeightloomException.conflict(
        "Cannot write %s: %s (see whether it may be written, and is on a disk with space)"
            .formatted(path, e.getMessage()));
  }
}
