package io.weightloom.stats;

import java.io.Serializable;
import java.util.List;

/**
 * The statistics of a row, a column or a block of a tensor, in few bytes.
 *
 * @param index its number in the tensor, from 0
 * @param offset flat index of its first element
 */
public record PartStats(
    long index,
    long offset,
    long elements,
    long zeros,
    long nans,
    long infinities,
    long denormals,
    double min,
    double max,
    double mean,
    double variance,
    double skewness,
    double kurtosis,
    double l1,
    double l2,
    double linf)
    implements Serializable {
  private static final long serialVersionUID = 1;

  /** The parts of a tensor, in their order. */
  public record Parts(List<PartStats> each) implements Serializable {
    private static final long serialVersionUID = 1;

    public Parts {
      each = List.copyOf(each);
    }
  }

  static PartStats of(long index, long offset, BlockStats stats) {
    boolean isEmpty = stats.finite() == 0;
    return new PartStats(
        index,
        offset,
        stats.elements(),
        stats.zeros(),
        stats.nans(),
        stats.infs(),
        stats.denormals(),
        isEmpty ? Double.NaN : stats.min(),
        isEmpty ? Double.NaN : stats.max(),
        stats.mean(),
        stats.variance(),
        stats.skewness(),
        stats.kurtosis(),
        stats.l1(),
        stats.l2(),
        isEmpty ? Double.NaN : stats.linf());
  }
}
