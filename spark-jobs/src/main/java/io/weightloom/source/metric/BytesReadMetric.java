package io.weightloom.source.metric;

import io.weightloom.job.Units;
import java.util.Arrays;
import org.apache.spark.sql.connector.metric.CustomMetric;

/** Bytes of tensors' data that were read. */
public final class BytesReadMetric implements CustomMetric {
  public static final String NAME = "weightloomBytesRead";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String description() {
    return "bytes of tensors read";
  }

  @Override
  public String aggregateTaskMetrics(long[] tasks) {
    return Units.bytes(Arrays.stream(tasks).sum());
  }
}
