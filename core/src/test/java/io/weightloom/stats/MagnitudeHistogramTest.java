package io.weightloom.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.kernel.Kernels;
import io.weightloom.merge.Stored;
import io.weightloom.tensor.DType;
import io.weightloom.testkit.Seeds;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class MagnitudeHistogramTest {
  private static final Kernels KERNELS = KernelRegistry.get().kernels();

  @ParameterizedTest
  @Seeds(5)
  void countsEachMagnitudeOf16Bits(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (DType dtype : new DType[] {DType.BF16, DType.F16}) {
      Stored stored = Blocks.bits(dtype, random, 5000);
      TreeMap<Double, Long> expected = new TreeMap<>();
      for (double x : stored.values()) {
        if (Double.isFinite(x)) {
          expected.merge(Math.abs(x), 1L, Long::sum);
        }
      }
      MagnitudeHistogram actual = MagnitudeHistogram.of(Blocks.block(stored), KERNELS);

      assertThat(actual.isExact()).isTrue();
      assertThat(counts(actual)).isEqualTo(expected);
      assertNonFinite(actual, stored);
    }
  }

  @ParameterizedTest
  @Seeds(5)
  void countsWiderTypesByTheirUpperBits(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      Stored stored = Blocks.bits(dtype, random, 5000);
      TreeMap<Double, Long> expected = new TreeMap<>();
      for (double x : stored.values()) {
        if (Double.isFinite(x)) {
          expected.merge(lowerEdge(dtype, Math.abs(x)), 1L, Long::sum);
        }
      }
      MagnitudeHistogram actual = MagnitudeHistogram.of(Blocks.block(stored), KERNELS);

      assertThat(actual.isExact()).isFalse();
      assertThat(counts(actual)).isEqualTo(expected);
      assertNonFinite(actual, stored);
    }
  }

  private static double lowerEdge(DType dtype, double magnitude) {
    double step =
        dtype == DType.F32
            ? Math.max(Math.scalb(1.0, Math.getExponent((float) magnitude) - 8), 0x1p-134)
            : Math.scalb(1.0, Math.max(Math.getExponent(magnitude), -1022) - 8);
    return Math.floor(magnitude / step) * step;
  }

  private static void assertNonFinite(MagnitudeHistogram histogram, Stored stored) {
    assertThat(histogram.nans())
        .isEqualTo(Arrays.stream(stored.values()).filter(Double::isNaN).count());
    assertThat(histogram.infs())
        .isEqualTo(Arrays.stream(stored.values()).filter(Double::isInfinite).count());
  }

  private static Map<Double, Long> counts(MagnitudeHistogram histogram) {
    TreeMap<Double, Long> counts = new TreeMap<>();
    for (int bin = 0; bin < histogram.bins(); bin++) {
      counts.put(histogram.magnitude(bin), histogram.count(bin));
    }
    assertThat(counts).hasSize(histogram.bins());
    return counts;
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BF16", "F16", "F32", "F64"})
  void mergedHistogramsAreThatOfTheWhole(DType dtype) {
    Stored stored = Blocks.weights(dtype, new SplittableRandom(3), 4000);
    MagnitudeHistogram whole = MagnitudeHistogram.of(Blocks.block(stored), KERNELS);
    MagnitudeHistogram a = MagnitudeHistogram.of(Blocks.part(stored, 0, 1000), KERNELS);
    MagnitudeHistogram b = MagnitudeHistogram.of(Blocks.part(stored, 1000, 1001), KERNELS);
    MagnitudeHistogram c = MagnitudeHistogram.of(Blocks.part(stored, 1001, 4000), KERNELS);

    for (MagnitudeHistogram merged :
        new MagnitudeHistogram[] {
          a.merge(b).merge(c),
          c.merge(a.merge(b)),
          MagnitudeHistogram.EMPTY.merge(b.merge(c)).merge(a)
        }) {
      assertThat(merged.toBytes()).isEqualTo(whole.toBytes());
    }
    assertThat(counts(MagnitudeHistogram.fromBytes(whole.toBytes()))).isEqualTo(counts(whole));
  }

  @Test
  void dtypesMayBeMixed() {
    MagnitudeHistogram mixed =
        MagnitudeHistogram.of(Blocks.block(DType.BF16, 1, -2), KERNELS)
            .merge(MagnitudeHistogram.of(Blocks.block(DType.F64, 2, 0), KERNELS));
    assertThat(mixed.isExact()).isFalse();
    assertThat(counts(mixed)).isEqualTo(new TreeMap<>(Map.of(0.0, 1L, 1.0, 1L, 2.0, 2L)));
  }

  @ParameterizedTest
  @Seeds(5)
  void aQuantileIsAnOrderStatistic(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (DType dtype : Blocks.COMPUTED) {
      int n = 1 + random.nextInt(3000);
      Stored stored = Blocks.weights(dtype, random, n);
      double[] sorted = Arrays.stream(stored.values()).map(Math::abs).sorted().toArray();
      MagnitudeHistogram histogram = MagnitudeHistogram.of(Blocks.block(stored), KERNELS);
      for (double q : new double[] {0, 0.001, 0.25, 0.5, 0.9, 0.999, 1}) {
        int rank = Math.max(1, (int) Math.ceil(q * n - 1e-9));
        double truth = sorted[rank - 1];

        assertThat(histogram.magnitudeOfRank(Blocks.block(stored), rank, KERNELS)).isEqualTo(truth);
        if (histogram.isExact()) {
          assertThat(histogram.quantile(q)).isEqualTo(truth);
        } else {
          assertThat(histogram.quantile(q)).isBetween(truth / (1 + 0x1p-8), truth);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1.1, Double.NaN})
  void aQuantileIsAShare(double q) {
    MagnitudeHistogram histogram = MagnitudeHistogram.of(Blocks.block(DType.BF16, 1), KERNELS);
    assertThatThrownBy(() -> histogram.quantile(q))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("Cannot find the quantile " + q);
  }

  @Test
  void theShareIsMeantInDecimals() {
    assertThat(MagnitudeHistogram.rank(0.07, 100)).isEqualTo(7);
    assertThat(MagnitudeHistogram.rank(0.29, 100)).isEqualTo(29);
    assertThat(MagnitudeHistogram.rank(0.291, 100)).isEqualTo(30);
    assertThat(MagnitudeHistogram.rank(0, 100)).isEqualTo(1);
    assertThat(MagnitudeHistogram.rank(1, 100)).isEqualTo(100);
  }

  @Test
  void ofNothingThereIsNoQuantile() {
    assertThat(MagnitudeHistogram.EMPTY.quantile(0.5)).isNaN();
  }

  @ParameterizedTest
  @Seeds(20)
  void noMutationOfASketchIsMoreThanAnError(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    byte[] sketch =
        MagnitudeHistogram.of(Blocks.block(Blocks.weights(DType.BF16, random, 50)), KERNELS)
            .toBytes();
    for (int i = 0; i < 200; i++) {
      byte[] mutant = sketch.clone();
      mutant[random.nextInt(mutant.length)] = (byte) random.nextInt(256);
      try {
        MagnitudeHistogram.fromBytes(mutant).merge(MagnitudeHistogram.EMPTY).quantile(0.5);
      } catch (WeightloomException e) {
        assertThat(e).hasMessageStartingWith("Cannot read a magnitude histogram from ");
      }
    }
  }
}
