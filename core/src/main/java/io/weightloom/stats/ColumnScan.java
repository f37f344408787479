package io.weightloom.stats;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Scan;
import io.weightloom.analysis.WholeSketch;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.kernel.Kernels;
import io.weightloom.merge.DoubleArith;
import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The statistics of each column of matrices, a column being an index of all dimensions but the
 * first. One task sees all rows of a tensor and adds them up in their order, in fp64: sums of
 * thousands of columns that merge exactly would cost many times the read.
 */
public final class ColumnScan implements Scan<ColumnScan.Columns, PartStats.Parts> {
  private static final long serialVersionUID = 1;

  @Override
  public Columns open(List<TensorSpec> tensors) {
    return new Columns(tensors.get(0));
  }

  @Override
  public boolean isWhole(List<TensorSpec> tensors) {
    return true;
  }

  @Override
  public long workBytes(List<TensorSpec> tensors) {
    return Columns.BYTES * columns(tensors.get(0));
  }

  private static long columns(TensorSpec tensor) {
    return BlockCut.of(tensor, TensorScan.BLOCK_ELEMENTS).columns();
  }

  @Override
  public PartStats.Parts conclude(List<TensorSpec> tensors, Columns sketch) {
    return sketch.stats();
  }

  @Override
  public int blockElements() {
    return TensorScan.BLOCK_ELEMENTS;
  }

  /** Sums of columns. For one thread. */
  public static final class Columns implements WholeSketch<Columns> {
    private static final long serialVersionUID = 1;

    /** Of a column: its sums and counts, and its row of the result. */
    private static final long BYTES = 12 * Double.BYTES + 200;

    private static final int CHUNK = 2048;

    private final long rows;
    private final int columns;
    private final double[][] sums;
    private final double[] min;
    private final double[] max;
    private final long[] zeros;
    private final long[] nans;
    private final long[] infinities;
    private final long[] denormals;
    private final double leastNormal;

    Columns(TensorSpec tensor) {
      this.columns = Math.toIntExact(columns(tensor));
      this.rows = columns == 0 ? 0 : tensor.elements() / columns;
      this.sums = new double[Kernels.POWERS][columns];
      this.min = new double[columns];
      this.max = new double[columns];
      this.zeros = new long[columns];
      this.nans = new long[columns];
      this.infinities = new long[columns];
      this.denormals = new long[columns];
      this.leastNormal = BlockStats.leastNormal(tensor.dtype());
      Arrays.fill(min, Double.POSITIVE_INFINITY);
      Arrays.fill(max, Double.NEGATIVE_INFINITY);
    }

    @Override
    public void add(AlignedBlock block) {
      DoubleArith arith = new DoubleArith(KernelRegistry.get().kernels());
      double[] x = arith.vector();
      DType dtype = block.tensors().get(0).dtype();
      int column = (int) (block.place().offset() % columns);
      int n = block.count();
      for (int at = 0; at < n; ) {
        int count = Math.min(Math.min(CHUNK, n - at), columns - column);
        arith.decode(dtype, block.data()[0], at * dtype.bytes(), x, count);
        for (int i = 0; i < count; i++) {
          see(column + i, x[i]);
        }
        at += count;
        column = (column + count) % columns;
      }
    }

    private void see(int c, double x) {
      if (!Double.isFinite(x)) {
        (Double.isNaN(x) ? nans : infinities)[c]++;
        return;
      }
      double magnitude = Math.abs(x);
      double square = x * x;
      zeros[c] += x == 0 ? 1 : 0;
      denormals[c] += magnitude < leastNormal && x != 0 ? 1 : 0;
      min[c] = Math.min(min[c], x);
      max[c] = Math.max(max[c], x);
      sums[0][c] += magnitude;
      sums[1][c] += x;
      sums[2][c] += square;
      sums[3][c] += square * x;
      sums[4][c] += square * square;
    }

    PartStats.Parts stats() {
      List<PartStats> parts = new ArrayList<>(columns);
      for (int c = 0; c < columns; c++) {
        BlockStats stats =
            new BlockStats(
                rows,
                zeros[c],
                nans[c],
                infinities[c],
                denormals[c],
                min[c],
                max[c],
                ExactSum.of(sums[0][c]),
                ExactSum.of(sums[1][c]),
                ExactSum.of(sums[2][c]),
                ExactSum.of(sums[3][c]),
                ExactSum.of(sums[4][c]));
        parts.add(PartStats.of(c, c, stats));
      }
      return new PartStats.Parts(parts);
    }
  }
}
