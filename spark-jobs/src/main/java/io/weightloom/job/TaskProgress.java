package io.weightloom.job;

import io.weightloom.job.MergeRequest.Progress;
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
  private boolean finished;

  /**
   * @param bytes of each task
   */
  TaskProgress(String phase, long[] bytes, Progress progress) {
    this.phase = phase;
    this.bytes = bytes.clone();
    this.progress = progress;
    long sum = 0;
    for (long b : bytes) {
      sum += b;
    }
    this.total = sum;
    progress.at(phase, 0, total);
  }

  @Override
  public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
    int index = end.taskInfo().index();
    if (!finished && end.reason() == Success$.MODULE$ && index < bytes.length) {
      done += bytes[index];
      bytes[index] = 0;
      progress.at(phase, done, total);
    }
  }

  /** Reports the end, which the listener thread may be too late for; nothing comes after it. */
  synchronized void finish() {
    if (!finished && done < total) {
      progress.at(phase, total, total);
    }
    finished = true;
  }
}
