package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.safetensors.SafetensorsLayout;
import io.weightloom.merge.MergeState;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;

/**
 * Runs prepared merges on Spark: rounds of surveys where a method asks for them, then one pass that
 * writes. Tasks read the same range of all models themselves and return digests and counts; no
 * weight crosses the network. Several merges share what they read of a tensor.
 */
public final class MergeJob {
  private final JavaSparkContext spark;
  private final List<MergeRequest> requests;
  private final List<PreparedMerge> merges;
  private final WorkPlan.Cut cut;
  private final Consumer<MergeResult> check;

  private MergeJob(
      SparkContext spark,
      List<MergeRequest> requests,
      List<PreparedMerge> merges,
      WorkPlan.Cut cut,
      Consumer<MergeResult> check) {
    this.spark = JavaSparkContext.fromSparkContext(spark);
    this.requests = List.copyOf(requests);
    this.merges = List.copyOf(merges);
    this.cut = cut;
    this.check = check;
  }

  /**
   * Writes the model.
   *
   * @throws WeightloomException if it cannot; nothing is left under the output's name
   */
  public static MergeResult run(SparkContext spark, MergeRequest request, PreparedMerge merge) {
    return run(spark, request, merge, WorkPlan.Cut.DEFAULT);
  }

  /**
   * As above, if what was read and made is as it should be.
   *
   * @param check throws if it is not, before the output has its name
   */
  static MergeResult run(
      SparkContext spark, MergeRequest request, PreparedMerge merge, Consumer<MergeResult> check) {
    return runAll(spark, List.of(request), List.of(merge), WorkPlan.Cut.DEFAULT, check).get(0);
  }

  /** As above, with pieces of another size, which never shows in what is written. */
  static MergeResult run(
      SparkContext spark, MergeRequest request, PreparedMerge merge, WorkPlan.Cut cut) {
    return runAll(spark, List.of(request), List.of(merge), cut).get(0);
  }

  /**
   * Writes several models, each with the bytes that it would have alone; what they read in common
   * is read once. Blocks and progress are those of the first request.
   *
   * @param merges one for each request
   * @throws WeightloomException if one of them cannot be written; those whose directories had got
   *     their names before stay
   */
  public static List<MergeResult> runAll(
      SparkContext spark, List<MergeRequest> requests, List<PreparedMerge> merges) {
    return runAll(spark, requests, merges, WorkPlan.Cut.DEFAULT);
  }

  /** As above, with pieces of another size. */
  static List<MergeResult> runAll(
      SparkContext spark,
      List<MergeRequest> requests,
      List<PreparedMerge> merges,
      WorkPlan.Cut cut) {
    return runAll(spark, requests, merges, cut, result -> {});
  }

  private static List<MergeResult> runAll(
      SparkContext spark,
      List<MergeRequest> requests,
      List<PreparedMerge> merges,
      WorkPlan.Cut cut,
      Consumer<MergeResult> check) {
    try {
      return new MergeJob(spark, requests, merges, cut, check).run();
    } catch (Exception e) { // Spark's are checked, and Scala does not declare them.
      throw EmbeddedSpark.failure(spark, "merge", e);
    }
  }

  private List<MergeResult> run() {
    for (int i = 0; i < merges.size(); i++) {
      requests.get(i).requireWritable(merges.get(i));
    }
    long bytes =
        merges.stream()
            .flatMap(m -> m.layouts().stream())
            .mapToLong(SafetensorsLayout::fileSize)
            .sum();
    return withOutputs(new ArrayList<>(), bytes);
  }

  /** Opens one more output; closes it when all is done or nothing more can be. */
  private List<MergeResult> withOutputs(List<OutputDir> outputs, long bytes) {
    int i = outputs.size();
    if (i == merges.size()) {
      return write(outputs);
    }
    // The disk must hold all: what is allocated takes no room yet.
    MergeRequest request = requests.get(i);
    try (OutputDir output = OutputDir.open(request.output(), request.overwrite(), bytes)) {
      PreparedMerge merge = merges.get(i);
      for (int f = 0; f < merge.plan().shards().size(); f++) {
        output.allocate(merge.plan().shards().get(f).file(), merge.layouts().get(f));
      }
      outputs.add(output);
      return withOutputs(outputs, bytes);
    }
  }

  private List<MergeResult> write(List<OutputDir> outputs) {
    WorkPlan work = new WorkPlan(merges, outputs, spark.defaultParallelism(), cut);
    int round = 0;
    for (List<Work> next = work.surveys(); !next.isEmpty(); next = work.surveys()) {
      round++;
      work.conclude(
          perform("survey " + round, work, next).stream().map(d -> (Work.Surveyed) d).toList());
    }
    List<Work.Emitted> done =
        perform("merge", work, work.emissions()).stream()
            .map(d -> (Work.Emitted) d)
            .sorted(
                Comparator.comparingInt(Work.Emitted::tensor)
                    .thenComparingLong(Work.Emitted::first))
            .toList();
    work.written(done);
    Map<Integer, List<Work.Emitted>> emitted =
        done.stream().collect(Collectors.groupingBy(Work.Emitted::output));
    List<MergeResult> results = new ArrayList<>();
    for (int i = 0; i < merges.size(); i++) {
      MergeResult result =
          MergeResult.of(
              merges.get(i),
              requests.get(i),
              work.decisions(i),
              emitted.getOrDefault(i, List.of()));
      check.accept(result);
      new ModelFiles(merges.get(i), requests.get(i), result).writeTo(outputs.get(i));
      results.add(result);
    }
    outputs.forEach(OutputDir::publish);
    return results;
  }

  private List<Work.Done> perform(String phase, WorkPlan plan, List<Work> work) {
    if (work.isEmpty()) {
      return List.of();
    }
    List<List<Work>> tasks = plan.tasks(work);
    Broadcast<MergeState[]> state = spark.broadcast(plan.states().toArray(MergeState[]::new));
    int blockElements = requests.get(0).blockElements();
    try {
      return new Phase(spark, phase + " of " + outputs(), phase, requests.get(0).progress())
          .run(
              tasks,
              WorkPlan::bytes,
              rdd -> rdd.flatMap(task -> perform(task, state.value(), blockElements).iterator()));
    } finally {
      if (!spark.sc().isStopped()) {
        // To the end: what a stopping Spark still has to remove, it complains of.
        state.unpersist(true);
      }
    }
  }

  private String outputs() {
    String first = String.valueOf(requests.get(0).output().getFileName());
    int more = requests.size() - 1;
    return more == 0 ? first : first + " and " + more + " more";
  }

  private static List<Work.Done> perform(List<Work> task, MergeState[] states, int blockElements) {
    List<Work.Done> done = new ArrayList<>();
    try (Worker worker = new Worker(blockElements)) {
      for (Work work : task) {
        done.addAll(worker.run(work, states));
      }
    }
    return done;
  }
}
