package io.weightloom.job;

import io.weightloom.io.ByteSource;
import io.weightloom.io.Storage;
import io.weightloom.io.table.Compression;
import io.weightloom.io.table.PartWriter;
import io.weightloom.io.table.TableLayout;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.jspecify.annotations.Nullable;

/**
 * Writes models as partitions of a block table. A task reads a range of a model once, and writes it
 * with statistics and digests into a file of its own. Files that a killed run has finished are
 * kept.
 */
public final class ExplodeJob {
  private final JavaSparkContext spark;
  private final ExplodeRequest request;

  private ExplodeJob(SparkContext spark, ExplodeRequest request) {
    this.spark = JavaSparkContext.fromSparkContext(spark);
    this.request = request;
  }

  /**
   * Writes the models, one after the other.
   *
   * @throws io.weightloom.error.WeightloomException if it cannot; of a model that is not whole
   *     nothing is to be seen in the table
   */
  public static List<ExplodeResult> run(SparkContext spark, ExplodeRequest request) {
    return run(spark, request, 0);
  }

  /** As above, with files of another size. */
  static List<ExplodeResult> run(SparkContext spark, ExplodeRequest request, long partBytes) {
    try {
      ExplodeJob job = new ExplodeJob(spark, request);
      List<ExplodeResult> results = new ArrayList<>();
      for (ExplodePlan plan : request.plans(partBytes)) {
        results.add(job.explode(plan));
      }
      return results;
    } catch (Exception e) { // Spark's are checked, and Scala does not declare them.
      throw EmbeddedSpark.failure(spark, "explode", e);
    }
  }

  private ExplodeResult explode(ExplodePlan plan) {
    Path table = Path.of(request.table());
    Optional<TableLayout> there =
        StagedPartition.existing(table, plan.name()).filter(l -> request.isThere(plan));
    if (there.isPresent()) {
      return result(plan, there.get(), plan.parts().size());
    }
    try (StagedPartition staged =
        StagedPartition.open(
            table, plan.name(), request.overwrite(), plan.layout().plan(), plan.bytes())) {
      Map<String, TableLayout.Part> done = new TreeMap<>();
      List<Task> tasks = new ArrayList<>();
      for (ExplodePlan.Part part : plan.parts()) {
        Path file = staged.path(part.file());
        Optional<TableLayout.Part> kept = PartWriter.ended(file, plan.layout().plan(), part.rows());
        kept.ifPresent(k -> done.put(k.file(), k));
        if (kept.isEmpty()) {
          tasks.add(Task.of(plan, part, file));
        }
      }
      int keptParts = done.size();
      perform(plan.name(), tasks).forEach(p -> done.put(p.file(), p));
      TableLayout layout = plan.layout().with(List.copyOf(done.values()));
      staged.publish(layout, plan.modelFiles());
      return result(plan, layout, keptParts);
    }
  }

  private ExplodeResult result(ExplodePlan plan, TableLayout layout, int keptParts) {
    return new ExplodeResult(
        plan.name(),
        StagedPartition.target(Path.of(request.table()), plan.name()).toString(),
        plan.dir().tensors().size(),
        plan.rows(),
        plan.bytes(),
        layout.parts().stream().mapToLong(TableLayout.Part::bytes).sum(),
        layout.parts().size(),
        keptParts,
        layout.content());
  }

  /**
   * A file to write.
   *
   * @param part its blocks
   * @param path where
   * @param plan what its footer says it was made of
   */
  private record Task(
      ExplodePlan.Part part,
      String path,
      String plan,
      int blockElements,
      Compression compression,
      @Nullable String revision)
      implements Serializable {
    private static final long serialVersionUID = 1;

    static Task of(ExplodePlan plan, ExplodePlan.Part part, Path file) {
      TableLayout layout = plan.layout();
      return new Task(
          part,
          file.toString(),
          layout.plan(),
          layout.blockElements(),
          layout.compression(),
          layout.revision());
    }

    TableLayout.Part write() {
      Map<String, ByteSource> sources = new HashMap<>();
      try (PartWriter out = new PartWriter(Path.of(path), revision, compression)) {
        out.write(
            part.rows(blockElements),
            (row, into) ->
                sources
                    .computeIfAbsent(row.file(), f -> Storage.of(f).open(f))
                    .readFully(row.begin(), into, 0, row.bytes()));
        return out.end(plan);
      } catch (IOException e) {
        throw OutputDir.cannotWrite(path, e);
      } finally {
        sources.values().forEach(ByteSource::close);
      }
    }
  }

  private List<TableLayout.Part> perform(String model, List<Task> tasks) {
    String phase = "explode " + model;
    return new Phase(spark, phase, phase, request.progress())
        .run(tasks, t -> t.part().bytes(), rdd -> rdd.map(Task::write));
  }
}
