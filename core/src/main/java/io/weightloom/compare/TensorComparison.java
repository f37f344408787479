package io.weightloom.compare;

import io.weightloom.kernel.SparseCounts;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.List;

/**
 * A tensor of several models, compared.
 *
 * @param tensors as each model has it
 * @param pairs of the base with each model; without a base, of all models
 * @param tasks of all task vectors; none without a base
 * @param signs none without a base or of one task vector; else one
 * @param kurtosis the population's excess kurtosis of each model's values if there is no base and
 *     the tensor is a square matrix; else none
 * @param cuts where the largest elements of task vectors begin; none unless asked for, of tensors
 * @param histograms of each task vector's magnitudes, by their upper bits; none unless the largest
 *     elements of the model are asked for
 */
public record TensorComparison(
    List<TensorSpec> tensors,
    List<Pair> pairs,
    List<TaskPair> tasks,
    List<Signs> signs,
    List<Double> kurtosis,
    List<Cut> cuts,
    List<SparseCounts> histograms)
    implements Serializable {
  private static final long serialVersionUID = 1;

  /**
   * Where the {@code k} largest magnitudes begin: exactly known but for the bits that a histogram
   * leaves open.
   *
   * @param key the upper bits of the k-th largest magnitude
   * @param rank its rank from above, from 1, among those that share them
   */
  public record Cut(int key, long rank) implements Serializable {
    private static final long serialVersionUID = 1;

    static Cut of(long[] counts, long k) {
      long left = k;
      int key = counts.length - 1;
      while (key > 0 && left > counts[key]) {
        left -= counts[key--];
      }
      return new Cut(key, left);
    }
  }

  /** The tensor's name, as the first model has it. */
  public String name() {
    return tensors.get(0).name();
  }
}
