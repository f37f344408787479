package io.weightloom.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.weightloom.analysis.Goldens;
import io.weightloom.analysis.InMemory;
import io.weightloom.merge.Stored;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The golden values are those of dev/golden/statistics.py. */
class TensorScanTest {
  private static final Goldens GOLDEN = Goldens.of("stats");

  private static TensorSpec spec(DType dtype, long... shape) {
    return new TensorSpec("w", dtype, Shape.of(shape));
  }

  /** All reads that the type needs. */
  static TensorStats read(TensorSpec tensor, byte[] data, int blockElements, int tasks) {
    List<TensorSpec> tensors = List.of(tensor);
    Random random = new Random(blockElements + tasks);
    Reading reading = InMemory.scan(new TensorScan(blockElements), tensors, tasks, random, data);
    while (reading.isPending()) {
      RefiningScan refining = new RefiningScan(Map.of(tensor.name(), reading), blockElements);
      reading = InMemory.scan(refining, tensors, tasks, random, data);
    }
    return reading.stats();
  }

  private static TensorStats golden(DType dtype) {
    TensorSpec tensor = spec(dtype, GOLDEN.count("rows"), GOLDEN.count("columns"));
    return read(tensor, GOLDEN.bytes(dtype + ".bytes"), TensorScan.BLOCK_ELEMENTS, 1);
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16", "F32", "F64"})
  void countsAreThoseOfNumPy(DType dtype) {
    TensorStats stats = golden(dtype);
    TensorStats.Counts counts = stats.counts();

    assertThat(counts.elements()).isEqualTo(GOLDEN.count(dtype + ".elements"));
    assertThat(counts.positive()).isEqualTo(GOLDEN.count(dtype + ".positive"));
    assertThat(counts.negative()).isEqualTo(GOLDEN.count(dtype + ".negative"));
    assertThat(counts.positiveZeros()).isEqualTo(GOLDEN.count(dtype + ".positive_zeros"));
    assertThat(counts.negativeZeros()).isEqualTo(GOLDEN.count(dtype + ".negative_zeros"));
    assertThat(counts.denormals()).isEqualTo(GOLDEN.count(dtype + ".denormals"));
    assertThat(counts.nans()).isEqualTo(GOLDEN.count(dtype + ".nans"));
    assertThat(counts.positiveInfinities()).isEqualTo(GOLDEN.count(dtype + ".positive_infinities"));
    assertThat(counts.negativeInfinities()).isEqualTo(GOLDEN.count(dtype + ".negative_infinities"));
    assertThat(stats.argMin()).isEqualTo(GOLDEN.count(dtype + ".argmin"));
    assertThat(stats.argMax()).isEqualTo(GOLDEN.count(dtype + ".argmax"));
    assertThat(stats.min()).isEqualTo(GOLDEN.number(dtype + ".min"));
    assertThat(stats.max()).isEqualTo(GOLDEN.number(dtype + ".max"));
    assertThat(longs(stats.outliers())).isEqualTo(GOLDEN.counts(dtype + ".outliers"));
    assertThat(longs(stats.nearZeros())).isEqualTo(GOLDEN.counts(dtype + ".near_zeros"));
    assertThat(longs(stats.zeroGroups().get(0))).isEqualTo(GOLDEN.counts(dtype + ".zeros_in_4"));
    assertThat(longs(stats.zeroGroups().get(1))).isEqualTo(GOLDEN.counts(dtype + ".zeros_in_8"));
    for (TensorStats.Fit fit : stats.fits()) {
      assertThat(new long[] {fit.exact(), fit.overflows(), fit.underflows()})
          .as("%s into %s", dtype, fit.format().dtype())
          .isEqualTo(GOLDEN.counts(dtype + ".fit." + fit.format().dtype()));
    }
  }

  @ParameterizedTest
  @CsvSource({"BF16, 1e-13", "F16, 1e-13", "F32, 1e-11", "F64, 1e-11"})
  void momentsAndNormsAreThoseOfNumPy(DType dtype, double tolerance) {
    TensorStats stats = golden(dtype);
    Moments moments = stats.moments();
    Percentage close = Percentage.withPercentage(100 * tolerance);

    assertThat(moments.mean()).isCloseTo(GOLDEN.number(dtype + ".mean"), close);
    assertThat(moments.variance()).isCloseTo(GOLDEN.number(dtype + ".variance"), close);
    assertThat(moments.sampleVariance())
        .isCloseTo(GOLDEN.number(dtype + ".variance_sample"), close);
    assertThat(moments.skewness()).isCloseTo(GOLDEN.number(dtype + ".skewness"), close);
    assertThat(moments.sampleSkewness())
        .isCloseTo(GOLDEN.number(dtype + ".skewness_sample"), close);
    assertThat(moments.kurtosis()).isCloseTo(GOLDEN.number(dtype + ".kurtosis"), close);
    assertThat(moments.sampleKurtosis())
        .isCloseTo(GOLDEN.number(dtype + ".kurtosis_sample"), close);
    assertThat(stats.l1()).isCloseTo(GOLDEN.number(dtype + ".l1"), close);
    assertThat(stats.squares()).isCloseTo(GOLDEN.number(dtype + ".squares"), close);
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16", "F32", "F64"})
  void quantilesAndEntropiesAreThoseOfNumPy(DType dtype) {
    TensorStats stats = golden(dtype);

    // NumPy sorts −0 and +0 in any order.
    assertClose(doubles(stats.quantiles()), GOLDEN.numbers(dtype + ".quantiles"), 0);
    assertThat(doubles(stats.magnitudeQuantiles()))
        .isEqualTo(GOLDEN.numbers(dtype + ".magnitudes"));
    double[] entropy = {
      stats.entropy().code(), stats.entropy().exponent(), stats.entropy().mantissa()
    };
    assertClose(entropy, GOLDEN.numbers(dtype + ".entropy"), 1e-12);
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16", "F32", "F64"})
  void rowsAndColumnsAreThoseOfNumPy(DType dtype) {
    TensorStats stats = golden(dtype);
    double[] norms = GOLDEN.numbers(dtype + ".row_norms");
    double[] sorted = norms.clone();
    Arrays.sort(sorted);
    double[] maxima = GOLDEN.numbers(dtype + ".column_maxima");
    Arrays.sort(maxima);
    Percentage close = Percentage.withPercentage(1e-11);

    assertThat(stats.rows().count()).isEqualTo(norms.length);
    assertThat(stats.rows().zeros()).isEqualTo(GOLDEN.count(dtype + ".zero_rows"));
    assertThat(stats.rows().weakest().get(0)).isEqualTo(5);
    assertThat(stats.rows().median()).isCloseTo(sorted[(sorted.length - 1) / 2], close);
    assertThat(stats.rows().max()).isCloseTo(sorted[sorted.length - 1], close);
    Percentage asFloats = Percentage.withPercentage(1e-5);
    assertThat(stats.columns().zeros())
        .isEqualTo(Arrays.stream(maxima).filter(x -> x == 0).count());
    assertThat(stats.columns().median()).isCloseTo(maxima[(maxima.length - 1) / 2], asFloats);
    assertThat(stats.columns().max()).isCloseTo(maxima[maxima.length - 1], asFloats);
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16", "F32", "F64"})
  void tasksDoNotShow(DType dtype) {
    SplittableRandom random = new SplittableRandom(dtype.bits());
    TensorSpec tensor = spec(dtype, 61, 52);
    for (Stored stored :
        List.of(Blocks.weights(dtype, random, 61 * 52), Blocks.bits(dtype, random, 61 * 52))) {
      // Blocks of two rows, and blocks that cut rows.
      for (int blockElements : new int[] {104, 16}) {
        TensorStats alone = read(tensor, stored.bytes(), blockElements, 1);

        assertThat(read(tensor, stored.bytes(), blockElements, 2)).isEqualTo(alone);
        assertThat(read(tensor, stored.bytes(), blockElements, 7)).isEqualTo(alone);
      }
    }
  }

  /** But for row norms, whose last bits show where rows are cut. */
  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void nothingOfSixteenBitsShowsHowTheTensorWasCut(DType dtype) {
    SplittableRandom random = new SplittableRandom(3);
    TensorSpec tensor = spec(dtype, 61, 52);
    for (Stored stored :
        List.of(Blocks.weights(dtype, random, 61 * 52), Blocks.bits(dtype, random, 61 * 52))) {
      TensorStats whole = read(tensor, stored.bytes(), 61 * 52, 1);

      assertThat(read(tensor, stored.bytes(), 52, 3)).isEqualTo(whole);
      assertThat(read(tensor, stored.bytes(), 500, 2)).isEqualTo(whole);
      TensorStats cut = read(tensor, stored.bytes(), 16, 5);
      assertThat(cut).usingRecursiveComparison().ignoringFields("rows").isEqualTo(whole);
      assertThat(cut.rows().median())
          .isCloseTo(whole.rows().median(), within(1e-12 * whole.rows().median()));
    }
  }

  @Test
  void groupsOfZerosEndWithTheRow() {
    double[] values = new double[3 * 10];
    Arrays.setAll(values, i -> i % 10 < 8 && i % 4 < 2 ? 0 : 1);
    Stored stored = Stored.of(DType.BF16, values);

    for (int blockElements : new int[] {30, 10, 8}) {
      TensorStats stats = read(spec(DType.BF16, 3, 10), stored.bytes(), blockElements, 1);
      long[] expected = new long[5];
      for (int row = 0; row < 3; row++) {
        for (int group = 0; group < 2; group++) {
          int zeros = 0;
          for (int i = 0; i < 4; i++) {
            zeros += values[row * 10 + group * 4 + i] == 0 ? 1 : 0;
          }
          expected[zeros]++;
        }
      }
      assertThat(longs(stats.zeroGroups().get(0))).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F8_E4M3, 16",
    "F8_E4M3, 10",
    "F8_E4M3FNUZ, 12",
    "BF16, 16",
    "BF16, 11",
    "F16, 20",
    "F32, 16",
    "F32, 9",
    "F64, 8",
    "F64, 13"
  })
  void groupsAreCountedByTheirZeros(DType dtype, int columns) {
    int rows = 7;
    int width = dtype.bytes();
    byte[] data = new byte[rows * columns * width];
    boolean[] isZero = new boolean[rows * columns];
    Random random = new Random(columns);
    for (int i = 0; i < isZero.length; i++) {
      isZero[i] = random.nextInt(3) > 0;
      // The least value of either sign, or a zero of either; FNUZ has but one.
      data[i * width] = (byte) (isZero[i] ? 0 : 1);
      boolean negative = random.nextBoolean() && dtype != DType.F8_E4M3FNUZ;
      data[i * width + width - 1] |= (byte) (negative ? 0x80 : 0);
    }
    TensorStats stats = read(spec(dtype, rows, columns), data, rows * columns, 1);
    for (int m : new int[] {4, 8}) {
      long[] expected = new long[m + 1];
      for (int row = 0; row < rows; row++) {
        for (int group = 0; group < columns / m; group++) {
          int begin = row * columns + group * m;
          expected[(int) IntStream.range(begin, begin + m).filter(i -> isZero[i]).count()]++;
        }
      }
      assertThat(longs(stats.zeroGroups().get(m / 8)))
          .isEqualTo(columns < m ? new long[0] : expected);
    }
  }

  /** Floats of all exponents, of many significant bits and of few. */
  @Test
  void whatACastDoesToFloatsIsWhatItDoesToEach() {
    int n = 30_001;
    ByteBuffer data = ByteBuffer.allocate(4 * n).order(ByteOrder.LITTLE_ENDIAN);
    Random random = new Random(3);
    for (int i = 0; i < n; i++) {
      data.putInt(random.nextInt() & -1 << random.nextInt(24));
    }
    TensorStats stats = read(spec(DType.F32, n), data.array(), 4096, 2);
    for (TensorStats.Fit fit : stats.fits()) {
      FloatFormat format = fit.format();
      double[] finite =
          IntStream.range(0, n)
              .mapToDouble(i -> data.getFloat(4 * i))
              .filter(Double::isFinite)
              .toArray();
      assertThat(fit.exact()).isEqualTo(Arrays.stream(finite).filter(format::holds).count());
      assertThat(fit.overflows())
          .isEqualTo(Arrays.stream(finite).filter(format::overflows).count());
      assertThat(fit.underflows())
          .isEqualTo(Arrays.stream(finite).filter(format::underflows).count());
    }
  }

  @Test
  void aTwoToFourPatternIsSeen() {
    double[] values = new double[8 * 16];
    Arrays.setAll(values, i -> i % 4 < 2 ? 0 : 0.5);
    values[0] = 1;
    TensorStats stats = read(spec(DType.F16, 8, 16), Stored.of(DType.F16, values).bytes(), 64, 1);

    assertThat(stats.nm(2, 4)).isEqualTo(31 / 32.0);
    assertThat(stats.nm(1, 4)).isZero();
    assertThat(stats.nm(4, 8)).isEqualTo(15 / 16.0);
  }

  @Test
  void aConstantVectorHasNoSpreadAndNoRows() {
    double[] values = new double[33];
    Arrays.fill(values, 0.25);
    TensorStats stats = read(spec(DType.F32, 33), Stored.of(DType.F32, values).bytes(), 8, 3);

    assertThat(stats.moments().variance()).isZero();
    assertThat(stats.moments().kurtosis()).isNaN();
    assertThat(stats.rows().count()).isZero();
    assertThat(stats.rows().median()).isNaN();
    assertThat(stats.nm(2, 4)).isNaN();
    assertThat(stats.quantiles()).containsOnly(0.25);
  }

  @Test
  void aTensorOfNothingHasNoMoments() {
    TensorStats stats = read(spec(DType.BF16, 0, 4), new byte[0], 8, 1);

    assertThat(stats.counts().elements()).isZero();
    assertThat(stats.moments().mean()).isNaN();
    assertThat(stats.quantiles()).containsOnly(Double.NaN);
    assertThat(stats.argMin()).isEqualTo(-1);
    assertThat(stats.shape().fit().shape()).isNaN();
  }

  @Test
  void aTensorOfNansHasNoMoments() {
    byte[] data = new byte[24];
    Arrays.fill(data, (byte) 0xff);
    for (DType dtype : List.of(DType.BF16, DType.F32, DType.F64)) {
      TensorStats stats = read(spec(dtype, 24 / dtype.bytes()), data, 8, 1);

      assertThat(stats.counts().nans()).isEqualTo(24 / dtype.bytes());
      assertThat(stats.moments().mean()).isNaN();
      assertThat(stats.linf()).isNaN();
      assertThat(stats.magnitudeQuantiles()).containsOnly(Double.NaN);
    }
  }

  /** 0x7f is NaN; 0x38 is 1, 0x01 the least denormal, 0x7e 448. */
  @Test
  void eightBitFloatsAreCountedByTheirCodes() {
    byte[] data = {0x7f, (byte) 0xff, 0x38, (byte) 0xb8, 0x01, 0x7e, 0, (byte) 0x80};
    TensorStats stats = read(spec(DType.F8_E4M3, 2, 4), data, 8, 1);

    assertThat(stats.counts().nans()).isEqualTo(2);
    assertThat(stats.counts().zeros()).isEqualTo(2);
    assertThat(stats.counts().negativeZeros()).isEqualTo(1);
    assertThat(stats.counts().denormals()).isEqualTo(1);
    assertThat(stats.max()).isEqualTo(448);
    assertThat(stats.min()).isEqualTo(-1);
    assertThat(stats.argMax()).isEqualTo(5);
    assertThat(stats.moments().mean()).isEqualTo((1 - 1 + 0x1p-9 + 448) / 6);
    assertThat(stats.fits().get(2).exact()).isEqualTo(6);
  }

  @Test
  void theLogHistogramCountsEachFiniteValueOtherThanZeroOnce() {
    SplittableRandom random = new SplittableRandom(8);
    for (DType dtype : List.of(DType.BF16, DType.F32)) {
      TensorStats stats = read(spec(dtype, 999), Blocks.bits(dtype, random, 999).bytes(), 100, 2);

      assertThat(stats.logHistogram().negative().stream().mapToLong(n -> n).sum())
          .isEqualTo(stats.counts().negative());
      assertThat(stats.logHistogram().positive().stream().mapToLong(n -> n).sum())
          .isEqualTo(stats.counts().positive());
    }
    assertThat(LogHistogram.bin(1)).isEqualTo(1 + 12 * 4);
    assertThat(LogHistogram.begin(LogHistogram.bin(1))).isZero();
    assertThat(LogHistogram.bin(Math.nextDown(1.0))).isEqualTo(12 * 4);
    assertThat(LogHistogram.bin(1e-300)).isZero();
    assertThat(LogHistogram.bin(1e300)).isEqualTo(LogHistogram.BINS - 1);
  }

  @Test
  void partsOfATensorAreItsRowsColumnsAndBlocks() {
    SplittableRandom random = new SplittableRandom(4);
    Stored stored = Blocks.weights(DType.F32, random, 6 * 5);
    List<TensorSpec> tensors = List.of(spec(DType.F32, 6, 5));
    double[][] byRow = new double[6][5];
    double[][] byColumn = new double[5][6];
    for (int i = 0; i < 30; i++) {
      byRow[i / 5][i % 5] = Blocks.block(stored).at(i);
      byColumn[i % 5][i / 5] = byRow[i / 5][i % 5];
    }

    List<PartStats> rows =
        InMemory.scan(PartScan.rows(), tensors, 1, new Random(1), stored.bytes()).each();
    List<PartStats> columns = InMemory.scan(new ColumnScan(), tensors, stored.bytes()).each();
    List<PartStats> blocks =
        InMemory.scan(PartScan.blocks(10), tensors, 3, new Random(1), stored.bytes()).each();

    assertParts(rows, byRow);
    assertParts(columns, byColumn);
    assertThat(blocks).extracting(PartStats::index).containsExactly(0L, 1L, 2L);
    assertThat(blocks).extracting(PartStats::offset).containsExactly(0L, 10L, 20L);
    assertThat(blocks.get(1).l2())
        .isCloseTo(Math.hypot(rows.get(2).l2(), rows.get(3).l2()), within(1e-12));
  }

  private static void assertParts(List<PartStats> parts, double[][] values) {
    assertThat(parts).hasSize(values.length);
    for (int i = 0; i < values.length; i++) {
      PartStats part = parts.get(i);
      assertThat(part.index()).isEqualTo(i);
      assertThat(part.elements()).isEqualTo(values[i].length);
      assertThat(part.l1()).isCloseTo(Arrays.stream(values[i]).map(Math::abs).sum(), within(1e-12));
      assertThat(part.max()).isEqualTo(Arrays.stream(values[i]).max().orElseThrow());
      assertThat(part.zeros()).isEqualTo(Arrays.stream(values[i]).filter(x -> x == 0).count());
    }
  }

  @Test
  void aGeneralizedGaussianHasTheRatiosAndTheFitOfSciPy() {
    double[] shapes = GOLDEN.numbers("ggd.shapes");
    double[] ratios = GOLDEN.numbers("ggd.ratios");
    for (int i = 0; i < shapes.length; i++) {
      assertThat(GeneralizedGaussian.ratio(shapes[i])).isCloseTo(ratios[i], within(1e-13));
      GeneralizedGaussian found = GeneralizedGaussian.ofMoments(Math.sqrt(ratios[i]) * 0.7, 0.49);
      assertThat(found.shape()).isCloseTo(shapes[i], within(1e-9 * shapes[i]));
    }
    double[] points = GOLDEN.numbers("gamma.points");
    double[] logs = GOLDEN.numbers("gamma.logs");
    for (int i = 0; i < points.length; i++) {
      assertThat(GeneralizedGaussian.logGamma(points[i])).isCloseTo(logs[i], within(2e-13));
    }
    TensorStats.Shape shape =
        read(spec(DType.BF16, 4096), GOLDEN.bytes("ggd.bytes"), 1 << 16, 1).shape();
    double[] fit = {
      shape.fit().shape(), shape.fit().scale(), shape.overGaussian(), shape.overLaplace()
    };
    assertClose(fit, GOLDEN.numbers("ggd.fit"), 1e-10);
  }

  @Test
  void theRatiosOfTheGeneralizedGaussianAreTheKnownOnes() {
    assertThat(GeneralizedGaussian.ratio(0.5)).isCloseTo(0.3, within(1e-12));
    assertThat(GeneralizedGaussian.ratio(1)).isCloseTo(0.5, within(1e-12));
    assertThat(GeneralizedGaussian.ratio(2)).isCloseTo(2 / Math.PI, within(1e-12));
    assertThat(GeneralizedGaussian.ratio(3)).isCloseTo(0.68446, within(5e-6));
  }

  private static void assertClose(double[] found, double[] expected, double tolerance) {
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < found.length; i++) {
      if (Double.isNaN(expected[i])) {
        assertThat(found[i]).isNaN();
      } else {
        assertThat(found[i]).isCloseTo(expected[i], within(tolerance));
      }
    }
  }

  private static long[] longs(List<Long> xs) {
    return xs.stream().mapToLong(Long::longValue).toArray();
  }

  private static double[] doubles(List<Double> xs) {
    return xs.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
