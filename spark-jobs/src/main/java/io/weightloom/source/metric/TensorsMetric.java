package io.weightloom.source.metric;

import java.util.Arrays;
import org.apache.spark.sql.connector.metric.CustomMetric;

/** Tensors of which a task gave rows. */
public final class TensorsMetric implements CustomMetric {
  public static final String NAME = "weightloomTensors";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String description() {
    return "tensors, as tasks count them";
  }

  @Override
  public String aggregateTaskMetrics(long[] tasks) {
    return String.valueOf(Arrays.stream(tasks).sum());
  }
}
