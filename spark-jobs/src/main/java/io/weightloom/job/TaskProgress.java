package io.weightloom.job;

import io.weightloom.job.MergeRequest.Progress;
import java.util.List;
import org.apache.spark.Success$;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;

/** Adds up the bytes of the tasks that have ended; called by Spark's listener thread. */
final class TaskProgress extends SparkListener {
  private final String phase;
  private final long[] bytes;
  private final long total;
  private final Progress progress;
  private long done;

  TaskProgress(String phase, List<List<Work>> tasks, Progress progress) {
    this.phase = phase;
    this.bytes = tasks.stream().mapToLong(WorkPlan::bytes).toArray();
    this.progress = progress;
    long sum = 0;
    for (long b : bytes) {
      sum += b;
    }
    this.total = sum;
    progress.at(phase, 0, total);
  }

  @Override
  public void onTaskEnd(SparkListenerTaskEnd end) {
    int index = end.taskInfo().index();
    if (end.reason() == Success$.MODULE$ && index < bytes.length) {
      done += bytes[index];
      bytes[index] = 0;
      progress.at(phase, done, total);
    }
  }
}
