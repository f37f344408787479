package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MergeState.Part;
import io.weightloom.plan.MergePlan;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;

/**
 * Runs a prepared merge on Spark: rounds of surveys where a method asks for them, then one pass
 * that writes. Tasks read the same range of all models themselves and return digests and counts; no
 * weight crosses the network.
 */
public final class MergeJob {
  private final JavaSparkContext spark;
  private final MergeRequest request;
  private final PreparedMerge merge;
  private final WorkPlan.Cut cut;

  private MergeJob(
      SparkContext spark, MergeRequest request, PreparedMerge merge, WorkPlan.Cut cut) {
    this.spark = JavaSparkContext.fromSparkContext(spark);
    this.request = request;
    this.merge = merge;
    this.cut = cut;
  }

  /**
   * Writes the model.
   *
   * @throws WeightloomException if it cannot; nothing is left under the output's name
   */
  public static MergeResult run(SparkContext spark, MergeRequest request, PreparedMerge merge) {
    return run(spark, request, merge, WorkPlan.Cut.DEFAULT);
  }

  /** As above, with pieces of another size, which never shows in what is written. */
  static MergeResult run(
      SparkContext spark, MergeRequest request, PreparedMerge merge, WorkPlan.Cut cut) {
    try {
      return new MergeJob(spark, request, merge, cut).run();
    } catch (Exception e) { // Spark's are checked, and Scala does not declare them.
      throw EmbeddedSpark.failure(spark, "merge", e);
    }
  }

  private MergeResult run() {
    MergePlan plan = merge.plan();
    request.requireWritable(merge);
    long bytes = merge.layouts().stream().mapToLong(l -> l.fileSize()).sum();
    try (OutputDir output = OutputDir.open(request.output(), request.overwrite(), bytes)) {
      for (int i = 0; i < plan.shards().size(); i++) {
        output.allocate(plan.shards().get(i).file(), merge.layouts().get(i));
      }
      WorkPlan work = new WorkPlan(merge, output, spark.defaultParallelism(), cut);
      survey(work);
      List<Work.Emitted> emitted =
          perform("merge", work, work.emissions()).stream()
              .map(d -> (Work.Emitted) d)
              .sorted(
                  Comparator.comparingInt(Work.Emitted::tensor)
                      .thenComparingLong(Work.Emitted::first))
              .toList();
      MergeResult result = MergeResult.of(merge, request, work, emitted);
      new ModelFiles(merge, request, result).writeTo(output);
      output.publish();
      return result;
    }
  }

  /** All rounds of surveys. */
  private void survey(WorkPlan work) {
    int round = 0;
    for (List<Work> next = work.surveys(); !next.isEmpty(); next = work.surveys()) {
      round++;
      Map<Integer, List<Part>> found = new TreeMap<>();
      for (Work.Done done : perform("survey " + round, work, next)) {
        Work.Surveyed surveyed = (Work.Surveyed) done;
        found.computeIfAbsent(surveyed.scope(), s -> new ArrayList<>()).add(surveyed.part());
      }
      found.forEach(
          (scope, parts) -> {
            parts.sort(Comparator.comparing(Part::span));
            work.states()
                .set(
                    scope,
                    work.states().get(scope).survey().orElseThrow().conclude(List.copyOf(parts)));
          });
    }
  }

  private List<Work.Done> perform(String phase, WorkPlan plan, List<Work> work) {
    if (work.isEmpty()) {
      return List.of();
    }
    List<List<Work>> tasks = plan.tasks(work);
    Broadcast<MergeState[]> state = spark.broadcast(plan.states().toArray(MergeState[]::new));
    int blockElements = request.blockElements();
    boolean checkFinite = !merge.plan().keepsNonFinite();
    Progress progress = request.progress();
    spark.setJobGroup("weightloom", phase + " of " + request.output().getFileName());
    TaskProgress listener =
        new TaskProgress(phase, tasks.stream().mapToLong(WorkPlan::bytes).toArray(), progress);
    spark.sc().addSparkListener(listener);
    try {
      List<Work.Done> done =
          spark
              .parallelize(tasks, tasks.size())
              .flatMap(task -> perform(task, state.value(), blockElements, checkFinite).iterator())
              .collect();
      listener.finish();
      return done;
    } finally {
      if (!spark.sc().isStopped()) {
        spark.sc().removeSparkListener(listener);
        spark.clearJobGroup();
        // To the end: what a stopping Spark still has to remove, it complains of.
        state.unpersist(true);
      }
    }
  }

  private static List<Work.Done> perform(
      List<Work> task, MergeState[] states, int blockElements, boolean checkFinite) {
    List<Work.Done> done = new ArrayList<>();
    try (Worker worker = new Worker(blockElements, checkFinite)) {
      for (Work work : task) {
        done.add(worker.run(work, states));
      }
    }
    return done;
  }
}
