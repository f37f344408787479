package io.weightloom.source.metric;

import java.util.Arrays;
import org.apache.spark.sql.connector.metric.CustomMetric;

/** Blocks of which rows were given. */
public final class BlocksMetric implements CustomMetric {
  public static final String NAME = "weightloomBlocks";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String description() {
    return "blocks";
  }

  @Override
  public String aggregateTaskMetrics(long[] tasks) {
    return String.valueOf(Arrays.stream(tasks).sum());
  }
}
