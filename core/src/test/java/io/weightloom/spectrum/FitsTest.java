package io.weightloom.spectrum;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.linalg.Matrix;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranks, bulks, volumes and thresholds of spectra that are known. */
class FitsTest {
  private static final Offset<Double> WITHIN = Offset.offset(1e-12);
  private static final DenseLinAlg LINALG = LinAlgRegistry.reference();

  private static Spectrum spectrum(int rows, int columns, double... elements) {
    double[] values = new Eigenvalues(LINALG).ofSlice(new Matrix(rows, columns, elements));
    return Spectrum.pooled(
        Math.max(rows, columns), Math.min(rows, columns), new double[][] {values}, 1, 1e-12);
  }

  @Test
  void equalEigenvaluesUseEveryDirection() {
    Spectrum s = Spectrum.of(8, 4, 2, 2, 2, 2);
    Ranks ranks = Ranks.of(s);

    assertThat(s.stableRank()).isEqualTo(4);
    assertThat(ranks.effectiveSigma()).isCloseTo(4, WITHIN);
    assertThat(ranks.effectiveLambda()).isCloseTo(4, WITHIN);
    assertThat(ranks.energy90()).isEqualTo(4);
    assertThat(ranks.nuclearNorm()).isCloseTo(4 * Math.sqrt(2), WITHIN);
    assertThat(ranks.condition()).isEqualTo(1);
    assertThat(s.entropy(4)).isCloseTo(1, Offset.offset(1e-8));
  }

  @Test
  void ranksOfAKnownSpectrumAreThoseOfTheirDefinitions() {
    Ranks ranks = Ranks.of(Spectrum.of(9, 4, 0, 1, 9, 90));

    assertThat(ranks.energy90()).isEqualTo(1);
    assertThat(ranks.energy99()).isEqualTo(2);
    assertThat(ranks.nuclearNorm()).isCloseTo(1 + 3 + Math.sqrt(90), WITHIN);
    assertThat(ranks.condition()).isInfinite();
    double entropy = 0;
    for (double p : new double[] {.01, .09, .9}) {
      entropy -= p * Math.log(p);
    }
    assertThat(ranks.effectiveLambda()).isCloseTo(Math.exp(entropy), WITHIN);
  }

  @Test
  void theLawHasMassOne() {
    for (double q : new double[] {1.5, 2, 8}) {
      double sum = 0;
      for (double x = 0.0005; x < 12; x += 0.001) {
        sum += 0.001 * MarchenkoPastur.density(x, q, 1.2);
      }
      assertThat(sum).as("Q = " + q).isCloseTo(1, Offset.offset(1e-3));
    }
  }

  @ParameterizedTest
  @CsvSource({"120,60", "60,240"})
  void noiseIsAllBulk(int rows, int columns) {
    Spectrum noise = spectrum(rows, columns, Matrices.gaussian(rows * columns, 0.02, 1));
    MarchenkoPastur law = MarchenkoPastur.fit(noise);

    assertThat(law.spikes()).isZero();
    assertThat(law.sigma()).isCloseTo(1, Offset.offset(0.1));
    assertThat(law.softRank()).isCloseTo(1, Offset.offset(0.15));
    double edge = 0.02 * (Math.sqrt(rows) + Math.sqrt(columns));
    assertThat(law.upper()).isCloseTo(edge * edge, Offset.offset(0.15 * edge * edge));
  }

  @Test
  void whatStandsOutOfNoiseIsASpike() {
    double[] elements = Matrices.gaussian(120 * 60, 0.02, 2);
    double[] left = Matrices.gaussian(120, 0.1, 3);
    double[] right = Matrices.gaussian(60, 0.5, 4);
    for (int i = 0; i < elements.length; i++) {
      elements[i] += left[i / 60] * right[i % 60];
    }

    MarchenkoPastur law = MarchenkoPastur.fit(spectrum(120, 60, elements));

    assertThat(law.spikes()).isEqualTo(1);
    assertThat(law.softRank()).isLessThan(0.9);
  }

  @Test
  void scaleDoesNotChangeTheLaw() {
    double[] values = spectrum(90, 40, Matrices.gaussian(3600, 1, 5)).values();
    MarchenkoPastur law = MarchenkoPastur.fit(Spectrum.of(90, 40, values));
    double[] scaled = Arrays.stream(values).map(v -> v * 0x1p-30).toArray();
    MarchenkoPastur small = MarchenkoPastur.fit(Spectrum.of(90, 40, scaled));

    assertThat(small.sigma()).isCloseTo(law.sigma(), Offset.offset(1e-9));
    assertThat(small.spikes()).isEqualTo(law.spikes());
    assertThat(small.upper()).isCloseTo(law.upper() * 0x1p-30, Offset.offset(1e-15));
  }

  @Test
  void volumeFallsBelowOneWhereTheProductDoes() {
    double[] values = spectrum(50, 30, Matrices.uniform(1500, 6)).values();
    double mean = Arrays.stream(values).sum() / values.length;
    int count = 0;
    double product = 1;
    while (product >= 1) {
      count++;
      product *= values[values.length - count] / mean;
    }

    DetX found = DetX.of(Spectrum.of(50, 30, values));

    assertThat(found).isEqualTo(new DetX(count, values[values.length - count]));
  }

  @Test
  void thousandsOfFactorsDoNotOverflow() {
    double[] values = new double[4000];
    Arrays.setAll(values, i -> i < 2000 ? 1e-3 : 2 - 1e-3 + i * 1e-9);

    assertThat(DetX.of(Spectrum.of(4000, 4000, values)).count()).isBetween(2001, 2300);
  }

  @Test
  void aShuffleKeepsTheElementsAndFollowsTheSeed() {
    Matrix a = new Matrix(20, 10, Matrices.uniform(200, 7));
    Matrix b = a.copy();
    Matrix c = a.copy();
    Matrix d = a.copy();
    Randomized.shuffle(b, 1);
    Randomized.shuffle(c, 1);
    Randomized.shuffle(d, 2);

    assertThat(b.values()).isEqualTo(c.values()).isNotEqualTo(a.values());
    assertThat(d.values()).isNotEqualTo(b.values()).containsExactlyInAnyOrder(a.values());
  }

  @Test
  void distanceIsNoneOfASpectrumToItselfAndAtMostThatOfDisjointOnes() {
    Spectrum a = Spectrum.of(4, 2, 0, 1);
    Spectrum same = Spectrum.of(4, 2, 0, 3);

    assertThat(Randomized.of(a, same).distance()).isZero();
    Spectrum even = Spectrum.of(4, 2, 0.5, 0.5);
    double expected = Math.sqrt((Math.log(4.0 / 3) + (Math.log(2) + Math.log(2.0 / 3)) / 2) / 2);
    assertThat(Randomized.of(a, even).distance()).isCloseTo(expected, WITHIN);
  }

  @Test
  void weloreCountsWhatFallsBelow() {
    double[] sigmas = {1, 2, 3, 4, 5};

    assertThat(WeLore.reduction(sigmas, 0.5)).isEqualTo(0.4);
    assertThat(WeLore.reduction(sigmas, 0)).isZero();
    assertThat(WeLore.reduction(sigmas, 1.1)).isEqualTo(1);
    assertThat(WeLore.reduction(new double[] {2, 2}, 0.1)).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.1, 0.25, 0.5, 0.77, 1})
  void weloreFindsTheLeastThresholdOfAReduction(double wanted) {
    List<double[]> sigmas =
        List.of(Matrices.uniform(40, 8), Matrices.uniform(25, 9), Matrices.gaussian(60, 1, 10));

    double threshold = WeLore.threshold(sigmas, wanted);

    assertThat(mean(sigmas, threshold)).isGreaterThanOrEqualTo(wanted - 1e-9);
    if (threshold > 0) {
      assertThat(mean(sigmas, Math.nextDown(threshold))).isLessThan(wanted);
    }
  }

  private static double mean(List<double[]> sigmas, double threshold) {
    return sigmas.stream().mapToDouble(s -> WeLore.reduction(s, threshold)).average().orElseThrow();
  }

  @ParameterizedTest
  @CsvSource({"1,1", "30,50", "80,20", "100,100"})
  void largestEigenvalueAloneIsTheLargestOfAll(int rows, int columns) {
    Matrix a = new Matrix(rows, columns, Matrices.gaussian(rows * columns, 1, 11));
    double expected = LINALG.singularValues(a)[0];

    double found =
        Lanczos.largest(
            LINALG,
            (x, y) -> {
              Matrix column = new Matrix(columns, 1, x);
              Matrix image = LINALG.multiply(a, Op.AS_IS, column, Op.AS_IS);
              LINALG.multiply(1, a, Op.TRANSPOSED, image, Op.AS_IS, 0, new Matrix(columns, 1, y));
            },
            columns,
            1e-7);

    assertThat(Math.sqrt(found)).isCloseTo(expected, Offset.offset(1e-9 * expected));
  }
}
