package io.weightloom.source;

import io.weightloom.error.WeightloomException;
import io.weightloom.job.OutputDir;
import io.weightloom.source.metric.BlocksMetric;
import io.weightloom.tensor.TensorSpec;
import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;
import org.apache.spark.sql.connector.write.DataWriter;
import org.apache.spark.sql.connector.write.DataWriterFactory;
import org.apache.spark.sql.connector.write.WriterCommitMessage;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/** Writes each block of a task to its place. For one thread. */
final class BlockWriter implements DataWriter<InternalRow> {
  // The JDK keeps a direct buffer as large as the largest write for each thread.
  private static final int MAX_WRITE = 1 << 20;

  /**
   * Where a tensor goes.
   *
   * @param spec the tensor
   * @param file the full path of the file that holds it
   * @param begin its first byte in the file
   */
  record Place(TensorSpec spec, String file, long begin) implements Serializable {
    private static final long serialVersionUID = 1;
  }

  /** The parts of tensors that a task has written. */
  static final class Written implements Serializable {
    private static final long serialVersionUID = 1;
    private final Map<String, ElementRanges> ranges = new HashMap<>();

    Map<String, ElementRanges> ranges() {
      return ranges;
    }
  }

  /**
   * Makes the writers of a pass.
   *
   * @param places where each tensor goes
   * @param blockElements the cut of rows that say a block's number; 0 if they say offsets
   */
  record Factory(Map<String, Place> places, int blockElements) implements DataWriterFactory {
    private static final long serialVersionUID = 1;

    @Override
    public DataWriter<InternalRow> createWriter(int partition, long task) {
      return new BlockWriter(places, blockElements, SoleAttempt::await);
    }
  }

  private final Map<String, Place> places;
  private final int blockElements;
  private final Runnable turn;
  private final Map<String, FileChannel> files = new HashMap<>();
  private final Written written = new Written();
  private boolean begun;
  private long blocks;
  private @Nullable UTF8String last;
  private @Nullable Place place;
  private ElementRanges ranges = new ElementRanges();

  /**
   * @param turn returns when this attempt, and no other of its task, may write
   */
  BlockWriter(Map<String, Place> places, int blockElements, Runnable turn) {
    this.places = places;
    this.blockElements = blockElements;
    this.turn = turn;
  }

  @Override
  public void write(InternalRow row) {
    if (!begun) {
      turn.run();
      begun = true;
    }
    Place to = place(row.getUTF8String(0));
    TensorSpec spec = to.spec();
    long count = row.getLong(3);
    long offset;
    try {
      offset = TensorTally.offset(spec, row.getLong(2), count, blockElements);
    } catch (IllegalArgumentException e) {
      throw changed(spec.name(), String.valueOf(e.getMessage()));
    }
    if (!row.getUTF8String(1).toString().equals(spec.dtype().name())) {
      throw changed(spec.name(), "its dtype was " + spec.dtype());
    }
    byte[] data = row.isNullAt(4) ? new byte[0] : row.getBinary(4);
    long bytes = TensorBlocks.bytes(spec, count);
    if (data.length != bytes) {
      throw WeightloomException.input(
          "Cannot write tensor %s: its %d elements from %d have %d bytes of data, %s has %d (see what made the data)"
              .formatted(spec.name(), count, offset, data.length, spec.dtype(), bytes));
    }
    put(to.file(), to.begin() + TensorBlocks.bytes(spec, offset), data);
    ranges.add(offset, offset + count);
    blocks++;
  }

  private Place place(UTF8String name) {
    Place known = place;
    if (known == null || !name.equals(last)) {
      String tensor = name.toString();
      known = places.get(tensor);
      if (known == null) {
        throw changed(tensor, "it was not there");
      }
      place = known;
      last = name.copy();
      ranges = written.ranges.computeIfAbsent(tensor, t -> new ElementRanges());
    }
    return known;
  }

  private static WeightloomException changed(String tensor, String how) {
    return WeightloomException.input(
        "Cannot write tensor %s: when the rows were counted, %s (a frame must give the same rows twice: persist it, or take out what is random)"
            .formatted(tensor, how));
  }

  private void put(String file, long position, byte[] data) {
    try {
      FileChannel channel = channel(file);
      for (int done = 0; done < data.length; ) {
        int want = Math.min(MAX_WRITE, data.length - done);
        done += channel.write(ByteBuffer.wrap(data, done, want), position + done);
      }
    } catch (IOException e) {
      throw OutputDir.cannotWrite(file, e);
    }
  }

  private FileChannel channel(String file) throws IOException {
    FileChannel channel = files.get(file);
    if (channel == null) {
      channel = FileChannel.open(Path.of(file), StandardOpenOption.WRITE);
      files.put(file, channel);
    }
    return channel;
  }

  @Override
  public CustomTaskMetric[] currentMetricsValues() {
    return new CustomTaskMetric[] {ReadMetrics.value(BlocksMetric.NAME, blocks)};
  }

  @Override
  public WriterCommitMessage commit() {
    close();
    return TaskMessage.of(written);
  }

  @Override
  public void abort() {
    // What it wrote is written again by the next attempt, or goes with the staging directory.
  }

  @Override
  public void close() {
    try {
      for (FileChannel file : files.values()) {
        file.close();
      }
      files.clear();
    } catch (IOException e) {
      throw OutputDir.cannotWrite(String.join(", ", files.keySet()), e);
    }
  }
}
