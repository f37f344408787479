package io.weightloom.stats;

import io.weightloom.analysis.Scan;
import io.weightloom.tensor.TensorSpec;
import java.util.List;

/**
 * The statistics of tensors of a model, in one read; what is {@linkplain Reading#isPending pending}
 * afterwards, in F32 and F64, a {@link RefiningScan} finds. Tensors are of types that {@link
 * TensorSketch#knows}.
 */
public final class TensorScan implements Scan<TensorSketch, Reading> {
  private static final long serialVersionUID = 1;

  /** A block of F32 fits the second cache. */
  static final int BLOCK_ELEMENTS = 1 << 16;

  private final int blockElements;

  public TensorScan() {
    this(BLOCK_ELEMENTS);
  }

  TensorScan(int blockElements) {
    this.blockElements = blockElements;
  }

  @Override
  public TensorSketch open(List<TensorSpec> tensors) {
    return new TensorSketch(tensors.get(0), blockElements);
  }

  @Override
  public Reading conclude(List<TensorSpec> tensors, TensorSketch sketch) {
    TensorSummary summary = new TensorSummary(sketch);
    return new Reading(summary.stats(), summary.pending());
  }

  @Override
  public int blockElements() {
    return blockElements;
  }
}
