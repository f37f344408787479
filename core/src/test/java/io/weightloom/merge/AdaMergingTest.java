package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import org.junit.jupiter.api.Test;

/** Learned coefficients applied; expected values worked out by hand from the papers' formulas. */
class AdaMergingTest {
  private static final double[][] DELTAS = {{0.5, -1}, {2, 4}};

  private static double[] merged(String variant, double... coefficients) {
    return MergeInMemory.of("adamerging")
        .variant(variant)
        .dtype(DType.F64)
        .set("weight", coefficients)
        .tensor(new double[] {1, 2}, new double[] {1.5, 1}, new double[] {3, 6})
        .run()
        .values();
  }

  @Test
  void coefficientsAreKeptWithinZeroAndOne() {
    assertThat(merged("adamerging", 1.4, -0.2)).containsExactly(1.5, 1.0);
  }

  @Test
  void fusionBenchTakesThemAsTheyAreAndSoGivesWhatAtlasGives() {
    assertThat(merged("fusionbench", 1.4, -0.2)).containsExactly(new double[] {1.3, -0.2}, WITHIN);
  }

  @Test
  void withoutACoefficientItIsThreeTenths() {
    assertThat(MergeInMemory.of("adamerging").dtype(DType.F64).taskVectors(DELTAS).run().values())
        .containsExactly(new double[] {0.75, 0.9}, WITHIN);
  }

  /**
   * The trimmed entries and elected signs of merging by TIES; all vote alike whatever they weigh.
   */
  @Test
  void plusPlusWeighsWhatTiesSelects() {
    double[][] deltas = {
      {4, -1, .5, 5, .25, -3, 0, 1, -.5, 8},
      {-2, -2, .5, -5, -2, 1, .25, -1, 3, .125},
      {1, 3, -1, 0, 0, -1, .5, 2, 4, -6}
    };

    double[] merged =
        MergeInMemory.of("adamerging")
            .variant("plusplus")
            .dtype(DType.F64)
            .set("density", 0.3)
            .set("weight", new double[] {0.5, 1, 0.25})
            .taskVectors(deltas)
            .run()
            .values();

    assertThat(merged)
        .containsExactly(new double[] {2, .75, 0, 2.5, -2, -1.5, 0, .5, 4, 4}, WITHIN);
  }
}
