package io.weightloom.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.weightloom.analysis.Goldens;
import io.weightloom.analysis.InMemory;
import io.weightloom.merge.Stored;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.SplittableRandom;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The golden values are those of dev/golden/statistics.py. */
class CompareScanTest {
  private static final Goldens GOLDEN = Goldens.of("compare");
  private static final int MODELS = 4;
  private static final double TOP = 0.2;

  private static List<TensorSpec> specs(DType dtype, int models, long... shape) {
    return Collections.nCopies(models, new TensorSpec("w", dtype, Shape.of(shape)));
  }

  private static byte[][] goldenData(DType dtype) {
    byte[][] data = new byte[MODELS][];
    for (int k = 0; k < MODELS; k++) {
      data[k] = GOLDEN.bytes(dtype + ".bytes." + k);
    }
    return data;
  }

  private static List<TensorSpec> goldenSpecs(DType dtype) {
    return specs(dtype, MODELS, GOLDEN.count("rows"), GOLDEN.count("columns"));
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16", "F32", "F64"})
  void differencesAreThoseOfNumPy(DType dtype) {
    TensorComparison found =
        InMemory.scan(new CompareScan(true, Top.NONE), goldenSpecs(dtype), goldenData(dtype));
    Percentage close = Percentage.withPercentage(1e-5);

    assertThat(found.pairs()).hasSize(MODELS - 1);
    for (Pair pair : found.pairs()) {
      String key = dtype + "." + pair.second() + ".";
      assertThat(pair.first()).isZero();
      assertThat(pair.changedBits()).isEqualTo(GOLDEN.count(key + "changed_bits"));
      assertThat(pair.changedValues()).isEqualTo(GOLDEN.count(key + "changed_values"));
      assertThat(pair.distance()).isCloseTo(GOLDEN.number(key + "distance"), close);
      assertThat(pair.relativeDistance())
          .isCloseTo(GOLDEN.number(key + "relative_distance"), close);
      assertThat(pair.meanMagnitude()).isCloseTo(GOLDEN.number(key + "mean_abs"), close);
      assertThat(pair.maxMagnitude()).isEqualTo(GOLDEN.number(key + "max_abs"));
      assertThat(pair.rotation())
          .isCloseTo(GOLDEN.number(key + "rotation"), Percentage.withPercentage(1e-3));
      assertThat(pair.deltaToUlp())
          .isCloseTo(
              GOLDEN.number(key + "distance")
                  / Math.sqrt((double) pair.elements())
                  / GOLDEN.number(dtype + ".ulp"),
              close);
      Redundancy redundancy = Objects.requireNonNull(pair.redundancy());
      // Magnitudes of wide types are known to 0.4 %.
      assertThat((double) redundancy.k90()).isCloseTo(GOLDEN.number(key + "k90"), within(1.0));
      assertThat((double) redundancy.k99()).isCloseTo(GOLDEN.number(key + "k99"), within(2.0));
      assertThat(redundancy.gini()).isCloseTo(GOLDEN.number(key + "gini"), within(1e-3));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16", "F32", "F64"})
  void taskVectorsAreAsAlikeAsNumPySays(DType dtype) {
    List<TensorSpec> tensors = goldenSpecs(dtype);
    TensorComparison found =
        InMemory.scan(new CompareScan(true, new Top(TOP, false)), tensors, goldenData(dtype));
    List<Float> thresholds =
        InMemory.scan(new ThresholdScan(Map.of("w", found.cuts())), tensors, goldenData(dtype))
            .each();
    Support support =
        InMemory.scan(new SupportScan(Map.of("w", thresholds)), tensors, goldenData(dtype));

    for (TaskPair pair : found.tasks()) {
      double[] expected =
          GOLDEN.text("%s.%d.%d.task".formatted(dtype, pair.first(), pair.second())).isEmpty()
              ? new double[0]
              : GOLDEN.numbers("%s.%d.%d.task".formatted(dtype, pair.first(), pair.second()));
      assertThat(pair.cosine()).isCloseTo(expected[0], within(1e-9));
      assertThat((double) pair.both()).isEqualTo(expected[1]);
      assertThat((double) pair.opposed()).isEqualTo(expected[2]);
      assertThat(support.jaccard(pair.first() - 1, pair.second() - 1))
          .isCloseTo(expected[3], within(1e-12));
      assertThat(support.overlap(pair.first() - 1, pair.second() - 1))
          .isCloseTo(expected[4], within(1e-12));
    }
    Signs signs = found.signs().get(0);
    assertThat(new long[] {signs.shared(), signs.conflicting()})
        .isEqualTo(GOLDEN.counts(dtype + ".signs"));
    double[] against = GOLDEN.numbers(dtype + ".against");
    for (int k = 0; k < against.length; k++) {
      assertThat(signs.against().get(k)).isCloseTo(against[k], within(1e-9));
    }
    assertThat(support.unique().stream().mapToLong(n -> n).toArray())
        .isEqualTo(GOLDEN.counts(dtype + ".unique"));
  }

  /** The model are the golden tensor and the same in another type. */
  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16", "F32", "F64"})
  void theLargestElementsOfAModelAreThoseOfNumPy(DType dtype) {
    List<DType> dtypes = List.of(dtype, DType.F16);
    Top top = new Top(TOP, true);
    List<TensorComparison> found = new ArrayList<>();
    for (DType each : dtypes) {
      found.add(
          InMemory.scan(
              new CompareScan(true, top, 100),
              goldenSpecs(each),
              3,
              new Random(1),
              goldenData(each)));
    }
    List<TensorComparison.Cut> cuts = ModelThresholds.cuts(found, top);
    List<LowerBitsScan.LowerBits> lower = new ArrayList<>();
    for (DType each : dtypes) {
      lower.add(InMemory.scan(new LowerBitsScan(cuts), goldenSpecs(each), goldenData(each)));
    }
    List<Float> thresholds = ModelThresholds.thresholds(cuts, lower);
    List<Support> supports = new ArrayList<>();
    for (DType each : dtypes) {
      supports.add(
          InMemory.scan(
              new SupportScan(Map.of("w", thresholds)), goldenSpecs(each), goldenData(each)));
    }
    Support model = supports.get(0).plus(supports.get(1));

    double[] expected = GOLDEN.numbers(dtype + ".model.thresholds");
    for (int k = 0; k < expected.length; k++) {
      assertThat((double) thresholds.get(k)).isEqualTo(expected[k]);
    }
    assertThat(longs(supports.get(0).sizes()))
        .isEqualTo(GOLDEN.counts(dtype + ".model.tensor_sizes"));
    assertThat(longs(model.sizes())).isEqualTo(GOLDEN.counts(dtype + ".model.sizes"));
    assertThat(longs(model.shared())).isEqualTo(GOLDEN.counts(dtype + ".model.shared"));
    assertThat(longs(model.unique())).isEqualTo(GOLDEN.counts(dtype + ".model.unique"));
    assertThat(found).allSatisfy(f -> assertThat(f.cuts()).isEmpty());
  }

  private static long[] longs(List<Long> xs) {
    return xs.stream().mapToLong(n -> n).toArray();
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F32"})
  void tasksDoNotShow(DType dtype) {
    SplittableRandom random = new SplittableRandom(6);
    List<TensorSpec> tensors = specs(dtype, 3, 40, 40);
    byte[][] data = new byte[3][];
    for (int k = 0; k < 3; k++) {
      data[k] = any(dtype, random, 1600, k == 2);
    }
    CompareScan scan = new CompareScan(true, new Top(0.1, false), 100);
    TensorComparison alone = InMemory.scan(scan, tensors, data);

    assertThat(InMemory.scan(scan, tensors, 2, new Random(1), data)).isEqualTo(alone);
    assertThat(InMemory.scan(scan, tensors, 9, new Random(2), data)).isEqualTo(alone);
    CompareScan all = new CompareScan(false, Top.NONE, 100);
    assertThat(InMemory.scan(all, tensors, 5, new Random(3), data))
        .isEqualTo(InMemory.scan(all, tensors, data));
  }

  /** Weights, or bits of any kind. */
  private static byte[] any(DType dtype, SplittableRandom random, int n, boolean bits) {
    byte[] bytes = new byte[n * dtype.bytes()];
    if (bits) {
      random.nextBytes(bytes);
      return bytes;
    }
    return Stored.of(dtype, random.doubles(n, -0.05, 0.05).toArray()).bytes();
  }

  @Test
  void withoutABaseAllAreComparedWithAll() {
    DType dtype = DType.BF16;
    TensorComparison found =
        InMemory.scan(new CompareScan(false, Top.NONE), goldenSpecs(dtype), goldenData(dtype));

    assertThat(found.pairs())
        .extracting(p -> p.first() + "-" + p.second())
        .containsExactly("0-1", "0-2", "0-3", "1-2", "1-3", "2-3");
    assertThat(found.tasks()).isEmpty();
    assertThat(found.signs()).isEmpty();
    assertThat(found.pairs().get(0).distance())
        .isCloseTo(GOLDEN.number("BF16.1.distance"), within(1e-12));
    assertThat(found.kurtosis()).hasSize(MODELS);
    for (int k = 1; k < MODELS; k++) {
      assertThat(found.kurtosis().get(k))
          .isCloseTo(GOLDEN.number("BF16." + k + ".kurtosis"), within(1e-6));
    }
  }

  @Test
  void equalTensorsDifferInNothing() {
    byte[] bits = any(DType.BF16, new SplittableRandom(1), 64, true);
    Pair pair =
        InMemory.scan(
                new CompareScan(true, Top.NONE), specs(DType.BF16, 2, 8, 8), bits, bits.clone())
            .pairs()
            .get(0);

    assertThat(pair.changedBits()).isZero();
    assertThat(pair.changedValues()).isZero();
    assertThat(pair.distance()).isZero();
    assertThat(pair.maxMagnitude()).isZero();
    assertThat(pair.rotation()).isZero();
    assertThat(pair.redundancy()).isEqualTo(new Redundancy(64, 0, 0, Double.NaN));
  }

  @Test
  void nansAndInfinitiesChangeAndAreCountedApart() {
    double nan = Double.NaN;
    double inf = Double.POSITIVE_INFINITY;
    byte[] a = Stored.of(DType.F32, 1, nan, inf, inf, 2, -0.0).bytes();
    byte[] b = Stored.of(DType.F32, nan, nan, inf, -inf, 3, 0).bytes();
    Pair pair =
        InMemory.scan(new CompareScan(true, Top.NONE), specs(DType.F32, 2, 6), a, b).pairs().get(0);

    assertThat(pair.changedBits()).isEqualTo(4);
    assertThat(pair.changedValues()).isEqualTo(3);
    assertThat(pair.nonFinite()).isEqualTo(2);
    assertThat(pair.distance()).isEqualTo(1);
    assertThat(pair.firstSquares()).isEqualTo(5);
  }

  @Test
  void dtypesMayDiffer() {
    List<TensorSpec> tensors =
        List.of(
            new TensorSpec("w", DType.F64, Shape.of(2)),
            new TensorSpec("w", DType.BF16, Shape.of(2)));
    Pair pair =
        InMemory.scan(
                new CompareScan(true, Top.NONE),
                tensors,
                Stored.of(DType.F64, 1 + 0x1p-40, 2).bytes(),
                Stored.of(DType.BF16, 1, 2).bytes())
            .pairs()
            .get(0);

    assertThat(pair.changedBits()).isEqualTo(-1);
    assertThat(pair.changedValues()).isEqualTo(1);
    assertThat(pair.distance()).isEqualTo(0x1p-40);
  }

  /**
   * 1 − cos of an angle of 1e-9 is 5e-19, which a difference of 1 and a cosine has no digits of.
   */
  @Test
  void aTinyRotationIsNotCancelled() {
    byte[] a = Stored.of(DType.F32, 1, 0).bytes();
    byte[] b = Stored.of(DType.F32, 1, 1e-9).bytes();
    Pair pair =
        InMemory.scan(new CompareScan(true, Top.NONE), specs(DType.F32, 2, 2), a, b).pairs().get(0);

    assertThat(pair.rotation()).isCloseTo(5e-19, within(1e-21));
  }

  @Test
  void whatCannotBeComparedHasAReason() {
    TensorSpec w = new TensorSpec("w", DType.BF16, Shape.of(2, 2));
    TensorSpec wide = new TensorSpec("x", DType.BF16, Shape.of(2, 3));
    TensorSpec narrow = new TensorSpec("x", DType.BF16, Shape.of(2, 2));
    TensorSpec ids = new TensorSpec("ids", DType.I64, Shape.of(2));
    Alignment found =
        Alignment.of(
            List.of(
                Map.of("w", w, "x", wide, "ids", ids),
                Map.of("w", w, "x", narrow),
                Map.of("w", w, "x", wide, "y", narrow)),
            List.of("base", "a", "b"),
            true);

    assertThat(found.groups())
        .containsExactly(
            new Alignment.Group("w", List.of(0, 1, 2)), new Alignment.Group("x", List.of(0, 2)));
    assertThat(found.unmatched())
        .contains(
            new Alignment.Unmatched("ids", 0, "I64 is not computed on"),
            new Alignment.Unmatched("ids", 1, "not in a"),
            new Alignment.Unmatched("x", 1, "shape [2, 2], base has [2, 3]"),
            new Alignment.Unmatched("y", 0, "not in base"),
            new Alignment.Unmatched("y", 2, "no other model has it to compare with"));
  }

  @Test
  void layersAndModelsAreSumsOfTensors() {
    List<CompareReport.Compared> compared = new ArrayList<>();
    DType dtype = DType.BF16;
    for (String name :
        List.of("model.layers.0.a.weight", "model.layers.0.b.weight", "lm_head.weight")) {
      TensorComparison found =
          InMemory.scan(new CompareScan(true, Top.NONE), goldenSpecs(dtype), goldenData(dtype));
      compared.add(
          new CompareReport.Compared(new Alignment.Group(name, List.of(0, 1, 2, 3)), found, null));
    }
    CompareReport report =
        new CompareReport(List.of("base", "x", "y", "z"), true, compared, List.of());

    assertThat(report.pairs()).hasSize(9);
    assertThat(report.totals()).hasSize(3);
    CompareReport.ModelRow total = report.totals().get(0);
    assertThat(total.tensors()).isEqualTo(3);
    assertThat(total.total().distance())
        .isCloseTo(Math.sqrt(3) * GOLDEN.number("BF16.1.distance"), within(1e-12));
    assertThat(report.tasks())
        .extracting(r -> r.scope() + " " + r.name())
        .containsSubsequence("TENSOR lm_head.weight", "LAYER model.layers.0", "MODEL *");
    assertThat(report.tasks().get(report.tasks().size() - 1).pair().both())
        .isEqualTo(3 * report.tasks().get(2).pair().both());
    assertThat(report.signs()).hasSize(5);
    assertThat(report.signs().get(3).signs().shared())
        .isEqualTo(2 * GOLDEN.counts("BF16.signs")[0]);
    CompareTables.TENSORS.of(report.pairs());
    CompareTables.TASKS.of(report.tasks());
    CompareTables.SIGNS.of(report.signs());
    CompareTables.MODELS.of(report.totals());
  }
}
