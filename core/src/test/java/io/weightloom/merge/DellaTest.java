package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.kernel.CounterRandom;
import io.weightloom.tensor.DType;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * DELLA with the mask as input, under a seed that drops the third element alone; values worked out
 * in fp64 from declare-lab/della 8067515 and mergekit a6e4028.
 */
class DellaTest {
  private static final double[] ROW = {.5, -2, 1, -.25, 4};
  private static final double[] PROBABILITIES = {.65, .75, .70, .60, .80};

  private static long seed() {
    return LongStream.range(0, 10_000).filter(DellaTest::dropsTheThird).findFirst().orElseThrow();
  }

  private static boolean dropsTheThird(long seed) {
    long key = CounterRandom.key(seed, MergeInMemory.modelName(0), "t0");
    for (int i = 0; i < ROW.length; i++) {
      if (CounterRandom.uniform(key, i) < 1 - PROBABILITIES[i] != (i == 2)) {
        return false;
      }
    }
    return true;
  }

  private static MergeInMemory della(String method, String variant, DType dtype) {
    return MergeInMemory.of(method)
        .variant(variant)
        .dtype(dtype)
        .set("density", .7)
        .set("epsilon", .1);
  }

  @ParameterizedTest
  @CsvSource({"della, F64", "della, F32", "della_linear, F64", "della_linear, F32"})
  void referenceDividesByEachProbability(String method, DType dtype) {
    MergeInMemory.Result merged =
        della(method, "reference", dtype).seed(seed()).taskVectors(ROW).run();

    assertThat(merged.values())
        .containsExactly(new double[] {.7692307692, -2.6666666667, 0, -.4166666667, 5}, WITHIN);
    assertThat(merged.kept().get(0)).containsExactly(4);
    assertThat(merged.reads()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({"della, F64", "della, F32", "della_linear, F64", "della_linear, F32"})
  void mergekitKeepsTheL1Norm(String method, DType dtype) {
    MergeInMemory.Result merged =
        della(method, "mergekit", dtype).seed(seed()).taskVectors(ROW).run();

    assertThat(merged.values())
        .containsExactly(
            new double[] {.5740740741, -2.2962962963, 0, -.2870370370, 4.5925925926}, WITHIN);
    assertThat(merged.reads()).isEqualTo(2);
  }

  /** By rank within the row: the smallest tenth is kept least often. */
  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void keepRateGrowsWithTheRankInTheRow(DType dtype) {
    int row = 1000;
    int rows = 400;
    Random random = new Random(1);
    double[] delta = new double[row * rows];
    Arrays.setAll(delta, i -> (i % row + 1) / 256.0 * (random.nextBoolean() ? 1 : -1));

    double[] merged =
        MergeInMemory.of("della_linear")
            .dtype(dtype)
            .set("density", .5)
            .set("epsilon", .2)
            .set("rescale", false)
            .shape("t0", rows, row)
            .seed(9)
            .taskVectors(delta)
            .run()
            .values();

    for (int decile = 0; decile < 10; decile++) {
      int kept = 0;
      for (int i = 0; i < delta.length; i++) {
        kept += i % row / 100 == decile && merged[i] != 0 ? 1 : 0;
      }
      int n = row * rows / 10;
      double p = .3 + .4 * (decile + .5) / 10;
      double sigma = Math.sqrt(n * p * (1 - p));
      assertThat((double) kept).isBetween(n * p - 5 * sigma, n * p + 5 * sigma);
    }
  }

  @Test
  void aRowOfOneElementIsKeptWithTheDensity() {
    int n = 100_000;
    double[] delta = new double[n];
    Arrays.fill(delta, 1);

    MergeInMemory.Result merged =
        della("della_linear", "reference", DType.F64)
            .shape("t0", n, 1)
            .seed(2)
            .taskVectors(delta)
            .run();

    assertThat((double) merged.kept().get(0)[0]).isBetween(.7 * n - 800, .7 * n + 800);
    assertThat(Arrays.stream(merged.values()).max()).hasValue(1 / .7);
  }

  @Test
  void probabilitiesThatAreNoneAreRefused() {
    Params params = della("della", "mergekit", DType.F32).set("epsilon", .3).params(1);

    assertThat(MergeMethods.named("della").orElseThrow().problem(params))
        .hasValueSatisfying(
            why -> assertThat(why).contains("density 0.7 and epsilon 0.3").contains("lower"));
  }
}
