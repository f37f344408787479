package io.weightloom.merge;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.kernel.KernelRegistry;
import io.weightloom.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The threshold of a trim is that of a full sort, however the tensor is cut. */
class OrderStatisticTest {
  private static final double[] DENSITIES = {1e-9, 0.2, 0.29, 0.5, 0.999};

  /** Dtype, elements, and how many different magnitudes there are; 0 for a normal variate. */
  static List<Arguments> data() {
    List<Arguments> data = new ArrayList<>();
    for (DType dtype : List.of(DType.F64, DType.F32, DType.F16, DType.BF16)) {
      for (int n : new int[] {1, 2, 63, 5000}) {
        for (int magnitudes : new int[] {0, 1, 50}) {
          data.add(Arguments.of(dtype, n, magnitudes));
        }
      }
    }
    return data;
  }

  private static double[] delta(int n, int magnitudes, DType dtype) {
    Random random = new Random(n * 31L + magnitudes);
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      values[i] =
          magnitudes == 0
              ? random.nextGaussian() * 1e-3
              : (random.nextInt(2 * magnitudes + 1) - magnitudes) * 0.0078125;
    }
    return Stored.of(dtype, values).values();
  }

  private static MergeInMemory ties(DType dtype, String trim, double density) {
    return MergeInMemory.of("ties").dtype(dtype).set("trim", trim).set("density", density);
  }

  private static double reported(MergeInMemory.Result merged) {
    return (Double) ((List<?>) requireNonNull(merged.decisions().get(0).get("thresholds"))).get(0);
  }

  private static double[] sortedMagnitudes(double[] delta) {
    return Arrays.stream(delta).map(Math::abs).sorted().toArray();
  }

  @ParameterizedTest
  @MethodSource("data")
  void exactKeepsTheLargestAndOfEqualsTheFirst(DType dtype, int n, int magnitudes) {
    double[] delta = delta(n, magnitudes, dtype);
    double[] sorted = sortedMagnitudes(delta);
    for (double density : DENSITIES) {
      int k = Math.max(1, (int) (density * n));

      MergeInMemory.Result merged = ties(dtype, "exact", density).taskVectors(delta).run();

      assertThat(reported(merged)).as("density %s", density).isEqualTo(sorted[n - k]);
      assertThat(merged.values()).as("density %s", density).isEqualTo(largest(delta, k));
    }
  }

  /** By a stable sort of the indices. */
  private static double[] largest(double[] delta, int k) {
    int[] kept =
        IntStream.range(0, delta.length)
            .boxed()
            .sorted((a, b) -> Double.compare(Math.abs(delta[b]), Math.abs(delta[a])))
            .limit(k)
            .mapToInt(i -> i)
            .toArray();
    double[] trimmed = new double[delta.length];
    for (int i : kept) {
      trimmed[i] = delta[i] + 0.0;
    }
    return trimmed;
  }

  @ParameterizedTest
  @MethodSource("data")
  void referenceKeepsAllThatReachTheThreshold(DType dtype, int n, int magnitudes) {
    double[] delta = delta(n, magnitudes, dtype);
    double[] sorted = sortedMagnitudes(delta);
    for (double density : DENSITIES) {
      double threshold = sorted[n - (int) (n * density) - 1];

      MergeInMemory.Result merged = ties(dtype, "reference", density).taskVectors(delta).run();

      assertThat(reported(merged)).as("density %s", density).isEqualTo(threshold);
      assertThat(merged.values())
          .as("density %s", density)
          .isEqualTo(
              Arrays.stream(delta).map(v -> Math.abs(v) >= threshold ? v + 0.0 : 0).toArray());
    }
  }

  @ParameterizedTest
  @MethodSource("data")
  void magnitudeDareKeepsAllAboveTheThreshold(DType dtype, int n, int magnitudes) {
    double[] delta = delta(n, magnitudes, dtype);
    double[] sorted = sortedMagnitudes(delta);
    for (double density : new double[] {0.1, 0.3, 0.5, 0.7}) {
      int k = (int) (n * Math.round(10 - 10 * density) / 10.0);
      double threshold = k == 0 ? -1 : sorted[k - 1];

      MergeInMemory.Result merged =
          MergeInMemory.of("dare_linear")
              .dtype(dtype)
              .set("mask_strategy", "magnitude")
              .set("rescale", false)
              .set("density", density)
              .taskVectors(delta)
              .run();

      assertThat(merged.values())
          .as("density %s", density)
          .isEqualTo(
              Arrays.stream(delta).map(v -> Math.abs(v) > threshold ? v + 0.0 : 0).toArray());
    }
  }

  @Test
  void bf16NeedsOneReadToFindItAndFp32Two() {
    double[] delta = delta(10_000, 0, DType.BF16);

    assertThat(ties(DType.BF16, "exact", 0.3).mergekit(DType.BF16).taskVectors(delta).run().reads())
        .isEqualTo(2);
    assertThat(ties(DType.BF16, "exact", 0.3).taskVectors(delta).run().reads()).isEqualTo(3);
    assertThat(ties(DType.F64, "exact", 0.3).taskVectors(delta).run().reads()).isEqualTo(5);
  }

  /** Ties lie in all three spans; the quota ends in the second. */
  @ParameterizedTest
  @MethodSource("cuts")
  void firstTiesAreKeptWhateverTheCut(int grains, int block, long order) {
    int n = 2 * Span.GRAIN + 4099;
    double[] delta = new double[n];
    Arrays.setAll(delta, i -> i % 3 == 0 ? 0.5 : (i % 3 - 1.5) * 0.25);
    int ties = (n + 2) / 3;
    double density = (Span.GRAIN / 3.0 + 20_000) / n;
    int k = (int) (density * n);

    MergeInMemory.Result merged =
        ties(DType.BF16, "exact", density)
            .mergekit(DType.BF16)
            .kernels(KernelRegistry.get().kernels())
            .grains(grains)
            .block(block)
            .shuffled(order)
            .taskVectors(delta)
            .run();

    assertThat(ties).isGreaterThan(k);
    assertThat(reported(merged)).isEqualTo(0.5);
    assertThat(merged.kept().get(0)).containsExactly(k);
    double[] out = merged.values();
    assertThat(IntStream.range(0, n).filter(i -> out[i] != 0).max()).hasValue(3 * (k - 1));
  }

  /** What the first grain of each span, the sample, holds; and what follows it. */
  static List<Arguments> samples() {
    return List.of(
        Arguments.of("a pile, as in the rest", 0.5, 0.25, 0.5, 0.25),
        Arguments.of("a pile of another value", 0.75, 0.25, 0.5, 0.125),
        Arguments.of("a pile of another value under the same upper bits", 0.5001, 0.25, 0.5, 0.25),
        Arguments.of("a pile that the rank does not fall into", 0.5, 0.5, 0.125, 0.0625));
  }

  /** Large enough for a sample; each guess is held against the sort. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("samples")
  void aSampleMayMisleadAndTheThresholdIsStillExact(
      String name, double sampledMost, double sampledLeast, double most, double least) {
    int n = 3 * Span.GRAIN + 17;
    double[] delta = new double[n];
    Arrays.setAll(
        delta,
        i ->
            i < Span.GRAIN
                ? (i % 2 == 0 ? sampledMost : sampledLeast)
                : (i % 2 == 0 ? most : least) * (i % 7 == 0 ? 1.125 : 1));
    double[] values = Stored.of(DType.F32, delta).values();
    double[] sorted = sortedMagnitudes(values);
    for (double density : new double[] {0.3, 0.45, 0.5, 0.8}) {
      int k = (int) (density * n);

      MergeInMemory.Result merged =
          ties(DType.F32, "exact", density)
              .kernels(KernelRegistry.get().kernels())
              .grains(4)
              .taskVectors(values)
              .run();

      assertThat(reported(merged)).as("density %s", density).isEqualTo(sorted[n - k]);
      assertThat(merged.kept().get(0)).as("density %s", density).containsExactly(k);
    }
  }

  @Test
  void aPileIsFoundByOneFullReadAfterTwoSamples() {
    double[] delta = new double[2 * Span.GRAIN];
    Arrays.setAll(delta, i -> i % 4 * 0.25);

    MergeInMemory.Result merged =
        ties(DType.F32, "exact", 0.4)
            .kernels(KernelRegistry.get().kernels())
            .grains(2)
            .taskVectors(delta)
            .run();

    assertThat(reported(merged)).isEqualTo(0.5);
    assertThat(merged.reads()).isEqualTo(4);
  }

  static List<Arguments> cuts() {
    return List.of(
        Arguments.of(3, 1 << 20, 1L),
        Arguments.of(2, 1 << 17, 2L),
        Arguments.of(1, 2048, 3L),
        Arguments.of(1, 8192, 4L));
  }

  /** Tensors of a model that lie in many spans, small ones among them. */
  @ParameterizedTest
  @MethodSource("cuts")
  void modelScopeIsAFullSortOfAllTensors(int grains, int block, long order) {
    int[] sizes = {1, Span.GRAIN + 4097, 63, Span.GRAIN / 2, 2};
    double[][] parts = new double[sizes.length][];
    Arrays.setAll(parts, t -> delta(sizes[t], t % 2 == 0 ? 50 : 0, DType.F32));
    double[] all = Arrays.stream(parts).flatMapToDouble(Arrays::stream).toArray();
    double[] sorted = sortedMagnitudes(all);
    for (double density : new double[] {0.2, 0.57}) {
      int k = all.length - (int) (all.length * density);
      MergeInMemory merge = ties(DType.F32, "reference", density).set("scope", "model");
      for (double[] part : parts) {
        merge.taskVectors(part);
      }

      MergeInMemory.Result merged = merge.grains(grains).block(block).shuffled(order).run();

      double threshold = sorted[k - 1];
      assertThat(reported(merged)).as("density %s", density).isEqualTo(threshold);
      for (int t = 0; t < parts.length; t++) {
        long reach =
            Arrays.stream(parts[t]).filter(v -> v != 0 && Math.abs(v) >= threshold).count();
        assertThat(merged.kept().get(t)).as("tensor %d", t).containsExactly(reach);
      }
    }
  }

  /** The first tensor is BF16, the second F32: sixteen bits are not enough for both. */
  @Test
  void modelScopeOfMixedDtypesLooksAtAllBits() {
    double[] fine = {1.001, 1.002, 1.003, 1.004};
    MergeInMemory merge =
        ties(DType.F32, "reference", 0.5).set("scope", "model").mergekit(DType.F32);
    merge.compute("t0", DType.BF16);

    MergeInMemory.Result merged = merge.taskVectors(new double[] {1, 2}).taskVectors(fine).run();

    assertThat(merged.values(0)).containsExactly(0, 2);
    assertThat(merged.values(1)).containsExactly(0, (float) 1.002, (float) 1.003, (float) 1.004);
  }
}
