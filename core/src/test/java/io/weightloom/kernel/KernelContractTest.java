package io.weightloom.kernel;

import static io.weightloom.kernel.Samples.assertSameBits;
import static io.weightloom.kernel.Samples.assertSameNumbers;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.tensor.DType;
import io.weightloom.testkit.Seeds;
import java.util.Arrays;
import java.util.List;
import java.util.ServiceLoader;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every usable provider gives the bits of the plain loops. */
@ParameterizedClass(name = "{0}")
@MethodSource("candidates")
class KernelContractTest {
  private static final List<DType> STORED = List.of(DType.BF16, DType.F16, DType.F32);

  /** Elements and bytes beyond the end, which must stay as they were. */
  private static final int GUARD = 19;

  private final Kernels scalar = KernelRegistry.scalar();

  private final KernelProvider provider;

  KernelContractTest(KernelProvider provider) {
    this.provider = provider;
  }

  static Stream<Named<KernelProvider>> candidates() {
    return ServiceLoader.load(KernelProvider.class).stream()
        .map(ServiceLoader.Provider::get)
        .filter(provider -> provider.usability().usable())
        .map(provider -> Named.of(provider.name(), provider));
  }

  /** One operation on a vector, run by both sides from the same start. */
  @FunctionalInterface
  private interface Operation {
    void run(Kernels kernels, float[] out, int n);
  }

  private void assertSameAtAllSizes(
      String what, boolean anyNan, SplittableRandom random, Operation operation) {
    Kernels candidate = provider.create();
    for (int n : Samples.SIZES) {
      float[] start = Samples.mixed(random, n + GUARD);
      float[] expected = start.clone();
      float[] actual = start.clone();
      operation.run(scalar, expected, n);
      operation.run(candidate, actual, n);
      if (anyNan) {
        assertSameNumbers(actual, expected, what + " of " + n);
      } else {
        assertSameBits(actual, expected, what + " of " + n);
      }
    }
  }

  @Test
  void namesItselfAsItsProvider() {
    assertThat(provider.create().name()).isEqualTo(provider.name());
  }

  @Test
  void refusesTypesThatAreNotWidened() {
    Kernels candidate = provider.create();
    assertThatThrownBy(() -> candidate.decode(DType.F64, new byte[8], 0, new float[1], 1))
        .hasMessage("not an fp32 work type: F64");
    assertThatThrownBy(() -> candidate.encode(DType.I8, new float[1], 1, new byte[1], 0))
        .hasMessage("not an fp32 work type: I8");
    assertThatThrownBy(() -> candidate.round(DType.U8, new float[1], 1))
        .hasMessage("not an fp32 work type: U8");
  }

  @ParameterizedTest
  @Seeds(5)
  void decodesFromAnyOffset(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (DType dtype : STORED) {
      for (int offset : new int[] {0, 1, 2, 3, 7, 64}) {
        byte[] stored = new byte[offset + 4 * (2049 + GUARD)];
        random.nextBytes(stored);
        assertSameAtAllSizes(
            dtype + " at " + offset,
            false,
            random,
            (kernels, out, n) -> kernels.decode(dtype, stored, offset, out, n));
      }
    }
  }

  @ParameterizedTest
  @Seeds(5)
  void encodesToAnyOffset(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Kernels candidate = provider.create();
    for (DType dtype : STORED) {
      for (int offset : new int[] {0, 1, 2, 3, 7, 64}) {
        for (int n : Samples.SIZES) {
          float[] x = Samples.mixed(random, n);
          byte[] expected = new byte[offset + n * dtype.bytes() + GUARD];
          random.nextBytes(expected);
          byte[] actual = expected.clone();
          scalar.encode(dtype, x, n, expected, offset);
          candidate.encode(dtype, x, n, actual, offset);
          assertThat(actual).as("%s at %d, %d elements", dtype, offset, n).isEqualTo(expected);
        }
      }
    }
  }

  @ParameterizedTest
  @Seeds(5)
  void roundsInPlace(long seed) {
    for (DType dtype : STORED) {
      assertSameAtAllSizes(
          "round to " + dtype,
          false,
          new SplittableRandom(seed),
          (kernels, out, n) -> kernels.round(dtype, out, n));
    }
  }

  @Test
  void convertsAllCodesAndWhatLiesBetweenThem() {
    Kernels candidate = provider.create();
    for (DType dtype : List.of(DType.BF16, DType.F16)) {
      float[] near = Codes.neighbours(dtype);
      byte[] expected = new byte[2 * near.length];
      byte[] actual = new byte[2 * near.length];
      scalar.encode(dtype, near, near.length, expected, 0);
      candidate.encode(dtype, near, near.length, actual, 0);
      assertThat(Arrays.mismatch(actual, expected)).as("encode %s", dtype).isEqualTo(-1);

      float[] rounded = near.clone();
      candidate.round(dtype, rounded, rounded.length);
      float[] decoded = new float[near.length];
      candidate.decode(dtype, actual, 0, decoded, decoded.length);
      assertSameBits(rounded, decoded, "round " + dtype);

      float[] truth = new float[near.length];
      scalar.decode(dtype, expected, 0, truth, truth.length);
      assertSameBits(decoded, truth, "decode " + dtype);

      byte[] codes = Codes.all();
      float[] values = new float[Codes.COUNT];
      float[] scalarValues = new float[Codes.COUNT];
      candidate.decode(dtype, codes, 0, values, values.length);
      scalar.decode(dtype, codes, 0, scalarValues, values.length);
      assertSameBits(values, scalarValues, "all codes of " + dtype);
    }
  }

  @ParameterizedTest
  @Seeds(5)
  void computesElementwise(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] a = Samples.mixed(random, 3000);
    float[] b = Samples.mixed(random, 3000);
    float s = Samples.mixed(random, 1)[0];
    assertSameAtAllSizes("a - b", true, random, (k, out, n) -> k.subtract(a, b, out, n));
    assertSameAtAllSizes("a + b", true, random, (k, out, n) -> k.add(a, b, out, n));
    assertSameAtAllSizes("a / b", true, random, (k, out, n) -> k.divide(a, b, out, n));
    assertSameAtAllSizes("s * a", true, random, (k, out, n) -> k.scale(a, s, out, n));
    assertSameAtAllSizes("out - b", true, random, (k, out, n) -> k.subtract(out, b, out, n));
    assertSameAtAllSizes("a + out", true, random, (k, out, n) -> k.add(a, out, out, n));
    assertSameAtAllSizes("a / out", true, random, (k, out, n) -> k.divide(a, out, out, n));
    assertSameAtAllSizes("s * out", true, random, (k, out, n) -> k.scale(out, s, out, n));
  }

  @ParameterizedTest
  @Seeds(5)
  void trimsToPositiveZero(long seed) {
    for (float threshold : Samples.specials()) {
      assertSameAtAllSizes(
          "trim below " + threshold,
          false,
          new SplittableRandom(seed),
          (kernels, out, n) -> kernels.trim(out, threshold, n));
    }
    assertSameAtAllSizes(
        "trim",
        false,
        new SplittableRandom(seed),
        (kernels, out, n) -> kernels.trim(out, 0.25f, n));
  }

  @ParameterizedTest
  @Seeds(10)
  void combinesModels(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int models = 1; models <= 9; models++) {
      float[][] xs = Samples.mixed(random, models, 2100);
      float[] sign = new float[2100];
      float zeroSign = random.nextInt(3) - 1;
      for (int i = 0; i < sign.length; i++) {
        sign[i] = random.nextInt(3) - 1;
      }
      float[] weights = Samples.weights(random, models);
      weights[0] = random.nextBoolean() ? 0 : weights[0];
      String of = " of " + models;
      assertSameAtAllSizes(
          "weighted sum" + of, true, random, (k, out, n) -> k.weightedSum(xs, weights, out, n));
      assertSameAtAllSizes(
          "mass" + of, false, random, (k, out, n) -> k.electByMass(xs, zeroSign, out, n));
      assertSameAtAllSizes(
          "count" + of, false, random, (k, out, n) -> k.electByCount(xs, zeroSign, out, n));
      assertSameAtAllSizes(
          "sum" + of, true, random, (k, out, n) -> k.disjointSum(xs, sign, out, n));
      assertSameAtAllSizes(
          "weight" + of, true, random, (k, out, n) -> k.disjointWeight(xs, weights, sign, out, n));
      assertSameAtAllSizes(
          "mean" + of, true, random, (k, out, n) -> k.disjointMean(xs, weights, sign, out, n));
      assertSameAtAllSizes(
          "max" + of, true, random, (k, out, n) -> k.disjointMax(xs, sign, out, n));
      assertSameAtAllSizes(
          "sum by any sign" + of, true, random, (k, out, n) -> k.disjointSum(xs, xs[0], out, n));
      assertSameAtAllSizes(
          "max by any sign" + of, true, random, (k, out, n) -> k.disjointMax(xs, xs[0], out, n));
    }
  }

  @ParameterizedTest
  @Seeds(5)
  void combinesIntoAnInput(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[][] xs = Samples.mixed(random, 6, 1003);
    float[] weights = Samples.weights(random, 6);
    for (int target = 0; target < 6; target++) {
      int into = target;
      assertSameInto(xs, into, (k, ys) -> k.weightedSum(ys, weights, ys[into], 1003));
      assertSameInto(xs, into, (k, ys) -> k.electByMass(ys, 1, ys[into], 1003));
      assertSameInto(xs, into, (k, ys) -> k.electByCount(ys, 1, ys[into], 1003));
      assertSameInto(xs, into, (k, ys) -> k.disjointSum(ys, xs[0], ys[into], 1003));
      assertSameInto(xs, into, (k, ys) -> k.disjointWeight(ys, weights, xs[0], ys[into], 1003));
      assertSameInto(xs, into, (k, ys) -> k.disjointMean(ys, weights, xs[0], ys[into], 1003));
      assertSameInto(xs, into, (k, ys) -> k.disjointMax(ys, xs[0], ys[into], 1003));
      assertSameInto(xs, into, (k, ys) -> k.disjointSum(xs, ys[into], ys[into], 1003));
      assertSameInto(xs, into, (k, ys) -> k.disjointMax(xs, ys[into], ys[into], 1003));
    }
  }

  @FunctionalInterface
  private interface Combination {
    void run(Kernels kernels, float[][] xs);
  }

  private void assertSameInto(float[][] xs, int target, Combination combination) {
    float[][] expected = Samples.copyOf(xs);
    float[][] actual = Samples.copyOf(xs);
    combination.run(scalar, expected);
    combination.run(provider.create(), actual);
    assertSameNumbers(actual[target], expected[target], "into input " + target);
  }

  @ParameterizedTest
  @Seeds(10)
  void dropsByTheDrawsOfTheElements(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (double p : new double[] {0, 1e-9, 0.1, 0.5, 0.9, 1}) {
      long key = random.nextLong();
      long first = random.nextLong(1L << 40);
      long below = CounterRandom.dropBelow(p);
      assertSameAtAllSizes(
          "drop " + p, false, random, (k, out, n) -> k.drop(out, key, first, below, n));
    }
    for (long below : new long[] {Long.MIN_VALUE, -1, (1L << 53) + 1, Long.MAX_VALUE}) {
      assertSameAtAllSizes(
          "drop below " + below, false, random, (k, out, n) -> k.drop(out, seed, -9, below, n));
    }
  }

  @ParameterizedTest
  @Seeds(5)
  void countsByKeys(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int n : Samples.SIZES) {
      float[] x = Samples.mixed(random, n + GUARD);
      int prefix = (Float.floatToRawIntBits(0.25f) & 0x7fffffff) >>> 16;
      assertSameBins(x, 15, 0, n);
      assertSameBins(x, 16, 0, n);
      assertSameBins(x, 0, prefix, n);
      assertSameBins(x, 0, 0, n);
      assertSameBins(x, 3, prefix >>> 3, n);
      assertSameBins(x, 15, 1, n);
      assertSameBins(x, 16, 1, n);
      assertSameBins(x, 0, -1, n);
    }
  }

  private void assertSameBins(float[] x, int shift, int prefix, int n) {
    int[] expected = new int[Kernels.BINS];
    expected[5] = 7;
    int[] actual = expected.clone();
    scalar.histogram(x, shift, prefix, expected, n);
    provider.create().histogram(x, shift, prefix, actual, n);
    assertThat(Arrays.mismatch(actual, expected))
        .as("shift %d, prefix %d, %d elements", shift, prefix, n)
        .isEqualTo(-1);
  }

  @ParameterizedTest
  @Seeds(5)
  void countsElements(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Kernels candidate = provider.create();
    for (int n : Samples.SIZES) {
      float[] x = Samples.mixed(random, n + GUARD);
      assertThat(candidate.countNonZero(x, n)).isEqualTo(scalar.countNonZero(x, n));
      for (float threshold : Samples.specials()) {
        assertThat(candidate.countAtLeast(x, threshold, n))
            .as("at least %s of %d", threshold, n)
            .isEqualTo(scalar.countAtLeast(x, threshold, n));
      }
    }
  }

  @ParameterizedTest
  @Seeds(5)
  void sumsIntoLanes(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Kernels candidate = provider.create();
    for (int n : Samples.SIZES) {
      float[] a = Samples.weights(random, n + GUARD);
      float[] b =
          n % 2 == 0 ? Samples.weights(random, n + GUARD) : Samples.mixed(random, n + GUARD);
      double[] expected = random.doubles(Kernels.LANES).toArray();
      double[] actual = expected.clone();
      scalar.sumMagnitudes(b, expected, n);
      candidate.sumMagnitudes(b, actual, n);
      scalar.dot(a, b, expected, n);
      candidate.dot(a, b, actual, n);
      assertThat(actual).as("%d elements", n).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @Seeds(5)
  void sumsPowersIntoLanes(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Kernels candidate = provider.create();
    for (int n : Samples.SIZES) {
      float[] x = n % 2 == 0 ? Samples.weights(random, n + GUARD) : finite(random, n + GUARD);
      double[] expected = random.doubles(Kernels.POWERS * Kernels.LANES).toArray();
      double[] actual = expected.clone();
      scalar.sumPowers(x, expected, n);
      candidate.sumPowers(x, actual, n);
      assertThat(actual).as("%d elements", n).isEqualTo(expected);
    }
  }

  private static float[] finite(SplittableRandom random, int n) {
    float[] x = Samples.mixed(random, n);
    for (int i = 0; i < n; i++) {
      x[i] = Float.isFinite(x[i]) ? x[i] : Float.MIN_VALUE;
    }
    return x;
  }

  @ParameterizedTest
  @Seeds(5)
  void widensARange(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Kernels candidate = provider.create();
    for (int n : Samples.SIZES) {
      for (float[] x :
          List.of(Samples.mixed(random, n + GUARD), Samples.weights(random, n + GUARD))) {
        for (float[] start :
            List.of(
                new float[] {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY},
                new float[] {-0f, 0f})) {
          float[] expected = start.clone();
          float[] actual = start.clone();
          scalar.range(x, expected, n);
          candidate.range(x, actual, n);
          assertSameBits(actual, expected, "range of " + n);
        }
      }
    }
  }

  @Test
  void aRangeKnowsTheSignOfZero() {
    float[] bounds = {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
    provider.create().range(new float[] {0f, -0f, 0f}, bounds, 3);
    assertSameBits(bounds, new float[] {-0f, 0f}, "range of zeros");
  }

  @Test
  void findsTheFirstThatIsNotFinite() {
    Kernels candidate = provider.create();
    for (int n : Samples.SIZES) {
      float[] x = new float[n + GUARD];
      Arrays.fill(x, Float.MAX_VALUE);
      x[n] = Float.NaN;
      assertThat(candidate.firstNonFinite(x, n)).isEqualTo(-1);
      for (int i = n - 1; i >= 0; i -= Math.max(1, n / 37)) {
        x[i] = i % 2 == 0 ? Float.NEGATIVE_INFINITY : -Float.NaN;
        assertThat(candidate.firstNonFinite(x, n)).isEqualTo(i);
      }
    }
  }
}
