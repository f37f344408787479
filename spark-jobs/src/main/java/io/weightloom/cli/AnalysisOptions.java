package io.weightloom.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.analysis.Table;
import io.weightloom.io.ModelDir;
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
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What the commands that look at weights have in common: which tensors, and where results go. */
final class AnalysisOptions {
  @Mixin private JobOptions job = new JobOptions();

  @Mixin private TensorsOption tensors = new TensorsOption();

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
   * What a command found.
   *
   * @param results its tables
   * @param summary for people
   * @param pictures file name (without {@code .svg}) to SVG; made only if they are wanted
   */
  record Findings(
      List<Table.Result> results,
      Supplied<String> summary,
      Supplied<Map<String, String>> pictures) {

    /** Made when it is asked for. */
    @FunctionalInterface
    interface Supplied<T> {
      T get();
    }
  }

  JobOptions job() {
    return job;
  }

  /** Opens a model. */
  static ModelDir open(String model) {
    return ModelDir.open(ModelReference.resolve(model, System.getenv()), Profile.REFERENCE);
  }

  /** The wanted tensors of a model, in natural order of names. */
  List<TensorLocation> wanted(String doing, String model, ModelDir dir) {
    return tensors.of(doing, model, dir);
  }

  /**
   * Runs a command's jobs, and takes what they found where it is wanted.
   *
   * @param tables all that it may write, so that what is in the way is found before it runs
   */
  int run(List<Table<?>> tables, Function<SparkContext, Findings> work) {
    if (to != null) {
      ResultTables.requireWritable(to, tables, overwrite);
    }
    JobOptions.Ended<Findings> ended =
        to == null && schema == null
            ? job.run(KernelWarmUp::ofStatistics, work)
            : withSession(work);
    Findings found = ended.result();
    List<String> written = new ArrayList<>();
    Path directory = plots;
    if (directory != null) {
      draw(directory, found.pictures().get(), written);
    }
    if (job.isJson()) {
      ObjectNode out = Json.object();
      out.put("seconds", Math.round(ended.seconds() * 1000) / 1000.0);
      out.set("tables", ResultTables.json(found.results()));
      System.out.print(Json.prettyText(out));
    } else {
      System.out.print(found.summary().get());
    }
    System.out.flush();
    if (to != null) {
      tables(found).forEach(t -> written.add(to + "/" + t));
    }
    if (schema != null) {
      tables(found).forEach(t -> written.add(schema + "." + t));
    }
    written.forEach(w -> System.err.println("wrote " + w));
    System.err.printf("in %.1f s%n", ended.seconds());
    return 0;
  }

  private static List<String> tables(Findings found) {
    return found.results().stream().map(r -> r.table().name()).toList();
  }

  /** Tables need Spark SQL, which starts more slowly. */
  private JobOptions.Ended<Findings> withSession(Function<SparkContext, Findings> work) {
    long begin = System.nanoTime();
    try (SqlSession session = SqlSession.open(job.master(), Map.of())) {
      SparkSession spark = session.spark();
      Findings found = work.apply(spark.sparkContext());
      if (to != null) {
        ResultTables.write(spark, found.results(), to, overwrite);
      }
      if (schema != null) {
        ResultTables.append(spark, found.results(), schema);
      }
      return new JobOptions.Ended<>(found, (System.nanoTime() - begin) / 1e9);
    } finally {
      job.progress().wipe();
    }
  }

  private static void draw(Path directory, Map<String, String> pictures, List<String> written) {
    pictures.forEach(
        (name, svg) -> {
          Path file = directory.resolve(name.replaceAll("[^A-Za-z0-9._-]", "_") + ".svg");
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
