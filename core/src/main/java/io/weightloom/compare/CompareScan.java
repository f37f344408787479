package io.weightloom.compare;

import io.weightloom.analysis.Scan;
import io.weightloom.tensor.TensorSpec;
import java.util.List;

/** Compares tensors of K models in one read. Tensors are BF16, F16, F32 or F64, of one shape. */
public final class CompareScan implements Scan<CompareSketch, TensorComparison> {
  private static final long serialVersionUID = 1;

  static final int BLOCK_ELEMENTS = 1 << 16;

  private final boolean hasBase;
  private final double share;
  private final int blockElements;

  /**
   * A comparison.
   *
   * @param hasBase whether the first model is what the others were made from; without, all are
   *     compared with all
   * @param share of the elements of a task vector that are its largest, for a {@link SupportScan};
   *     0 if none follows
   */
  public CompareScan(boolean hasBase, double share) {
    this(hasBase, share, BLOCK_ELEMENTS);
  }

  CompareScan(boolean hasBase, double share, int blockElements) {
    this.blockElements = blockElements;
    this.hasBase = hasBase;
    this.share = share;
  }

  @Override
  public CompareSketch open(List<TensorSpec> tensors) {
    return new CompareSketch(tensors, hasBase);
  }

  @Override
  public TensorComparison conclude(List<TensorSpec> tensors, CompareSketch sketch) {
    return sketch.conclude(tensors, share);
  }

  @Override
  public int blockElements() {
    return blockElements;
  }
}
