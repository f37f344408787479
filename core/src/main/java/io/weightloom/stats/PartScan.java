package io.weightloom.stats;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Scan;
import io.weightloom.analysis.Sketch;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.kernel.Kernels;
import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The statistics of each row or block of tensors, in one read. Rows are indices of the first
 * dimension. Tensors are BF16, F16, F32 or F64.
 */
public final class PartScan implements Scan<PartScan.Parts, PartStats.Parts> {
  private static final long serialVersionUID = 1;

  private final boolean perRow;
  private final int blockElements;

  private PartScan(boolean perRow, int blockElements) {
    this.perRow = perRow;
    this.blockElements = blockElements;
  }

  public static PartScan rows() {
    return new PartScan(true, TensorScan.BLOCK_ELEMENTS);
  }

  /**
   * Of blocks.
   *
   * @param elements of a block, unless a row has more
   */
  public static PartScan blocks(int elements) {
    return new PartScan(false, elements);
  }

  @Override
  public Parts open(List<TensorSpec> tensors) {
    return new Parts(perRow);
  }

  @Override
  public PartStats.Parts conclude(List<TensorSpec> tensors, Parts sketch) {
    BlockCut cut = BlockCut.of(tensors.get(0), blockElements);
    List<PartStats> parts = new ArrayList<>(sketch.stats.size());
    sketch.stats.forEach(
        (index, stats) -> {
          long offset = perRow ? index * cut.columns() : cut.block(index).offset();
          parts.add(PartStats.of(index, offset, stats));
        });
    return new PartStats.Parts(parts);
  }

  @Override
  public int blockElements() {
    return blockElements;
  }

  /** The statistics of the parts that were seen. For one thread. */
  public static final class Parts implements Sketch<Parts> {
    private static final long serialVersionUID = 1;

    private final boolean perRow;
    private final Map<Long, BlockStats> stats = new TreeMap<>();

    Parts(boolean perRow) {
      this.perRow = perRow;
    }

    @Override
    public void add(AlignedBlock block) {
      Kernels kernels = KernelRegistry.get().kernels();
      DType dtype = block.tensors().get(0).dtype();
      BlockCut.Block place = block.place();
      long parts = perRow ? place.rowEnd() - place.rowBegin() : 1;
      int bytes = Math.toIntExact(block.length(0) / parts);
      for (int i = 0; i < parts; i++) {
        BlockStats seen = BlockStats.of(dtype, block.data()[0], i * bytes, bytes, kernels);
        stats.merge(perRow ? place.rowBegin() + i : place.index(), seen, BlockStats::merge);
      }
    }

    @Override
    public void merge(Parts other) {
      other.stats.forEach((index, seen) -> stats.merge(index, seen, BlockStats::merge));
    }
  }
}
