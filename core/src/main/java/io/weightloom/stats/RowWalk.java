package io.weightloom.stats;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.merge.Arith;
import io.weightloom.merge.DoubleArith;
import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;

/** Walks over the rows of blocks in fp64, what is not finite being 0. */
final class RowWalk {

  private RowWalk() {}

  /** Sees a part of a row. */
  @FunctionalInterface
  interface Visitor {
    /**
     * Sees the next values of a row.
     *
     * @param column of the first one
     * @param x borrowed for the call
     * @param n how many, at most {@link Arith#CAPACITY}
     */
    void see(long row, int column, double[] x, int n);
  }

  static int columns(TensorSpec tensor) {
    return Math.toIntExact(BlockCut.of(tensor, TensorScan.BLOCK_ELEMENTS).columns());
  }

  static long rows(TensorSpec tensor) {
    return BlockCut.of(tensor, TensorScan.BLOCK_ELEMENTS).rows();
  }

  static void walk(AlignedBlock block, Visitor visitor) {
    DoubleArith arith = new DoubleArith(KernelRegistry.get().kernels());
    double[] x = arith.vector();
    TensorSpec tensor = block.tensors().get(0);
    DType dtype = tensor.dtype();
    int columns = columns(tensor);
    long row = block.place().rowBegin();
    int column = (int) (block.place().offset() % columns);
    int n;
    for (int at = 0; at < block.count(); at += n) {
      n = Math.min(Math.min(Arith.CAPACITY, block.count() - at), columns - column);
      arith.decode(dtype, block.data()[0], at * dtype.bytes(), x, n);
      for (int i = 0; i < n; i++) {
        x[i] = Double.isFinite(x[i]) ? x[i] : 0;
      }
      visitor.see(row, column, x, n);
      column += n;
      if (column == columns) {
        column = 0;
        row++;
      }
    }
  }
}
