package io.weightloom.compare;

import io.weightloom.analysis.Scan;
import io.weightloom.tensor.TensorSpec;
import java.util.List;

/** Compares tensors of K models in one read. Tensors are BF16, F16, F32 or F64, of one shape. */
public final class CompareScan implements Scan<CompareSketch, TensorComparison> {
  private static final long serialVersionUID = 1;

  static final int BLOCK_ELEMENTS = 1 << 16;

  private final boolean hasBase;
  private final Top top;
  private final int blockElements;

  /**
   * A comparison.
   *
   * @param hasBase whether the first model is what the others were made from; without, all are
   *     compared with all
   * @param top which elements of a task vector are its largest, for a {@link SupportScan}; {@link
   *     Top#NONE} if none follows
   */
  public CompareScan(boolean hasBase, Top top) {
    this(hasBase, top, BLOCK_ELEMENTS);
  }

  CompareScan(boolean hasBase, Top top, int blockElements) {
    this.blockElements = blockElements;
    this.hasBase = hasBase;
    this.top = top;
  }

  @Override
  public CompareSketch open(List<TensorSpec> tensors) {
    return new CompareSketch(tensors, hasBase);
  }

  @Override
  public TensorComparison conclude(List<TensorSpec> tensors, CompareSketch sketch) {
    return sketch.conclude(tensors, top);
  }

  @Override
  public int blockElements() {
    return blockElements;
  }
}
