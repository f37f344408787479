package io.weightloom.source.metric;

import java.util.Arrays;
import org.apache.spark.sql.connector.metric.CustomMetric;

/** Time that tasks spent in reads, in milliseconds. */
public final class ReadTimeMetric implements CustomMetric {
  public static final String NAME = "weightloomReadTime";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String description() {
    return "time in reads";
  }

  @Override
  public String aggregateTaskMetrics(long[] tasks) {
    return "%.1f s".formatted(Arrays.stream(tasks).sum() / 1000.0);
  }
}
