package io.weightloom.compare;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Scan;
import io.weightloom.analysis.Sketch;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The second read for supports: finds the k-th largest magnitude of each task vector, of which a
 * {@link CompareScan} has told the upper bits.
 */
public final class ThresholdScan implements Scan<ThresholdScan.Counts, ThresholdScan.Thresholds> {
  private static final long serialVersionUID = 1;

  /** How many magnitudes share their upper bits. */
  static final int OPEN = 1 << DeltaHistogram.SHIFT;

  private final Map<String, List<TensorComparison.Cut>> cuts;

  /**
   * @param cuts of each tensor, by its name in the first model
   */
  public ThresholdScan(Map<String, List<TensorComparison.Cut>> cuts) {
    this.cuts = Map.copyOf(cuts);
  }

  private List<TensorComparison.Cut> cuts(List<TensorSpec> tensors) {
    return cuts.getOrDefault(tensors.get(0).name(), List.of());
  }

  @Override
  public Counts open(List<TensorSpec> tensors) {
    return new Counts(tensors.size(), cuts(tensors));
  }

  @Override
  public Thresholds conclude(List<TensorSpec> tensors, Counts sketch) {
    return sketch.thresholds();
  }

  @Override
  public int blockElements() {
    return CompareScan.BLOCK_ELEMENTS;
  }

  /**
   * The k-th largest magnitude of each task vector.
   *
   * @param each of one with fewer than k elements other than 0, the least magnitude there is
   */
  public record Thresholds(List<Float> each) implements Serializable {
    private static final long serialVersionUID = 1;

    public Thresholds {
      each = List.copyOf(each);
    }
  }

  /** Counts of the lower bits. For one thread. */
  public static final class Counts implements Sketch<Counts> {
    private static final long serialVersionUID = 1;

    private final int models;
    private final List<TensorComparison.Cut> cuts;
    private final long[][] counts;

    Counts(int models, List<TensorComparison.Cut> cuts) {
      this.models = models;
      this.cuts = cuts;
      this.counts = new long[cuts.size()][OPEN];
    }

    @Override
    public void add(AlignedBlock block) {
      Differences differences = new Differences(KernelRegistry.get().kernels(), models, true);
      differences.walk(
          block,
          n -> {
            for (int k = 0; k < counts.length; k++) {
              count(differences.deltas[k], cuts.get(k).key(), counts[k], n);
            }
          });
    }

    private static void count(float[] x, int wanted, long[] counts, int n) {
      for (int i = 0; i < n; i++) {
        int key = Float.floatToRawIntBits(x[i]) & Integer.MAX_VALUE;
        if (key >>> DeltaHistogram.SHIFT == wanted) {
          counts[key & (OPEN - 1)]++;
        }
      }
    }

    @Override
    public void merge(Counts other) {
      for (int k = 0; k < counts.length; k++) {
        for (int i = 0; i < OPEN; i++) {
          counts[k][i] += other.counts[k][i];
        }
      }
    }

    Thresholds thresholds() {
      List<Float> found = new ArrayList<>();
      for (int k = 0; k < counts.length; k++) {
        found.add(threshold(cuts.get(k), counts[k]));
      }
      return new Thresholds(found);
    }

    /** By task vector and lower bits; borrowed. */
    long[][] counts() {
      return counts;
    }
  }

  /** The magnitude of a cut, by the lower bits of all that share its upper ones; never 0. */
  static float threshold(TensorComparison.Cut cut, long[] counts) {
    long left = cut.rank();
    int low = OPEN - 1;
    while (low > 0 && left > counts[low]) {
      left -= counts[low--];
    }
    float threshold = Float.intBitsToFloat(cut.key() << DeltaHistogram.SHIFT | low);
    return Math.max(threshold, Float.MIN_VALUE);
  }
}
