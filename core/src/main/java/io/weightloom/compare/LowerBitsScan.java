package io.weightloom.compare;

import io.weightloom.analysis.Scan;
import io.weightloom.compare.TensorComparison.Cut;
import io.weightloom.kernel.SparseCounts;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;

/**
 * The second read for {@link ModelThresholds}: counts the lower bits of magnitudes whose upper bits
 * are a cut's.
 */
public final class LowerBitsScan implements Scan<ThresholdScan.Counts, LowerBitsScan.LowerBits> {
  private static final long serialVersionUID = 1;

  private final List<Cut> cuts;

  /**
   * @param cuts of each task vector, the same in all tensors
   */
  public LowerBitsScan(List<Cut> cuts) {
    this.cuts = List.copyOf(cuts);
  }

  @Override
  public ThresholdScan.Counts open(List<TensorSpec> tensors) {
    return new ThresholdScan.Counts(tensors.size(), cuts);
  }

  @Override
  public LowerBits conclude(List<TensorSpec> tensors, ThresholdScan.Counts sketch) {
    return new LowerBits(Arrays.stream(sketch.counts()).map(SparseCounts::of).toList());
  }

  @Override
  public int blockElements() {
    return CompareScan.BLOCK_ELEMENTS;
  }

  /** Of a tensor, the counts of each task vector. */
  public record LowerBits(List<SparseCounts> each) implements Serializable {
    private static final long serialVersionUID = 1;

    public LowerBits {
      each = List.copyOf(each);
    }
  }
}
