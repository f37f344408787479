package io.weightloom.prune;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Scan;
import io.weightloom.analysis.Sketch;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.stats.BlockData;
import io.weightloom.stats.MagnitudeHistogram;
import io.weightloom.tensor.TensorSpec;
import java.util.List;

/** The histogram of each tensor's magnitudes: what budgets without data and curves are made of. */
public final class Magnitudes implements Scan<Magnitudes.Seen, MagnitudeHistogram> {
  private static final long serialVersionUID = 1;

  /** The magnitudes of the blocks that were seen. */
  public static final class Seen implements Sketch<Seen> {
    private static final long serialVersionUID = 1;
    private MagnitudeHistogram histogram = MagnitudeHistogram.EMPTY;

    @Override
    public void add(AlignedBlock block) {
      BlockData data =
          new BlockData(block.tensors().get(0).dtype(), block.data()[0], 0, block.length(0));
      histogram = histogram.merge(MagnitudeHistogram.of(data, KernelRegistry.get().kernels()));
    }

    @Override
    public void merge(Seen other) {
      histogram = histogram.merge(other.histogram);
    }
  }

  @Override
  public Seen open(List<TensorSpec> tensors) {
    return new Seen();
  }

  @Override
  public MagnitudeHistogram conclude(List<TensorSpec> tensors, Seen sketch) {
    return sketch.histogram;
  }
}
