package io.weightloom.prune;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Scan;
import io.weightloom.analysis.Sketch;
import io.weightloom.stats.BlockData;
import io.weightloom.stats.ExactSum;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * How large Wanda's scores |w|·‖x‖ of each tensor are together, and how many of them lie above a
 * limit: what OWL asks of a block of layers.
 *
 * @param norms of the inputs, by tensor
 * @param limits by tensor; none counts where a tensor has none
 */
public record Outliers(Map<String, double[]> norms, Map<String, Double> limits)
    implements Scan<Outliers.Seen, Outliers.Found> {
  private static final long serialVersionUID = 1;

  public Outliers {
    norms = Map.copyOf(norms);
    limits = Map.copyOf(limits);
  }

  /**
   * What was found of a tensor.
   *
   * @param sum of the scores
   * @param above how many lie above the limit
   * @param elements all of them
   */
  public record Found(double sum, long above, long elements) implements Serializable {
    private static final long serialVersionUID = 1;
  }

  /** What was seen of a tensor. */
  public static final class Seen implements Sketch<Seen> {
    private static final long serialVersionUID = 1;
    private final double[] norms;
    private final double limit;
    private ExactSum sum = ExactSum.ZERO;
    private long above;
    private long elements;

    Seen(double[] norms, double limit) {
      this.norms = norms;
      this.limit = limit;
    }

    @Override
    public void add(AlignedBlock block) {
      BlockData data =
          new BlockData(block.tensors().get(0).dtype(), block.data()[0], 0, block.length(0));
      int column = (int) (block.place().offset() % norms.length);
      double ofBlock = 0;
      for (int i = 0; i < block.count(); i++) {
        double score = Math.abs(data.at(i)) * norms[column];
        ofBlock += score;
        above += score > limit ? 1 : 0;
        column = column + 1 == norms.length ? 0 : column + 1;
      }
      sum = sum.plus(ExactSum.of(ofBlock)); // Blocks follow from the shape alone.
      elements += block.count();
    }

    @Override
    public void merge(Seen other) {
      sum = sum.plus(other.sum);
      above += other.above;
      elements += other.elements;
    }
  }

  @Override
  public Seen open(List<TensorSpec> tensors) {
    String name = tensors.get(0).name();
    return new Seen(
        Objects.requireNonNull(norms.get(name), name),
        limits.getOrDefault(name, Double.POSITIVE_INFINITY));
  }

  @Override
  public Found conclude(List<TensorSpec> tensors, Seen sketch) {
    return new Found(sketch.sum.value(), sketch.above, sketch.elements);
  }
}
