package io.weightloom.job;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Scan;
import io.weightloom.analysis.Sketch;
import io.weightloom.io.PartialDigest;
import io.weightloom.io.RowDigests;
import io.weightloom.merge.Span;
import io.weightloom.stats.Reading;
import io.weightloom.stats.TensorReport.Stored;
import io.weightloom.stats.TensorScan;
import io.weightloom.stats.TensorSketch;
import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The first read of a tensor's statistics, which takes the digests of its bytes on the way. */
final class StatsScan implements Scan<StatsScan.Seen, StatsScan.Found> {
  private static final long serialVersionUID = 1;

  private final TensorScan values = new TensorScan();

  /**
   * What the read says.
   *
   * @param reading of the values
   * @param stored of the bytes
   */
  record Found(Reading reading, Stored stored) implements Serializable {
    private static final long serialVersionUID = 1;
  }

  @Override
  public Seen open(List<TensorSpec> tensors) {
    return new Seen(tensors.get(0), values);
  }

  @Override
  public Found conclude(List<TensorSpec> tensors, Seen sketch) {
    return new Found(values.conclude(tensors, sketch.values), sketch.stored(tensors.get(0)));
  }

  @Override
  public int blockElements() {
    return values.blockElements();
  }

  /** For one thread. */
  static final class Seen implements Sketch<Seen> {
    private static final long serialVersionUID = 1;

    private final int width;
    private final TensorSketch values;
    private final PartialDigest digest;
    private final @Nullable RowDigests rows;

    Seen(TensorSpec tensor, TensorScan scan) {
      width = tensor.dtype().bytes();
      values = scan.open(List.of(tensor));
      digest = new PartialDigest(tensor.byteSize());
      BlockCut cut = BlockCut.of(tensor, scan.blockElements());
      rows = tensor.shape().rank() < 2 ? null : new RowDigests(cut.rows(), cut.columns() * width);
    }

    @Override
    public void add(AlignedBlock block) {
      byte[] data = block.data()[0];
      long at = block.place().offset() * width;
      digest.add(at, data, 0, block.length(0));
      if (rows != null) {
        rows.add(at, data, block.length(0));
      }
      values.add(block);
    }

    @Override
    public void merge(Seen other) {
      values.merge(other.values);
      digest.merge(other.digest);
      if (rows != null && other.rows != null) {
        rows.merge(other.rows);
      }
    }

    Stored stored(TensorSpec tensor) {
      RowDigests.Repeats repeats = rows == null ? new RowDigests.Repeats(0, 0, -1) : rows.repeats();
      return new Stored(
          digest.tensor((long) Span.GRAIN * Worker.grainWidth(tensor.dtype())),
          repeats.repeated(),
          repeats.largestGroup(),
          repeats.firstOfLargest());
    }
  }
}
