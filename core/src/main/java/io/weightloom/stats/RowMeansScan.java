package io.weightloom.stats;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Scan;
import io.weightloom.analysis.WholeSketch;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.List;

/**
 * The mean of all rows of matrices, and that of some of them: the first read for a {@link
 * RowDistanceScan}. One task adds up the rows of a tensor in their order, in fp64; what is not
 * finite counts as 0. Tensors are BF16, F16, F32 or F64, of two dimensions or more.
 */
public final class RowMeansScan implements Scan<RowMeansScan.Sums, RowMeansScan.Means> {
  private static final long serialVersionUID = 1;

  private final RowSet unused;

  /**
   * @param unused the rows whose mean is wanted; all tensors have them
   */
  public RowMeansScan(RowSet unused) {
    this.unused = unused;
  }

  @Override
  public Sums open(List<TensorSpec> tensors) {
    return new Sums(tensors.get(0), unused);
  }

  @Override
  public boolean isWhole(List<TensorSpec> tensors) {
    return true;
  }

  @Override
  public long workBytes(List<TensorSpec> tensors) {
    return 4L * Double.BYTES * RowWalk.columns(tensors.get(0));
  }

  @Override
  public Means conclude(List<TensorSpec> tensors, Sums sketch) {
    return sketch.means(RowWalk.rows(tensors.get(0)), unused.size());
  }

  @Override
  public int blockElements() {
    return TensorScan.BLOCK_ELEMENTS;
  }

  /** Means by column: of all rows, and of the unused ones. */
  public static final class Means implements Serializable {
    private static final long serialVersionUID = 1;

    final double[] all;
    final double[] unused;

    Means(double[] all, double[] unused) {
      this.all = all;
      this.unused = unused;
    }
  }

  /** Sums by column. For one thread. */
  public static final class Sums implements WholeSketch<Sums> {
    private static final long serialVersionUID = 1;

    private final RowSet wanted;
    private final double[] all;
    private final double[] unused;

    Sums(TensorSpec tensor, RowSet wanted) {
      this.wanted = wanted;
      this.all = new double[RowWalk.columns(tensor)];
      this.unused = new double[all.length];
    }

    @Override
    public void add(AlignedBlock block) {
      RowWalk.walk(
          block,
          (row, column, x, n) -> {
            boolean isUnused = wanted.contains(row);
            for (int i = 0; i < n; i++) {
              all[column + i] += x[i];
              unused[column + i] += isUnused ? x[i] : 0;
            }
          });
    }

    Means means(long rows, int unusedRows) {
      for (int c = 0; c < all.length; c++) {
        all[c] /= rows;
        unused[c] /= unusedRows;
      }
      return new Means(all, unused);
    }
  }
}
