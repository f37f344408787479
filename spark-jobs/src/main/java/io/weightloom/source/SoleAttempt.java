package io.weightloom.source;

import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.scheduler.OutputCommitCoordinator;

/**
 * Lets one attempt of a task write at a time. Spark's own coordinator is asked as file formats ask
 * it before they commit; here an attempt asks before its first byte, as its bytes go straight to
 * their places. A second attempt waits until the first has failed, or until it is killed.
 */
final class SoleAttempt {
  private static final long POLL_MILLIS = 200;

  private SoleAttempt() {}

  /** Returns when the attempt that runs on this thread may write. */
  static void await() {
    TaskContext task = TaskContext.get();
    OutputCommitCoordinator coordinator = SparkEnv.get().outputCommitCoordinator();
    try {
      while (!coordinator.canCommit(
          task.stageId(), task.stageAttemptNumber(), task.partitionId(), task.attemptNumber())) {
        if (task.isInterrupted()) {
          throw new InterruptedException();
        }
        Thread.sleep(POLL_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("another attempt of this task writes", e);
    }
  }
}
