package io.weightloom.source;

import io.weightloom.job.LocalSpark;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.spark.executor.TaskMetrics;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.NullUnmarked;

/** The session of tests, and what a query's plan and tasks say. */
@NullUnmarked
final class Session {
  private static final Pattern EXCHANGE = Pattern.compile("Exchange");
  private static final Pattern SORT = Pattern.compile("\\bSort \\[");

  /** What the tasks of some queries did. */
  static final class Traffic extends SparkListener {
    long tasks;
    long bytesRead;
    long shuffled;

    @Override
    public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
      TaskMetrics m = end.taskMetrics();
      tasks++;
      bytesRead += m.inputMetrics().bytesRead();
      shuffled += m.shuffleWriteMetrics().bytesWritten();
    }
  }

  private Session() {}

  /** Joins are planned as for models of real size: nothing is small enough to be sent around. */
  static SparkSession get() {
    LocalSpark.get();
    SparkSession session = SparkSession.builder().getOrCreate();
    session.conf().set("spark.sql.autoBroadcastJoinThreshold", "-1");
    // Models are partitioned by tensor and joined on tensor and block.
    session.conf().set("spark.sql.requireAllClusterKeysForCoPartition", "false");
    return session;
  }

  /** A model or a table in blocks of 16 elements of two bytes at most. */
  static Dataset<Row> small(Path model) {
    return get().read().format("checkpoint").option("blockSize", "32").load(model.toString());
  }

  /** What tasks did meanwhile. */
  static Traffic during(Runnable queries) {
    Traffic traffic = new Traffic();
    org.apache.spark.SparkContext context = LocalSpark.get();
    context.addSparkListener(traffic);
    try {
      queries.run();
      context.listenerBus().waitUntilEmpty();
    } catch (java.util.concurrent.TimeoutException e) {
      throw new IllegalStateException(e);
    } finally {
      context.removeSparkListener(traffic);
    }
    return traffic;
  }

  static String plan(Dataset<Row> frame) {
    return ((org.apache.spark.sql.classic.Dataset<Row>) frame)
        .queryExecution()
        .executedPlan()
        .toString();
  }

  /** How often a plan moves rows, and how often it sorts them. */
  static List<Long> exchangesAndSorts(Dataset<Row> frame) {
    String plan = plan(frame);
    return List.of(EXCHANGE.matcher(plan).results().count(), SORT.matcher(plan).results().count());
  }

  /** Tensor to its bytes, put together from rows of (tensor, offset, data) in any order. */
  static Map<String, byte[]> tensors(Dataset<Row> frame) {
    Map<String, Map<Long, byte[]>> parts = new HashMap<>();
    for (Row row : frame.select("tensor", "offset", "data").collectAsList()) {
      parts
          .computeIfAbsent(row.getString(0), t -> new java.util.TreeMap<>())
          .put(row.getLong(1), row.getAs(2));
    }
    Map<String, byte[]> all = new HashMap<>();
    parts.forEach(
        (tensor, blocks) -> {
          java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
          blocks.values().forEach(out::writeBytes);
          all.put(tensor, out.toByteArray());
        });
    return all;
  }

  /** The values of a frame of one column, as text. */
  static List<String> column(Dataset<Row> frame) {
    List<String> values = new ArrayList<>();
    frame.collectAsList().forEach(r -> values.add(String.valueOf(r.get(0))));
    return values;
  }
}
