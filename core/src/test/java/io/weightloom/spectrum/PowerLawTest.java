package io.weightloom.spectrum;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.spectrum.PowerLaw.Estimator;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PowerLawTest {
  private static final Offset<Double> WITHIN = Offset.offset(1e-9);

  private static double[] sample(int count, double alpha, long seed) {
    return new SplittableRandom(seed)
        .doubles(count)
        .map(u -> Math.pow(1 - u, -1 / (alpha - 1)))
        .sorted()
        .toArray();
  }

  /** Every tail by its definition, with powers instead of logarithms. */
  private static double[] byDefinition(double[] x) {
    return byDefinition(x, 0, Double.POSITIVE_INFINITY);
  }

  private static double[] byDefinition(double[] x, double low, double high) {
    double[] best = {0, 0, 2};
    for (int i = 0; i + 1 < x.length; i++) {
      if (x[i] < low || x[i] > high) {
        continue;
      }
      int n = x.length - i;
      double sum = 0;
      for (int j = i; j < x.length; j++) {
        sum += Math.log(x[j] / x[i]);
      }
      double alpha = 1 + n / sum;
      double distance = 0;
      for (int j = 0; j < n; j++) {
        double fitted = 1 - Math.pow(x[i + j] / x[i], 1 - alpha);
        distance = Math.max(distance, Math.abs(fitted - (double) j / n));
      }
      if (distance < best[2]) {
        best = new double[] {alpha, x[i], distance};
      }
    }
    return best;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void isTheTailOfLeastDistanceByDefinition(long seed) {
    double[] x = sample((int) (5 + 40 * seed), 1.5 + seed / 2.0, seed);
    double[] expected = byDefinition(x);

    PowerLaw found = PowerLaw.fit(x).orElseThrow();

    assertThat(found.alpha()).isCloseTo(expected[0], WITHIN);
    assertThat(found.xmin()).isEqualTo(expected[1]);
    assertThat(found.distance()).isCloseTo(expected[2], WITHIN);
    assertThat(found.xmax()).isEqualTo(x[x.length - 1]);
    assertThat(found.sigma()).isCloseTo((found.alpha() - 1) / Math.sqrt(found.tail()), WITHIN);
  }

  @Test
  void findsTheExponentOfASample() {
    PowerLaw found = PowerLaw.fit(sample(20_000, 3.5, 9)).orElseThrow();

    assertThat(found.alpha()).isCloseTo(3.5, Offset.offset(4 * found.sigma()));
    assertThat(found.distance()).isLessThan(0.02);
  }

  @Test
  void scaleChangesWhereTheTailBeginsAndNothingElse() {
    double[] x = sample(300, 2.5, 10);
    PowerLaw found = PowerLaw.fit(x).orElseThrow();
    PowerLaw scaled = PowerLaw.fit(Arrays.stream(x).map(v -> v * 0x1p-40).toArray()).orElseThrow();

    assertThat(scaled.alpha()).isCloseTo(found.alpha(), Offset.offset(1e-7));
    assertThat(scaled.xmin()).isEqualTo(found.xmin() * 0x1p-40);
  }

  @Test
  void tooFewOrEqualValuesHaveNone() {
    assertThat(PowerLaw.fit(new double[0])).isEmpty();
    assertThat(PowerLaw.fit(new double[] {2})).isEmpty();
    assertThat(PowerLaw.fit(new double[] {2, 2, 2})).isEmpty();
    assertThat(PowerLaw.fitWithoutFingers(new double[] {2, 2, 2}, Estimator.LIKELIHOOD)).isEmpty();
  }

  @Test
  void equalValuesOnTopAreNoTail() {
    PowerLaw found = PowerLaw.fit(new double[] {1, 1.5, 2, 3, 3}).orElseThrow();

    assertThat(found.alpha()).isFinite();
    assertThat(found.xmin()).isLessThan(3);
  }

  @Test
  void fingersAreClippedWhereTheyHideTheTail() {
    double[] bulk = sample(400, 2.5, 11);
    double top = bulk[bulk.length - 1];
    double[] x = Arrays.copyOf(bulk, bulk.length + 3);
    // Values that pile up on top make a steep tail of themselves.
    for (int i = 0; i < 3; i++) {
      x[bulk.length + i] = top * (1000 + i);
    }
    PowerLaw whole = PowerLaw.fit(x).orElseThrow();
    PowerLaw clipped = PowerLaw.fitWithoutFingers(x, Estimator.LIKELIHOOD).orElseThrow();

    assertThat(whole.clipped()).isZero();
    assertThat(clipped.rawAlpha()).isEqualTo(whole.alpha());
    if (clipped.clipped() == 0) {
      assertThat(clipped).isEqualTo(whole);
    } else {
      assertThat(clipped.alpha()).isLessThan(whole.alpha() - PowerLaw.FINGER_THRESHOLD);
      assertThat(clipped.xmax()).isEqualTo(x[x.length - 2 - clipped.clipped()]);
    }
  }

  /** From 1 to 10¹⁰ a bin is a tenth of a power of ten; the fullest one begins at 10^0.5. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void aTailMayHaveToBeginNearThePeak(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[] x =
        DoubleStream.concat(
                DoubleStream.concat(DoubleStream.of(0, 10), random.doubles(200, 0.1, 9.9)),
                random.doubles(60, 0.505, 0.595))
            .map(e -> Math.pow(10, e))
            .sorted()
            .toArray();
    double peak = Math.pow(10, 0.5);
    double[] expected = byDefinition(x, 0.95 * peak, 1.5 * peak);

    PowerLaw found = PowerLaw.fitFromPeak(x, Estimator.LIKELIHOOD).orElseThrow();

    assertThat(found.xmin()).isEqualTo(expected[1]).isBetween(0.95 * peak, 1.5 * peak);
    assertThat(found.alpha()).isCloseTo(expected[0], WITHIN);
    assertThat(found.distance()).isCloseTo(expected[2], WITHIN);
    assertThat(PowerLaw.fitFromPeak(new double[] {2}, Estimator.LIKELIHOOD)).isEmpty();
    assertThat(PowerLaw.fitFromPeak(new double[] {2, 2}, Estimator.LIKELIHOOD)).isEmpty();
  }

  @Test
  void warnsAsWeightWatcherDoes() {
    assertThat(of(1.9).warning()).isEqualTo("over-trained");
    assertThat(of(2).warning()).isEmpty();
    assertThat(of(6).warning()).isEmpty();
    assertThat(of(6.1).warning()).isEqualTo("under-trained");
  }

  private static PowerLaw of(double alpha) {
    return new PowerLaw(alpha, 1, 2, 0.1, 0.1, 10, 0, alpha);
  }
}
