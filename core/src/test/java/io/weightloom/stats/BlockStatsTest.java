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
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BlockStatsTest {
  private static final Kernels KERNELS = KernelRegistry.get().kernels();

  @ParameterizedTest
  @Seeds(5)
  void agreesWithPlainSumsOverTheFiniteValues(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (DType dtype : Blocks.COMPUTED) {
      for (int n : new int[] {0, 1, 15, 17, 2048, 2049, 5000}) {
        assertAgrees(Blocks.weights(dtype, random, n));
        if (dtype != DType.F64) { // Powers of any F64 overflow.
          assertAgrees(Blocks.bits(dtype, random, n));
        }
      }
    }
  }

  private static void assertAgrees(Stored stored) {
    BlockStats stats = BlockStats.of(Blocks.block(stored), KERNELS);
    double[] all = stored.values();
    double[] finite = Arrays.stream(all).filter(Double::isFinite).toArray();
    double tiny =
        switch (stored.dtype()) {
          case F16 -> 0x1p-14;
          case F64 -> 0x1p-1022;
          default -> 0x1p-126;
        };
    assertThat(stats.elements()).isEqualTo(all.length);
    assertThat(stats.finite()).isEqualTo(finite.length);
    assertThat(stats.nans()).isEqualTo(Arrays.stream(all).filter(Double::isNaN).count());
    assertThat(stats.infs()).isEqualTo(Arrays.stream(all).filter(Double::isInfinite).count());
    assertThat(stats.zeros()).isEqualTo(Arrays.stream(all).filter(x -> x == 0).count());
    assertThat(stats.denormals())
        .isEqualTo(Arrays.stream(all).filter(x -> x != 0 && Math.abs(x) < tiny).count());
    if (finite.length > 0) {
      assertThat(stats.min()).isEqualTo(Arrays.stream(finite).min().getAsDouble());
      assertThat(stats.max()).isEqualTo(Arrays.stream(finite).max().getAsDouble());
      assertThat(stats.linf()).isEqualTo(Arrays.stream(finite).map(Math::abs).max().getAsDouble());
    }
    assertSum(stats.sum(), finite, x -> x);
    assertSum(stats.l1(), finite, Math::abs);
    assertSum(stats.sum2(), finite, x -> x * x);
    assertSum(stats.sum3(), finite, x -> x * x * x);
    assertSum(stats.sum4(), finite, x -> x * x * (x * x));
    assertThat(BlockStats.l2(Blocks.block(stored), KERNELS)).isEqualTo((Double) stats.l2());
  }

  private static void assertSum(double actual, double[] x, DoubleUnaryOperator term) {
    BigDecimal sum = BigDecimal.ZERO;
    double magnitude = 0;
    for (double value : x) {
      sum = sum.add(new BigDecimal(term.applyAsDouble(value)));
      magnitude += Math.abs(term.applyAsDouble(value));
    }
    assertThat(actual).isCloseTo(sum.doubleValue(), within(1e-13 * magnitude));
  }

  @Test
  void momentsAreThoseOfThePopulation() {
    // m2 = 50 / 5, m3 = 180 / 5, m4 = 1394 / 5; m3 / m2^1.5 and m4 / m2^2 - 3
    BlockStats stats = BlockStats.of(Blocks.block(DType.F32, 1, 2, 3, 4, 10), KERNELS);
    assertThat(stats.mean()).isEqualTo(4);
    assertThat(stats.variance()).isEqualTo(10);
    assertThat(stats.skewness()).isCloseTo(36 / Math.pow(10, 1.5), within(1e-12));
    assertThat(stats.kurtosis()).isCloseTo(278.8 / 100 - 3, within(1e-12));
    assertThat(stats.l2()).isEqualTo(Math.sqrt(130));
  }

  @Test
  void equalValuesHaveNoVarianceAndNoShape() {
    double[] same = new double[3000];
    Arrays.fill(same, 0.1);
    BlockStats stats = BlockStats.of(Blocks.block(DType.BF16, same), KERNELS);
    assertThat(stats.variance()).isBetween(0.0, 1e-15);
  }

  @Test
  void withoutAFiniteValueThereIsNoMean() {
    for (BlockStats stats :
        List.of(
            BlockStats.EMPTY,
            BlockStats.of(
                Blocks.block(DType.BF16, Double.NaN, Double.POSITIVE_INFINITY), KERNELS))) {
      assertThat(stats.finite()).isZero();
      assertThat(stats.mean()).isNaN();
      assertThat(stats.variance()).isNaN();
      assertThat(stats.kurtosis()).isNaN();
      assertThat(stats.min()).isEqualTo(Double.POSITIVE_INFINITY);
      assertThat(stats.linf()).isEqualTo(Double.NEGATIVE_INFINITY);
      assertThat(stats.l2()).isNaN();
    }
  }

  @Test
  void powersOfDoublesMayOverflowWithoutHarmToTheRest() {
    BlockStats stats = BlockStats.of(Blocks.block(DType.F64, 1e200, -2e200), KERNELS);
    assertThat(stats.sum()).isEqualTo(-1e200);
    assertThat(stats.sum2()).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(stats.l2()).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(BlockStats.fromBytes(stats.merge(stats).toBytes())).isEqualTo(stats.merge(stats));
  }

  @ParameterizedTest
  @Seeds(5)
  void mergingDoesNotDependOnOrderOrGrouping(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (DType dtype : Blocks.COMPUTED) {
      List<BlockStats> parts = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        int n = random.nextInt(300);
        Stored stored =
            random.nextBoolean() ? Blocks.weights(dtype, random, n) : Blocks.bits(dtype, random, n);
        parts.add(BlockStats.of(Blocks.block(stored), KERNELS));
      }
      BlockStats inOrder = parts.stream().reduce(BlockStats.EMPTY, BlockStats::merge);
      Collections.shuffle(parts, new Random(seed));
      BlockStats tree = tree(parts);

      assertThat(tree).isEqualTo(inOrder);
      assertThat(tree.toBytes()).isEqualTo(inOrder.toBytes());
    }
  }

  private static BlockStats tree(List<BlockStats> parts) {
    int half = parts.size() / 2;
    return half == 0
        ? parts.get(0)
        : tree(parts.subList(0, half)).merge(tree(parts.subList(half, parts.size())));
  }

  @ParameterizedTest
  @Seeds(5)
  void kernelsAgreeToTheBit(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (DType dtype : Blocks.COMPUTED) {
      BlockData block = Blocks.block(Blocks.bits(dtype, random, 6000));
      assertThat(BlockStats.of(block, KERNELS).toBytes())
          .isEqualTo(BlockStats.of(block, KernelRegistry.scalar()).toBytes());
    }
  }

  @Test
  void looksAtNothingBesideTheBlock() {
    Stored stored = Blocks.weights(DType.F16, new SplittableRandom(1), 100);
    BlockStats part = BlockStats.of(DType.F16, stored.bytes(), 20, 30, KERNELS);
    assertThat(part)
        .isEqualTo(
            BlockStats.of(DType.F16, Arrays.copyOfRange(stored.bytes(), 20, 50), 0, 30, KERNELS));
  }

  @Test
  void refusesWhatItCannotComputeOn() {
    assertThatThrownBy(() -> BlockStats.of(DType.I32, new byte[8], 0, 8, KERNELS))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot compute on a block of I32: only BF16, F16, F32 and F64 are computed on (choose"
                + " such tensors, or cast them before)");
    assertThatThrownBy(() -> BlockStats.of(DType.F32, new byte[8], 0, 6, KERNELS))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot compute on a block of F32: its 6 bytes are not whole values of 4 bytes (give"
                + " the dtype that the data has)");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 20, 60, 100})
  void refusesADamagedSketch(int length) {
    byte[] sketch = BlockStats.of(Blocks.block(DType.BF16, 1, 2, 3), KERNELS).toBytes();
    assertThat(BlockStats.fromBytes(sketch).sum()).isEqualTo(6);
    assertThatThrownBy(() -> BlockStats.fromBytes(Arrays.copyOf(sketch, length)))
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith("Cannot read block statistics from " + length + " bytes: ");
  }

  @Test
  void tellsWhatElseASketchIs() {
    byte[] histogram = MagnitudeHistogram.of(Blocks.block(DType.BF16, 1, 2, 3), KERNELS).toBytes();
    assertThatThrownBy(() -> BlockStats.fromBytes(histogram))
        .hasMessageContaining("they are a magnitude histogram (make the sketch again)");
    byte[] newer = BlockStats.EMPTY.toBytes();
    newer[2] = 9;
    assertThatThrownBy(() -> BlockStats.fromBytes(newer))
        .hasMessageContaining("they have format version 9, known is 1");
    byte[] longer = Arrays.copyOf(BlockStats.EMPTY.toBytes(), 1000);
    assertThatThrownBy(() -> BlockStats.fromBytes(longer)).hasMessageContaining("are left over");
    byte[] negative = BlockStats.EMPTY.toBytes();
    negative[3] = -1;
    assertThatThrownBy(() -> BlockStats.fromBytes(negative))
        .hasMessageContaining("counts that contradict each other");
  }

  @ParameterizedTest
  @Seeds(20)
  void noMutationOfASketchIsMoreThanAnError(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    byte[] sketch =
        BlockStats.of(Blocks.block(Blocks.weights(DType.F32, random, 50)), KERNELS).toBytes();
    for (int i = 0; i < 200; i++) {
      byte[] mutant = sketch.clone();
      mutant[random.nextInt(mutant.length)] = (byte) random.nextInt(256);
      try {
        BlockStats.fromBytes(mutant).merge(BlockStats.EMPTY);
      } catch (WeightloomException e) {
        assertThat(e).hasMessageStartingWith("Cannot read block statistics from ");
      }
    }
  }
}
