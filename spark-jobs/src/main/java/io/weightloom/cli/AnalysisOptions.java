package io.weightloom.cli;

import io.weightloom.analysis.Table;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelIdentity;
import io.weightloom.io.ModelReference;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.job.Json;
import io.weightloom.job.KernelWarmUp;
import io.weightloom.job.OutputDir;
import io.weightloom.job.ResultTables;
import io.weightloom.job.SqlSession;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.hadoop.fs.GlobPattern;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What the commands that look at weights have in common: which tensors, and where results go. */
final class AnalysisOptions {
  @Mixin private JobOptions job = new JobOptions();

  @Option(
      names = "--tensors",
      paramLabel = "PATTERN",
      defaultValue = "*",
      description = "names of tensors: *.up_proj.*, *.{q,k}_proj.weight (default: all)")
  private String tensors = "*";

  @Option(
      names = "--to",
      paramLabel = "DIR",
      description = "also write the results as Parquet: DIR/<table>, one for each table")
  private @Nullable Path to;

  @Option(
      names = "--to-table",
      paramLabel = "SCHEMA",
      description =
          "also add the results to tables of a catalog: SCHEMA.<table>, with the time in run_at")
  private @Nullable String schema;

  @Option(names = "--plot", paramLabel = "DIR", description = "also draw pictures into DIR (SVG)")
  private @Nullable Path plots;

  @Option(names = "--overwrite", description = "replace results in DIR")
  private boolean overwrite;

  /**
   * A model to look at.
   *
   * @param name what results call it
   * @param dir its files
   * @param tensors those that were chosen, in natural order of names
   */
  record Model(String name, ModelDir dir, Map<String, TensorLocation> tensors) {}

  /** What a command has found. */
  interface Findings {
    /** All tables. */
    List<Table.Result> tables();

    /** A page for people. */
    String text();

    /** Pictures (SVG) by their names, without an ending. */
    Map<String, String> plots();
  }

  /** A command's work. */
  @FunctionalInterface
  interface Work {
    Findings on(SparkContext spark, ProgressLine progress);
  }

  JobOptions job() {
    return job;
  }

  /** Opens models: reads their headers, and chooses tensors. */
  List<Model> open(List<String> references) {
    List<String> names = new ArrayList<>();
    List<ModelDir> dirs = new ArrayList<>();
    for (String reference : references) {
      String location = ModelReference.resolve(reference, System.getenv());
      dirs.add(ModelDir.open(location, Profile.REFERENCE));
      names.add(ModelIdentity.of(location).name());
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
   * @param tables those that there may be, so that what is in their way is told before any work
   * @param models whose warnings are told
   */
  int run(List<Table<?>> tables, List<Model> models, Work work) {
    requireWritable(tables);
    models.forEach(m -> m.dir().warnings().forEach(w -> System.err.println("warning: " + w)));
    JobOptions.Ended<Findings> ended =
        to == null && schema == null
            ? job.run(KernelWarmUp::ofStatistics, spark -> work.on(spark, job.progress()))
            : withSession(work);
    Findings found = ended.result();
    List<String> written = new ArrayList<>();
    if (to != null) {
      found.tables().forEach(t -> written.add(to + "/" + t.table().name()));
    }
    if (schema != null) {
      found.tables().forEach(t -> written.add(schema + "." + t.table().name()));
    }
    Path directory = plots;
    if (directory != null) {
      draw(directory, found.plots(), written);
    }
    System.out.print(
        job.isJson() ? Json.prettyText(ResultTables.json(found.tables())) : found.text());
    System.out.flush();
    written.forEach(w -> System.err.println("wrote " + w));
    System.err.printf(Locale.ROOT, "in %.1f s%n", ended.seconds());
    return 0;
  }

  private void requireWritable(List<Table<?>> tables) {
    if (to != null) {
      ResultTables.requireWritable(to, tables, overwrite);
    }
    Path directory = plots;
    if (directory != null && !overwrite && Files.isDirectory(directory)) {
      try (Stream<Path> files = Files.list(directory)) {
        files
            .filter(f -> f.toString().endsWith(".svg"))
            .findFirst()
            .ifPresent(
                f -> {
                  throw WeightloomException.conflict(
                      "Cannot write pictures into %s: it has %s already (choose another directory, or pass --overwrite)"
                          .formatted(directory, f.getFileName()));
                });
      } catch (IOException e) {
        throw OutputDir.cannotWrite(directory.toString(), e);
      }
    }
  }

  /** Tables need Spark SQL, which starts more slowly. */
  private JobOptions.Ended<Findings> withSession(Work work) {
    long begin = System.nanoTime();
    try (SqlSession session = SqlSession.open(job.master(), Map.of())) {
      SparkSession spark = session.spark();
      Findings found = work.on(spark.sparkContext(), job.progress());
      if (to != null) {
        ResultTables.write(spark, found.tables(), to, overwrite);
      }
      if (schema != null) {
        ResultTables.append(spark, found.tables(), schema);
      }
      return new JobOptions.Ended<>(found, (System.nanoTime() - begin) / 1e9);
    } finally {
      job.progress().wipe();
    }
  }

  private static void draw(Path directory, Map<String, String> pictures, List<String> written) {
    pictures.forEach(
        (name, svg) -> {
          Path file = directory.resolve(name.replaceAll("[^\\w.-]", "_") + ".svg");
          try {
            Files.createDirectories(directory);
            Files.writeString(file, svg, StandardCharsets.UTF_8);
            written.add(file.toString());
          } catch (IOException e) {
            throw OutputDir.cannotWrite(file.toString(), e);
          }
        });
  }
}
