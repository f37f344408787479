package io.weightloom.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weightloom.error.WeightloomException;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.kernel.Kernels;
import io.weightloom.merge.Stored;
import io.weightloom.tensor.DType;
import io.weightloom.testkit.Seeds;
import java.util.Arrays;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BlockArithmeticTest {
  private static final Kernels KERNELS = KernelRegistry.get().kernels();

  @ParameterizedTest
  @Seeds(3)
  void aTaskVectorIsTheRoundedDifference(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (DType from : Blocks.COMPUTED) {
      for (DType to : Blocks.COMPUTED) {
        Stored a = Blocks.weights(from, random, 3001);
        Stored b = Blocks.weights(DType.BF16, random, 3001);
        double[] x = a.values();
        double[] y = b.values();
        boolean wide = from == DType.F64 || to == DType.F64;
        double[] difference =
            IntStream.range(0, x.length)
                .mapToDouble(i -> wide ? x[i] - y[i] : (float) x[i] - (float) y[i])
                .toArray();

        assertThat(BlockArithmetic.subtract(Blocks.block(a), Blocks.block(b), to, KERNELS))
            .as("%s - BF16 to %s", from, to)
            .isEqualTo(rounded(to, difference));
      }
    }
  }

  /** By one rounding even from fp64 to 16 bits, where the test kit's encoder goes over fp32. */
  private static byte[] rounded(DType to, double[] values) {
    double[] odd =
        to == DType.BF16 || to == DType.F16
            ? Arrays.stream(values).map(BlockArithmeticTest::toOdd).toArray()
            : values;
    return Stored.of(to, odd).bytes();
  }

  private static double toOdd(double x) {
    float f = (float) x;
    if (f == x) {
      return x;
    }
    float inner = Math.abs(f) > Math.abs(x) ? Math.nextAfter(f, 0) : f;
    return Float.intBitsToFloat(Float.floatToRawIntBits(inner) | 1);
  }

  @Test
  void addsAMultiple() {
    byte[] sum =
        BlockArithmetic.axpy(
            0.5,
            Blocks.block(DType.BF16, 1, -2, 3),
            Blocks.block(DType.F32, 10, 20, 30),
            DType.F32,
            KERNELS);
    assertThat(new Stored(DType.F32, sum).values()).containsExactly(10.5, 19, 31.5);
  }

  @Test
  void interpolatesFromTheFirstToTheSecond() {
    BlockData a = Blocks.block(DType.BF16, 1, 2);
    BlockData b = Blocks.block(DType.BF16, 3, -2);
    assertThat(new Stored(DType.F16, BlockArithmetic.lerp(a, b, 0.25, DType.F16, KERNELS)).values())
        .containsExactly(1.5, 1);
    assertThat(BlockArithmetic.lerp(a, b, 0, DType.BF16, KERNELS)).isEqualTo(a.bytes());
    assertThat(BlockArithmetic.lerp(a, b, 1, DType.BF16, KERNELS)).isEqualTo(b.bytes());
  }

  @Test
  void castsWithOneRounding() {
    // Between 1 and the next BF16 value, a hair above the middle: fp32 in between would lose it.
    BlockData block = Blocks.block(DType.F64, 1 + 0x1p-8 + 0x1p-40, 1e39, 1e-50);
    assertThat(new Stored(DType.BF16, BlockArithmetic.cast(block, DType.BF16, KERNELS)).values())
        .containsExactly(1 + 0x1p-7, Double.POSITIVE_INFINITY, 0);
  }

  @ParameterizedTest
  @Seeds(3)
  void castingToItsOwnTypeChangesNothing(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (DType dtype : Blocks.COMPUTED) {
      Stored stored = Blocks.weights(dtype, random, 2500);
      assertThat(BlockArithmetic.cast(Blocks.block(stored), dtype, KERNELS))
          .isEqualTo(stored.bytes());
    }
  }

  @Test
  void tellsWhatACastCosts() {
    BlockData block =
        Blocks.block(
            DType.F64, 1, 70000, -1e-9, 1 + 0x1p-11, 0, Double.NaN, Double.NEGATIVE_INFINITY);
    CastError error = CastError.of(block, DType.F16, KERNELS);
    assertThat(error.elements()).isEqualTo(7);
    assertThat(error.changed()).isEqualTo(3);
    assertThat(error.overflows()).isEqualTo(1);
    assertThat(error.underflows()).isEqualTo(1);
    assertThat(error.maxAbs()).isEqualTo(0x1p-11);
    assertThat(error.maxRel()).isEqualTo(1);
    assertThat(error.rms()).isCloseTo(Math.sqrt((1e-18 + 0x1p-22) / 4), within(1e-15));
    assertThat(CastError.of(block, DType.F64, KERNELS).changed()).isZero();
    assertThat(CastError.of(Blocks.block(DType.F32), DType.F16, KERNELS).rms()).isNaN();
  }

  @ParameterizedTest
  @Seeds(5)
  void trimsToExactlyKOfLowestIndexAmongEquals(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (DType dtype : Blocks.COMPUTED) {
      Stored stored = Blocks.weights(dtype, random, 1 + random.nextInt(5000));
      double[] x = stored.values();
      for (double density : new double[] {1e-9, 0.1, 0.5, 0.93, 1}) {
        int k = Math.max(1, (int) (density * x.length));
        double[] expected = new double[x.length];
        IntStream.range(0, x.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> -Math.abs(x[i])))
            .limit(k)
            .forEach(i -> expected[i] = x[i]);

        assertThat(BlockArithmetic.trim(Blocks.block(stored), density, KERNELS))
            .as("%s at %s", dtype, density)
            .isEqualTo(Stored.of(dtype, expected).bytes());
      }
    }
  }

  @Test
  void trimsBelowAThreshold() {
    BlockData block = Blocks.block(DType.BF16, -0.5, 0.25, 0.5, -0.0, Double.NEGATIVE_INFINITY);
    assertThat(new Stored(DType.BF16, BlockArithmetic.trimBelow(block, 0.5, KERNELS)).values())
        .containsExactly(-0.5, 0, 0.5, 0, Double.NEGATIVE_INFINITY);
    assertThat(BlockArithmetic.trimBelow(block, 0, KERNELS)).isEqualTo(block.bytes());
    assertThat(new Stored(DType.BF16, BlockArithmetic.trim(block, 0.2, KERNELS)).values())
        .containsExactly(0, 0, 0, 0, Double.NEGATIVE_INFINITY);
    assertThat(new Stored(DType.BF16, BlockArithmetic.trim(block, 0.4, KERNELS)).values())
        .containsExactly(-0.5, 0, 0, 0, Double.NEGATIVE_INFINITY);
  }

  @Test
  void infinitiesAreLargestAndTieLikeOthers() {
    double inf = Double.POSITIVE_INFINITY;
    for (DType dtype : Blocks.COMPUTED) {
      BlockData block = Blocks.block(dtype, 1, inf, -inf, 2);
      assertThat(new Stored(dtype, BlockArithmetic.trim(block, 0.25, KERNELS)).values())
          .containsExactly(0, inf, 0, 0);
      assertThat(new Stored(dtype, BlockArithmetic.trim(block, 0.75, KERNELS)).values())
          .containsExactly(0, inf, -inf, 2);
    }
  }

  @Test
  void comparesWithTheThresholdThatWasGiven() {
    BlockData block = Blocks.block(DType.F32, 0.1, 0.7, 0.3);
    double below = (float) 0.7; // Of 0.1 the nearest float lies above, of 0.7 it lies below.
    assertThat(below).isLessThan(0.7);
    assertThat(new Stored(DType.F32, BlockArithmetic.trimBelow(block, 0.1, KERNELS)).values()[0])
        .isEqualTo((float) 0.1);
    assertThat(new Stored(DType.F32, BlockArithmetic.trimBelow(block, 0.7, KERNELS)).values())
        .containsExactly(0, 0, 0);
    assertThat(new Stored(DType.F32, BlockArithmetic.trimBelow(block, below, KERNELS)).values())
        .containsExactly(0, below, 0);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -1, 1.5, Double.NaN})
  void aDensityIsAShareAboveZero(double density) {
    BlockData block = Blocks.block(DType.BF16, 1, 2);
    assertThatThrownBy(() -> BlockArithmetic.trim(block, density, KERNELS))
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith("Cannot trim to a density of " + density);
  }

  @Test
  void nanCannotBeRanked() {
    BlockData block = Blocks.block(DType.BF16, 1, Double.NaN);
    assertThatThrownBy(() -> BlockArithmetic.trim(block, 0.5, KERNELS))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("1 of its elements are NaN");
    assertThatThrownBy(() -> BlockArithmetic.trimBelow(block, 0.5, KERNELS))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("element 1 is NaN");
    assertThatThrownBy(() -> BlockArithmetic.trimBelow(block, Double.NaN, KERNELS))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("Cannot trim below NaN");
  }

  @Test
  void refusesBlocksThatDoNotMatch() {
    BlockData a = Blocks.block(DType.BF16, 1, 2);
    BlockData b = Blocks.block(DType.BF16, 1);
    assertThatThrownBy(() -> BlockArithmetic.subtract(a, b, DType.BF16, KERNELS))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("blocks of 2 and 1 elements");
    assertThatThrownBy(() -> BlockArithmetic.cast(a, DType.I8, KERNELS))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("Cannot round into I8");
  }
}
