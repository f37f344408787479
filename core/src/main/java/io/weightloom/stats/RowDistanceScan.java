package io.weightloom.stats;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Scan;
import io.weightloom.analysis.WholeSketch;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * How far each row of matrices is from the mean of all and from the mean of unused ones, which a
 * {@link RowMeansScan} has found: rows of an embedding that were hardly trained lie where the
 * unused ones do (Land and Bartolo, Fishing for Magikarp, arXiv:2405.05417). One task sees a tensor
 * and adds up each row in order, in fp64; what is not finite counts as 0.
 */
public final class RowDistanceScan implements Scan<RowDistanceScan.Sums, RowDistanceScan.Found> {
  private static final long serialVersionUID = 1;

  private final Map<String, RowMeansScan.Means> means;

  /**
   * @param means of each tensor, by its name
   */
  public RowDistanceScan(Map<String, RowMeansScan.Means> means) {
    this.means = Map.copyOf(means);
  }

  private RowMeansScan.Means means(List<TensorSpec> tensors) {
    RowMeansScan.Means of = means.get(tensors.get(0).name());
    if (of == null) {
      throw new IllegalArgumentException(tensors.get(0).name() + " has no means");
    }
    return of;
  }

  @Override
  public Sums open(List<TensorSpec> tensors) {
    return new Sums(RowWalk.rows(tensors.get(0)), means(tensors));
  }

  @Override
  public boolean isWhole(List<TensorSpec> tensors) {
    return true;
  }

  @Override
  public long workBytes(List<TensorSpec> tensors) {
    return Sums.BYTES * RowWalk.rows(tensors.get(0))
        + 2L * Double.BYTES * RowWalk.columns(tensors.get(0));
  }

  @Override
  public Found conclude(List<TensorSpec> tensors, Sums sketch) {
    return sketch.found();
  }

  @Override
  public int blockElements() {
    return TensorScan.BLOCK_ELEMENTS;
  }

  /**
   * The distances of a row e; m is the mean of all rows, u that of the unused ones.
   *
   * @param row its number, from 0
   * @param l2 ‖e‖
   * @param toMean ‖e − m‖
   * @param toUnused ‖e − u‖
   * @param cosineToUnused 1 − cos(e, u), from 0 to 2; NaN if one is 0
   * @param centredCosineToUnused 1 − cos(e − m, u − m), likewise
   */
  public record Distances(
      long row,
      double l2,
      double toMean,
      double toUnused,
      double cosineToUnused,
      double centredCosineToUnused)
      implements Serializable {
    private static final long serialVersionUID = 1;
  }

  /** The rows of a tensor, in their order. */
  public record Found(List<Distances> each) implements Serializable {
    private static final long serialVersionUID = 1;

    public Found {
      each = List.copyOf(each);
    }
  }

  /** Sums by row. For one thread. */
  public static final class Sums implements WholeSketch<Sums> {
    private static final long serialVersionUID = 1;

    private static final int KINDS = 5;
    private static final int SQUARES = 0;
    private static final int TO_MEAN = 1;
    private static final int TO_UNUSED = 2;
    private static final int DOT = 3;
    private static final int CENTRED_DOT = 4;

    /** Of a row: its sums, and its row of the result. */
    private static final long BYTES = KINDS * Double.BYTES + 80;

    private final RowMeansScan.Means means;
    private final double[][] sums;

    Sums(long rows, RowMeansScan.Means means) {
      this.means = means;
      this.sums = new double[KINDS][Math.toIntExact(rows)];
    }

    @Override
    public void add(AlignedBlock block) {
      RowWalk.walk(block, this::see);
    }

    private void see(long row, int column, double[] x, int n) {
      int r = (int) row;
      double squares = sums[SQUARES][r];
      double toMean = sums[TO_MEAN][r];
      double toUnused = sums[TO_UNUSED][r];
      double dot = sums[DOT][r];
      double centredDot = sums[CENTRED_DOT][r];
      for (int i = 0; i < n; i++) {
        double m = means.all[column + i];
        double u = means.unused[column + i];
        double e = x[i];
        squares += e * e;
        toMean += (e - m) * (e - m);
        toUnused += (e - u) * (e - u);
        dot += e * u;
        centredDot += (e - m) * (u - m);
      }
      sums[SQUARES][r] = squares;
      sums[TO_MEAN][r] = toMean;
      sums[TO_UNUSED][r] = toUnused;
      sums[DOT][r] = dot;
      sums[CENTRED_DOT][r] = centredDot;
    }

    Found found() {
      double unused = 0;
      double centred = 0;
      for (int c = 0; c < means.unused.length; c++) {
        double d = means.unused[c] - means.all[c];
        unused += means.unused[c] * means.unused[c];
        centred += d * d;
      }
      List<Distances> each = new ArrayList<>(sums[0].length);
      for (int r = 0; r < sums[0].length; r++) {
        double l2 = Math.sqrt(sums[SQUARES][r]);
        double toMean = Math.sqrt(sums[TO_MEAN][r]);
        each.add(
            new Distances(
                r,
                l2,
                toMean,
                Math.sqrt(sums[TO_UNUSED][r]),
                1 - sums[DOT][r] / (l2 * Math.sqrt(unused)),
                1 - sums[CENTRED_DOT][r] / (toMean * Math.sqrt(centred))));
      }
      return new Found(each);
    }
  }
}
