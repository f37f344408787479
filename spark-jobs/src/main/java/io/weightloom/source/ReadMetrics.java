package io.weightloom.source;

import io.weightloom.source.metric.BlocksMetric;
import io.weightloom.source.metric.BytesReadMetric;
import io.weightloom.source.metric.DecodeTimeMetric;
import io.weightloom.source.metric.ReadTimeMetric;
import io.weightloom.source.metric.TensorsMetric;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;

/** What a reader has done. For one thread. */
final class ReadMetrics {
  private static final long NANOS_PER_MILLI = 1_000_000;

  private long bytes;
  private long blocks;
  private long tensors;
  private long readNanos;
  private long decodeNanos;

  private record Value(String name, long value) implements CustomTaskMetric {}

  static CustomTaskMetric value(String name, long value) {
    return new Value(name, value);
  }

  void addBlock() {
    blocks++;
  }

  void addTensor() {
    tensors++;
  }

  void addRead(long length, long nanos) {
    bytes += length;
    readNanos += nanos;
  }

  void addDecode(long nanos) {
    decodeNanos += nanos;
  }

  CustomTaskMetric[] values() {
    return new CustomTaskMetric[] {
      new Value(BytesReadMetric.NAME, bytes),
      new Value(TensorsMetric.NAME, tensors),
      new Value(BlocksMetric.NAME, blocks),
      new Value(ReadTimeMetric.NAME, readNanos / NANOS_PER_MILLI),
      new Value(DecodeTimeMetric.NAME, decodeNanos / NANOS_PER_MILLI)
    };
  }
}
