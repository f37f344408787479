package io.weightloom.compare;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Scan;
import io.weightloom.analysis.Sketch;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.merge.Arith;
import io.weightloom.tensor.TensorSpec;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** The third read for supports: counts what task vectors have in common above thresholds. */
public final class SupportScan implements Scan<SupportScan.Counts, Support> {
  private static final long serialVersionUID = 1;

  private final Map<String, List<Float>> thresholds;

  /**
   * @param thresholds of each tensor, by its name in the first model
   */
  public SupportScan(Map<String, List<Float>> thresholds) {
    this.thresholds = Map.copyOf(thresholds);
  }

  @Override
  public Counts open(List<TensorSpec> tensors) {
    return new Counts(tensors.size(), thresholds.getOrDefault(tensors.get(0).name(), List.of()));
  }

  @Override
  public Support conclude(List<TensorSpec> tensors, Counts sketch) {
    return sketch.support();
  }

  @Override
  public int blockElements() {
    return CompareScan.BLOCK_ELEMENTS;
  }

  /** Counts of supports. For one thread. */
  public static final class Counts implements Sketch<Counts> {
    private static final long serialVersionUID = 1;

    private final int models;
    private final List<Float> thresholds;
    private final long[] sizes;
    private final long[] unique;
    private final long[] shared;
    private long elements;

    Counts(int models, List<Float> thresholds) {
      this.models = models;
      this.thresholds = thresholds;
      int tasks = thresholds.size();
      this.sizes = new long[tasks];
      this.unique = new long[tasks];
      this.shared = new long[tasks * (tasks - 1) / 2];
    }

    @Override
    public void add(AlignedBlock block) {
      Differences differences = new Differences(KernelRegistry.get().kernels(), models, true);
      int[][] in = new int[sizes.length][Arith.CAPACITY];
      int[] owners = new int[Arith.CAPACITY];
      differences.walk(
          block,
          n -> {
            Arrays.fill(owners, 0);
            for (int k = 0; k < sizes.length; k++) {
              mark(differences.deltas[k], thresholds.get(k), in[k], owners, n);
            }
            count(in, owners, n);
          });
      elements += block.count();
    }

    private static void mark(float[] x, float threshold, int[] in, int[] owners, int n) {
      for (int i = 0; i < n; i++) {
        in[i] = Math.abs(x[i]) >= threshold ? 1 : 0;
        owners[i] += in[i];
      }
    }

    private void count(int[][] in, int[] owners, int n) {
      int cell = 0;
      for (int a = 0; a < in.length; a++) {
        for (int i = 0; i < n; i++) {
          sizes[a] += in[a][i];
          unique[a] += owners[i] == 1 ? in[a][i] : 0;
        }
        for (int b = a + 1; b < in.length; b++) {
          int both = 0;
          for (int i = 0; i < n; i++) {
            both += in[a][i] & in[b][i];
          }
          shared[cell++] += both;
        }
      }
    }

    @Override
    public void merge(Counts other) {
      elements += other.elements;
      add(sizes, other.sizes);
      add(unique, other.unique);
      add(shared, other.shared);
    }

    private static void add(long[] counts, long[] others) {
      for (int i = 0; i < counts.length; i++) {
        counts[i] += others[i];
      }
    }

    Support support() {
      return new Support(elements, boxed(sizes), boxed(unique), boxed(shared));
    }

    private static List<Long> boxed(long[] counts) {
      return Arrays.stream(counts).boxed().toList();
    }
  }
}
