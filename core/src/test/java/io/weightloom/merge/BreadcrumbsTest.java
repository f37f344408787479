package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Values worked out in fp64 from rezazzr/breadcrumbs f89fc66 and from mergekit a6e4028. */
class BreadcrumbsTest {
  private static final double[] TEN = {8, -7, 6, -5, 4, -3, 2, -1, .5, .25};
  private static final double[] TWO_ROWS = {8, -7, 6, -5, 4, .5, .25, -1, 2, -3};

  private static MergeInMemory breadcrumbs(DType dtype, double density, double gamma) {
    return MergeInMemory.of("breadcrumbs").dtype(dtype).set("density", density).set("gamma", gamma);
  }

  static List<Arguments> overTheTensor() {
    return List.of(
        Arguments.of(.4, .2, TWO_ROWS, new double[] {0, 0, 6, -5, 4, 0, 0, 0, 0, -3}),
        Arguments.of(.6, .1, TEN, new double[] {0, -7, 6, -5, 4, -3, 2, 0, 0, 0}),
        Arguments.of(.9, .2, TEN, new double[] {0, -7, 6, -5, 4, -3, 2, -1, .5, .25}),
        Arguments.of(.6, .05, TEN, new double[] {8, -7, 6, -5, 4, -3, 0, 0, 0, 0}),
        Arguments.of(.05, .1, TEN, new double[10]),
        Arguments.of(1.0, .5, TEN, TEN));
  }

  @ParameterizedTest
  @MethodSource("overTheTensor")
  void keepsTheMiddleOfTheTensor(double density, double gamma, double[] delta, double[] kept) {
    for (DType dtype : List.of(DType.F64, DType.F32, DType.F16, DType.BF16)) {
      assertThat(breadcrumbs(dtype, density, gamma).taskVectors(delta).run().values())
          .isEqualTo(kept);
    }
  }

  @Test
  void mergekitsNumericsLoseATensorOfWhichGammaDropsNothing() {
    double[] merged =
        breadcrumbs(DType.F32, .6, .05).mergekit(DType.F32).taskVectors(TEN).run().values();

    assertThat(merged).containsOnly(0);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "BF16"})
  void referenceLooksAtEachRow(DType dtype) {
    MergeInMemory.Result merged =
        breadcrumbs(dtype, .4, .2)
            .variant("reference")
            .set("lambda", 1.0)
            .shape("t0", 2, 5)
            .taskVectors(TWO_ROWS)
            .run();

    assertThat(merged.values()).containsExactly(0, -7, 6, 0, 0, 0, 0, -1, 2, 0);
    assertThat(merged.kept().get(0)).containsExactly(4);
    assertThat(merged.reads()).isEqualTo(1);
  }

  @Test
  void theDensityMayComeFirst() {
    double[] merged =
        breadcrumbs(DType.F64, .4, .2)
            .set("over", "row_density_first")
            .shape("t0", 2, 5)
            .taskVectors(TWO_ROWS)
            .run()
            .values();

    assertThat(merged).containsExactly(0, -7, 0, 0, 0, 0, 0, 0, 2, 0);
  }

  /** Held against a stable sort; few magnitudes, so that both bounds fall among equals. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3, 50, 100_000})
  void countsAreExactAndOfEqualsTheFirstAreTheLargest(int magnitudes) {
    int n = 4099;
    Random random = new Random(magnitudes);
    double[] delta = new double[n];
    Arrays.setAll(delta, i -> (random.nextInt(2 * magnitudes) - magnitudes + .5) / 128);
    for (double density : new double[] {.1, .5, .9}) {
      for (double gamma : new double[] {0, .01, .3}) {
        MergeInMemory.Result merged =
            breadcrumbs(DType.F32, density, gamma).block(2048).taskVectors(delta).run();

        assertThat(merged.values())
            .as("%s %s", density, gamma)
            .isEqualTo(middle(delta, density, gamma));
      }
    }
  }

  private static double[] middle(double[] delta, double density, double gamma) {
    int n = delta.length;
    int kept = (int) (density * n);
    int outliers = Math.min((int) (gamma * n), n - kept);
    double[] middle = new double[n];
    IntStream.range(0, n)
        .boxed()
        .sorted((a, b) -> Double.compare(Math.abs(delta[b]), Math.abs(delta[a])))
        .skip(outliers)
        .limit(kept)
        .forEach(i -> middle[i] = (float) delta[i]);
    return middle;
  }

  /** Rows of 3001 lie across blocks and spans. */
  @Test
  void rowsMayLieAcrossSpans() {
    int row = 3001;
    int n = row * 701;
    Random random = new Random(5);
    double[] delta = new double[n];
    Arrays.setAll(delta, i -> (float) random.nextGaussian());

    double[] merged =
        breadcrumbs(DType.F32, .25, .125)
            .set("over", "row")
            .shape("t0", n / row, row)
            .grains(1)
            .block(4096)
            .shuffled(3)
            .taskVectors(delta)
            .run()
            .values();

    for (int from = 0; from < n; from += row) {
      double[] expected = new double[row];
      double[] one = Arrays.copyOfRange(delta, from, from + row);
      IntStream.range(0, row)
          .boxed()
          .sorted((a, b) -> Double.compare(Math.abs(one[b]), Math.abs(one[a])))
          .skip((int) (.125 * row))
          .limit((int) (.25 * row))
          .forEach(i -> expected[i] = one[i]);
      assertThat(Arrays.copyOfRange(merged, from, from + row)).isEqualTo(expected);
    }
  }

  @Test
  void electsSignsAsTiesDoes() {
    double[] merged =
        MergeInMemory.of("breadcrumbs_ties")
            .set("normalize", true)
            .taskVectors(new double[] {2, -1, 3}, new double[] {4, 2, -1})
            .run()
            .values();

    assertThat(merged).containsExactly(3, 2, 3);
  }
}
