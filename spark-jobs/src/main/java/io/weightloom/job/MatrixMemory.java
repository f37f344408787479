package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.TensorSpec;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;

/**
 * Lets as many matrices into this JVM at a time as its heap holds: tasks of a matrix method wait
 * for each other, where those of other methods need not. A task waits for all that it needs at
 * once, so none waits for one that waits.
 */
final class MatrixMemory {
  private static final double SHARE = 0.7;
  private static final int UNIT_BITS = 20;
  private static final MatrixMemory OF_THIS_JVM =
      new MatrixMemory((long) (SHARE * Runtime.getRuntime().maxMemory()));

  private final long bytes;
  private final Semaphore units;

  MatrixMemory(long bytes) {
    this.bytes = bytes;
    this.units = new Semaphore(units(bytes), true);
  }

  static MatrixMemory ofThisJvm() {
    return OF_THIS_JVM;
  }

  /** Whether there will ever be room for this many bytes. */
  boolean holds(long needed) {
    return needed <= bytes;
  }

  /**
   * Why there will not.
   *
   * @param doing what cannot be done, as {@code merge}
   * @param otherwise what else helps than a larger heap
   */
  String why(String doing, TensorSpec tensor, long needed, String otherwise) {
    return "Cannot %s %s %s: its matrices take %s, this JVM has %s for them (give it a larger heap: spark.executor.memory, or WEIGHTLOOM_JAVA_OPTS=-Xmx… of a local run; %s)"
        .formatted(
            doing,
            tensor.name(),
            tensor.shape(),
            Units.bytes(needed),
            Units.bytes(bytes),
            otherwise);
  }

  private static int units(long bytes) {
    return (int) Math.min(Integer.MAX_VALUE, bytes >> UNIT_BITS);
  }

  /**
   * Does what takes this many bytes, when there is room.
   *
   * @throws WeightloomException if there never will be
   */
  <T> T within(TensorSpec tensor, long needed, Supplier<T> work) {
    if (!holds(needed)) {
      throw WeightloomException.input(
          why(
              "merge",
              tensor,
              needed,
              "or keep large tensors out: weightloom: {matrices: layers}"));
    }
    int taken = Math.min(units(bytes), units(needed) + 1);
    try {
      units.acquire(taken);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for memory", e);
    }
    try {
      return work.get();
    } finally {
      units.release(taken);
    }
  }
}
