package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Methods whose numbers were learned elsewhere and lie in tables: aTLAS, Concrete, DAM. */
class LearnedMasksTest {
  private static final double[] DELTA = {1, -1, 2, 4};
  private static final double[] MASK = {.2, .8, .5, .5};

  private static MergeInMemory concrete() {
    return MergeInMemory.of("concrete").dtype(DType.F64);
  }

  @Test
  void atlasAddsTaskVectorsByCoefficients() {
    double[] merged =
        MergeInMemory.of("atlas")
            .dtype(DType.F64)
            .set("weight", new double[] {1.4, -.2})
            .tensor(new double[] {1, 2}, new double[] {1.5, 1}, new double[] {3, 6})
            .run()
            .values();

    assertThat(merged).containsExactly(new double[] {1.3, -.2}, WITHIN);
  }

  /** As the paper's code makes them: a coefficient for each part of a random partition. */
  @Test
  void atlasTakesACoefficientOfEachPartOfATensor() {
    double[][] coefficients = {{1.4, .5}, {-.2, 2}};
    int[] partition = {0, 1, 1, 0};
    double[] first = {.5, -1, 3, 1};
    double[] second = {2, 4, -1, 1};

    double[] merged =
        MergeInMemory.of("atlas")
            .dtype(DType.F64)
            .taskVectors(first, second)
            .sides(
                Arrays.stream(partition).mapToDouble(p -> coefficients[0][p]).toArray(),
                Arrays.stream(partition).mapToDouble(p -> coefficients[1][p]).toArray())
            .run()
            .values();

    assertThat(merged).containsExactly(new double[] {.3, 7.5, -.5, 1.2}, WITHIN);
  }

  @ParameterizedTest
  @CsvSource({"F64", "F32"})
  void concreteDividesTheMaskByItsMean(DType dtype) {
    MergeInMemory.Result merged = concrete().dtype(dtype).taskVectors(DELTA).sides(MASK).run();

    assertThat(merged.values()).containsExactly(new double[] {.12, -.48, .6, 1.2}, WITHIN);
    assertThat((Double) merged.decisions().get(0).get("mask_mean")).isCloseTo(.5, WITHIN);
  }

  @Test
  void theMeanIsTheTensorsHoweverItIsCut() {
    int n = (1 << 20) + 77;
    double[] mask = new Random(1).doubles(n).toArray();
    double[] delta = new Random(2).doubles(n).toArray();
    byte[] whole =
        concrete().dtype(DType.F32).taskVectors(delta).sides(mask).run().outputs().get(0).bytes();

    assertThat(
            concrete()
                .dtype(DType.F32)
                .grains(1)
                .shuffled(3)
                .taskVectors(delta)
                .sides(mask)
                .run()
                .outputs()
                .get(0)
                .bytes())
        .isEqualTo(whole);
  }

  @Test
  void aSuspectElementIsTakenOutOfTheMask() {
    double[] merged =
        concrete()
            .set("rescale_mask", "none")
            .taskVectors(DELTA)
            .sides(MASK)
            .sidesOf("suspects", new double[] {1, 0, .5, 0})
            .run()
            .values();

    assertThat(merged).containsExactly(new double[] {0, -.24, .15, .6}, WITHIN);
  }

  @Test
  void aMaskOfZerosGivesTheBase() {
    assertThat(
            concrete()
                .tensor(new double[] {7, 8}, new double[] {1, 2})
                .sides(new double[] {0, 0})
                .run()
                .values())
        .containsExactly(7, 8);
  }

  @Test
  void logitsStandForTheirProbabilities() {
    double[] merged =
        concrete()
            .variant("probabilities")
            .set("rescale_mask", "none")
            .taskVectors(DELTA)
            .sides(new double[] {0, Math.log(3), -Math.log(3), 100})
            .run()
            .values();

    assertThat(merged).containsExactly(new double[] {.15, -.225, .15, 1.2}, WITHIN);
  }

  /**
   * Of a relaxed Bernoulli variable the median is σ(logit/temperature), as is P(m > ½) = σ(logit).
   */
  @Test
  void drawsHaveTheDistributionOfTheLogits() {
    int n = 20_000;
    double[] logits = new double[n];
    Arrays.fill(logits, 1);
    double[] ones = new double[n];
    Arrays.fill(ones, 1);

    double[] merged =
        concrete()
            .variant("fusionbench")
            .set("lambda", 1.0)
            .set("rescale_mask", "none")
            .seed(7)
            .taskVectors(ones)
            .sides(logits)
            .run()
            .values();

    double aboveHalf = Arrays.stream(merged).filter(m -> m > .5).count() / (double) n;
    double aboveMedian =
        Arrays.stream(merged).filter(m -> m > 1 / (1 + Math.exp(-2))).count() / (double) n;
    assertThat(aboveHalf).isBetween(.731 - .0125, .731 + .0125);
    assertThat(aboveMedian).isBetween(.4859, .5141);
    assertThat(merged).doesNotContain(0).doesNotContain(1);
  }
}
