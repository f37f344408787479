package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.testkit.TinyCheckpoint;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.SparkContext;
import org.apache.spark.executor.TaskMetrics;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No weight crosses the network: Spark's own metrics say so. */
@NullUnmarked
class NoShuffleTest {
  private static final int ELEMENTS = 3 << 20;

  @TempDir static Path zoo;
  @TempDir Path dir;

  /** Adds up what tasks moved. */
  private static final class Traffic extends SparkListener {
    private long tasks;
    private long shuffled;
    private long results;
    private long largestResult;
    private long spilled;

    @Override
    public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
      TaskMetrics m = end.taskMetrics();
      tasks++;
      shuffled += m.shuffleReadMetrics().totalBytesRead() + m.shuffleWriteMetrics().bytesWritten();
      spilled += m.diskBytesSpilled() + m.memoryBytesSpilled();
      results += m.resultSize();
      largestResult = Math.max(largestResult, m.resultSize());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{variant: mergekit}",
        "{variant: reference}",
      })
  void weightsStayWhereTheyAre(String variant) throws Exception {
    for (String model : List.of("base", "a", "b")) {
      TinyCheckpoint weights = new TinyCheckpoint();
      Family.add(weights, model, "BF16", "model.layers.0.weight", ELEMENTS);
      weights.writeModel(zoo.resolve(model), Family.CONFIG);
    }
    String recipe =
        Family.recipe(zoo, "ties", "parameters: {density: 0.3}\nweightloom: " + variant);
    SparkContext spark = LocalSpark.get();
    Traffic traffic = new Traffic();
    spark.addSparkListener(traffic);

    Merging.of(recipe).cut(new WorkPlan.Cut(1, 0)).into(dir.resolve("out"));
    spark.listenerBus().waitUntilEmpty();
    spark.removeSparkListener(traffic);

    // Three grains, surveyed and written, each by a task of its own.
    assertThat(traffic.tasks).isGreaterThanOrEqualTo(6);
    assertThat(traffic.shuffled).isZero();
    assertThat(traffic.spilled).isZero();
    // A survey's histogram is of one size whatever the tensor's; a grain of one model has 2 MiB.
    assertThat(traffic.largestResult).isBetween(1L, 2L << 20);
    assertThat(traffic.results).isLessThan(3L * 2 * ELEMENTS);
  }
}
