package io.weightloom.prune;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Scan;
import io.weightloom.analysis.Sketch;
import io.weightloom.stats.BlockData;
import io.weightloom.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What each unit of a tensor adds to the norm of its group (Li et al., 2017, "Pruning Filters for
 * Efficient ConvNets"): Σ|w|, or Σw², summed in fp64 in the tensor's own order. Units lie along one
 * dimension, each a run of equal length; those of a group are added up by whoever asks.
 *
 * @param dims the dimension, by tensor
 * @param units how many each tensor has
 * @param squares whether the norm is L2
 */
public record UnitNorms(Map<String, Integer> dims, int units, boolean squares)
    implements Scan<UnitNorms.Sums, double[]> {
  private static final long serialVersionUID = 1;

  public UnitNorms {
    dims = Map.copyOf(dims);
  }

  /** What was seen of a tensor. */
  public static final class Sums implements Sketch<Sums> {
    private static final long serialVersionUID = 1;
    private final double[] sums;
    private final long run;
    private final boolean squares;

    Sums(int units, long run, boolean squares) {
      this.sums = new double[units];
      this.run = run;
      this.squares = squares;
    }

    @Override
    public void add(AlignedBlock block) {
      BlockData data =
          new BlockData(block.tensors().get(0).dtype(), block.data()[0], 0, block.length(0));
      int unit = (int) (block.place().offset() / run % sums.length);
      long left = run - block.place().offset() % run;
      for (int i = 0; i < block.count(); ) {
        int end = (int) Math.min(block.count(), i + left);
        double sum = 0;
        for (; i < end; i++) {
          double v = data.at(i);
          sum += squares ? v * v : Math.abs(v);
        }
        sums[unit] += sum;
        unit = unit + 1 == sums.length ? 0 : unit + 1;
        left = run;
      }
    }

    @Override
    public void merge(Sums other) {
      for (int i = 0; i < sums.length; i++) {
        sums[i] += other.sums[i];
      }
    }
  }

  @Override
  public Sums open(List<TensorSpec> tensors) {
    TensorSpec tensor = tensors.get(0);
    int dim = Objects.requireNonNull(dims.get(tensor.name()), tensor.name());
    long inner =
        tensor.shape().dims().subList(dim, tensor.shape().rank()).stream()
            .reduce(1L, Math::multiplyExact);
    return new Sums(units, inner / units, squares);
  }

  @Override
  public double[] conclude(List<TensorSpec> tensors, Sums sketch) {
    return sketch.sums.clone();
  }

  /** Sums of doubles depend on their order. */
  @Override
  public boolean isWhole(List<TensorSpec> tensors) {
    return true;
  }

  @Override
  public long workBytes(List<TensorSpec> tensors) {
    return 2L * Double.BYTES * units;
  }
}
