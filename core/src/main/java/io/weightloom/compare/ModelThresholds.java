package io.weightloom.compare;

import io.weightloom.compare.TensorComparison.Cut;
import io.weightloom.kernel.Kernels;
import java.util.ArrayList;
import java.util.List;

/**
 * The k-th largest magnitude of each task vector over the whole model, in two reads: the first
 * tells the upper bits of it, the second one the lower. What counts as the model are the tensors
 * that all models have.
 */
public final class ModelThresholds {

  private ModelThresholds() {}

  /**
   * Where each task vector's largest elements begin.
   *
   * @param found of the tensors that all models have; with histograms
   */
  public static List<Cut> cuts(List<TensorComparison> found, Top top) {
    long elements = found.stream().mapToLong(f -> f.tensors().get(0).elements()).sum();
    List<Cut> cuts = new ArrayList<>();
    for (int task = 0; task < found.get(0).histograms().size(); task++) {
      long[] counts = new long[Kernels.BINS];
      for (TensorComparison tensor : found) {
        tensor.histograms().get(task).addTo(counts);
      }
      cuts.add(Cut.of(counts, top.of(elements)));
    }
    return cuts;
  }

  /**
   * The thresholds, one for each task vector.
   *
   * @param cuts the upper bits
   * @param found counts of the lower bits of those that share them, of the same tensors
   */
  public static List<Float> thresholds(List<Cut> cuts, List<LowerBitsScan.LowerBits> found) {
    List<Float> thresholds = new ArrayList<>();
    for (int task = 0; task < cuts.size(); task++) {
      long[] counts = new long[ThresholdScan.OPEN];
      for (LowerBitsScan.LowerBits tensor : found) {
        tensor.each().get(task).addTo(counts);
      }
      thresholds.add(ThresholdScan.threshold(cuts.get(task), counts));
    }
    return thresholds;
  }
}
