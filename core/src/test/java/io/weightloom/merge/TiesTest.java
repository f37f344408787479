package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Values of {@code reference}: ties-merging 44e7891, whole-model scope; of {@code mergelm}: MergeLM
 * 6d49ad9; of {@code mergekit}: mergekit a6e4028; each worked out in fp64 and compared with the
 * function itself.
 */
class TiesTest {
  /** With ties and a coordinate that cancels. */
  private static final double[][] F1 = {
    {4, -1, .5, 5, .25, -3, 0, 1, -.5, 8},
    {-2, -2, .5, -5, -2, 1, .25, -1, 3, .125},
    {1, 3, -1, 0, 0, -1, .5, 2, 4, -6}
  };

  /** Without ties. */
  private static final double[][] F2 = {
    {4, -1, .5, 5, .25, -3, .75, 1.5},
    {-2.5, -2, .625, -5, -1.75, 1, .375, -1.25},
    {1, 3, -1.125, .125, .25, -.875, .5, 2}
  };

  private static final double[][] MAJORITY_ZERO = {{4, -3, 1}, {-4, 1, 3}};

  private static MergeInMemory ties(String variant, DType dtype, double density) {
    return MergeInMemory.of("ties").variant(variant).dtype(dtype).set("density", density);
  }

  private static double[][] negated(double[][] deltas) {
    return Arrays.stream(deltas)
        .map(d -> Arrays.stream(d).map(v -> -v).toArray())
        .toArray(double[][]::new);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void referenceAveragesWhatAgreesOverTheModel(DType dtype) {
    MergeInMemory.Result merged = ties("reference", dtype, 0.3).taskVectors(F1).run();

    assertThat(merged.values()).containsExactly(4, 3, 0, 5, -2, -3, 0, 2, 3.5, 8);
    assertThat(merged.decisions())
        .containsExactly(Map.of("thresholds", List.of(3.0, 2.0, 2.0), "majority_sign", 1));
    assertThat(merged.kept().get(0)).containsExactly(4, 5, 4);
  }

  @ParameterizedTest
  @CsvSource({"false, mean, 7, 8", "true, max, 4, 8", "false, max, 4, 8"})
  void referenceSumsOrTakesTheLargest(
      boolean normalize, String disjoint, double ninth, double tenth) {
    double[] merged =
        ties("reference", DType.F32, 0.3)
            .set("normalize", normalize)
            .set("disjoint", disjoint)
            .taskVectors(F1)
            .run()
            .values();

    assertThat(merged).containsExactly(4, 3, 0, 5, -2, -3, 0, 2, ninth, tenth);
  }

  @ParameterizedTest
  @CsvSource({"reference, tensor", "mergekit, model"})
  void oneTensorIsTheModelAndNoMeanExceedsTheLargest(String variant, String otherScope) {
    double[][] deltas = {distinct(4099), RandomModels.distinct(4099, 8)};

    double[] merged = ties(variant, DType.F64, 0.3).taskVectors(deltas).run().values();

    assertThat(
            ties(variant, DType.F64, 0.3)
                .set("scope", otherScope)
                .taskVectors(deltas)
                .run()
                .values())
        .isEqualTo(merged);
    for (int i = 0; i < merged.length; i++) {
      assertThat(Math.abs(merged[i]))
          .isLessThanOrEqualTo(Math.max(Math.abs(deltas[0][i]), Math.abs(deltas[1][i])));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32"})
  void negatedTaskVectorsGiveTheNegation(DType dtype) {
    MergeInMemory.Result merged = ties("reference", dtype, 0.3).taskVectors(negated(F1)).run();

    assertThat(merged.values()).containsExactly(-4, -3, 0, -5, 2, 3, 0, -2, -3.5, -8);
    assertThat(merged.decisions().get(0)).containsEntry("majority_sign", -1);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32"})
  void withoutMajorityZeroVotesCountAsNegative(DType dtype) {
    MergeInMemory.Result merged = ties("reference", dtype, 0.99).taskVectors(MAJORITY_ZERO).run();

    assertThat(merged.values()).containsExactly(-4, -3, 2);
    assertThat(merged.decisions().get(0)).containsEntry("majority_sign", 0);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32"})
  void withoutMajorityMergeLmSelectsNothing(DType dtype) {
    assertThat(ties("mergelm", dtype, 0.99).taskVectors(MAJORITY_ZERO).run().values())
        .containsExactly(0, -3, 2);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32"})
  void referenceKeepsOneMoreThanTheDensityAsks(DType dtype) {
    MergeInMemory.Result merged = ties("reference", dtype, 0.375).taskVectors(F2).run();

    assertThat(merged.values()).containsExactly(2.5, 3, -1.125, -5, -1.75, -3, 0, 1.75);
    assertThat(merged.decisions())
        .containsExactly(Map.of("thresholds", List.of(1.5, 1.75, 1.0), "majority_sign", 0));
    assertThat(merged.kept().get(0)).containsExactly(4, 4, 4);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void mergekitKeepsExactlyTheDensity(DType dtype) {
    MergeInMemory.Result merged = ties("mergekit", dtype, 0.375).taskVectors(F2).run();

    assertThat(merged.values()).containsExactly(4, 3, -1.125, 5, 0, -3, 0, 2);
    assertThat(merged.kept().get(0)).containsExactly(3, 3, 3);
    assertThat(merged.decisions().get(0)).doesNotContainKey("majority_sign");
  }

  @Test
  void mergekitNumericsGiveTheSameWhereNothingRounds() {
    assertThat(
            ties("mergekit", DType.BF16, 0.375).mergekit(DType.BF16).taskVectors(F2).run().values())
        .containsExactly(4, 3, -1.125, 5, 0, -3, 0, 2);
  }

  @Test
  void modelScopeTakesStatisticsOverAllTensors() {
    MergeInMemory.Result merged = split(ties("reference", DType.F32, 0.4)).run();

    assertThat(merged.values(0)).containsExactly(2.5, 3, -1.125, -5);
    assertThat(merged.values(1)).containsExactly(-1.75, -3, 0, 1.75);
    assertThat(merged.decisions().get(1)).isEqualTo(merged.decisions().get(0));
    assertThat(merged.kept().get(0)[0] + merged.kept().get(1)[0]).isEqualTo(4);
  }

  @Test
  void tensorScopeTakesThemTensorByTensor() {
    MergeInMemory.Result merged =
        split(ties("reference", DType.F32, 0.4).set("scope", "tensor")).run();

    assertThat(merged.values(0)).containsExactly(4, 3, -1.125, 5);
    assertThat(merged.values(1)).containsExactly(-1.75, -1.9375, 0, 1.75);
  }

  @Test
  void mergekitTakesThemTensorByTensor() {
    MergeInMemory.Result merged = split(ties("mergekit", DType.F32, 0.4)).run();

    assertThat(merged.values(0)).containsExactly(0, 3, 0, 5);
    assertThat(merged.values(1)).containsExactly(-1.75, -3, 0, 2);
    assertThat(merged.kept().get(0)).containsExactly(1, 1, 1);
  }

  private static MergeInMemory split(MergeInMemory merge) {
    for (int from : new int[] {0, 4}) {
      merge.taskVectors(
          Arrays.stream(F2)
              .map(d -> Arrays.copyOfRange(d, from, from + 4))
              .toArray(double[][]::new));
    }
    return merge;
  }

  @ParameterizedTest
  @CsvSource({"1, -3, 4", "2, 2, 4"})
  void mergekitWeighsBeforeTheVote(double first, double expectedFirst, double expectedSecond) {
    assertThat(
            ties("mergekit", DType.F32, 1)
                .set("weight", new double[] {first, 1})
                .taskVectors(new double[] {2, -1}, new double[] {-3, 4})
                .run()
                .values())
        .containsExactly(expectedFirst, expectedSecond);
  }

  @Test
  void mergekitDividesByTheWeightThatAgrees() {
    assertThat(
            ties("mergekit", DType.F32, 1)
                .set("weight", new double[] {3, 1, 2})
                .taskVectors(new double[] {2}, new double[] {6}, new double[] {-1})
                .run()
                .values())
        .containsExactly(3);
  }

  @Test
  void fusionbenchScalesASum() {
    double[] merged =
        MergeInMemory.of("ties")
            .variant("fusionbench")
            .dtype(DType.F32)
            .set("density", 0.3)
            .taskVectors(F1)
            .run()
            .values();

    double[] sum = {4, 3, 0, 5, -2, -3, 0, 2, 7, 8};
    assertThat(merged).containsExactly(Arrays.stream(sum).map(v -> 0.3 * v).toArray(), WITHIN);
  }

  @ParameterizedTest
  @CsvSource({"reference, 2", "mergelm, 3", "fusionbench, 2"})
  void variantsKeepTheirOwnNumberOfSeven(String variant, long expected) {
    MergeInMemory merge = MergeInMemory.of("ties").variant(variant).dtype(DType.F32);

    assertThat(merge.taskVectors(new double[] {1, -2, 3, -4, 5, -6, 7}).run().kept().get(0))
        .containsExactly(expected);
  }

  /** The reference's K is a double product: 29/100*100 is 28.999999999999996. */
  @ParameterizedTest
  @CsvSource({
    "100, 0.29, 29",
    "100, 0.57, 57",
    "100, 0.28, 29",
    "1000, 0.29, 291",
    "100, 0.001, 1"
  })
  void referenceTruncatesTheDoubleProduct(int n, double density, long kept) {
    assertThat(ties("reference", DType.F32, density).taskVectors(distinct(n)).run().kept().get(0))
        .containsExactly(kept);
  }

  @ParameterizedTest
  @CsvSource({
    "100, 0.29, 28",
    "100, 0.57, 56",
    "100, 0.28, 28",
    "1000, 0.29, 290",
    "100, 0.001, 1"
  })
  void mergekitTruncatesItToo(int n, double density, long kept) {
    assertThat(ties("mergekit", DType.F32, density).taskVectors(distinct(n)).run().kept().get(0))
        .containsExactly(kept);
  }

  /** MergeLM is given the share to drop: 0.1 · 10 is 1, but (1 − 0.9) · 10 is less. */
  @ParameterizedTest
  @CsvSource({"10, 0.9, 10", "10, 0.7, 8", "10, 0.3, 4", "20, 0.9, 19", "10, 0.1, 2"})
  void mergeLmTruncatesTheShareToDrop(int n, double density, long kept) {
    assertThat(ties("mergelm", DType.F32, density).taskVectors(distinct(n)).run().kept().get(0))
        .containsExactly(kept);
  }

  /** Of few magnitudes, so that the threshold falls among equals. */
  @ParameterizedTest
  @CsvSource({"reference, 0.2", "reference, 0.05", "mergelm, 0.2", "fusionbench, 0.3"})
  void noLessThanTheDensityIsKeptAndOneModelIsItsTrimmedSelf(String variant, double density) {
    double[] delta = new double[4099];
    Arrays.setAll(delta, i -> (i * 7919 % 41 - 20) / 8.0);

    MergeInMemory.Result merged =
        ties(variant, DType.F64, density).set("lambda", 1.0).taskVectors(delta).run();

    long kept = merged.kept().get(0)[0];
    assertThat(kept).isGreaterThanOrEqualTo((long) (delta.length * density));
    double least =
        Arrays.stream(delta).map(v -> -Math.abs(v)).sorted().map(v -> -v).toArray()[(int) kept - 1];
    assertThat(merged.values())
        .containsExactly(Arrays.stream(delta).map(v -> Math.abs(v) < least ? 0 : v).toArray());
  }

  /** A coordinate is zero, or has the sign of the sum of what was kept there. */
  @ParameterizedTest
  @CsvSource({"reference", "mergelm", "fusionbench", "mergekit"})
  void aCoordinateHasTheElectedSignOrNone(String variant) {
    double[][] deltas = {RandomModels.distinct(4099, 1), RandomModels.distinct(4099, 2)};

    double[] merged = ties(variant, DType.F64, 1).taskVectors(deltas).run().values();

    for (int i = 0; i < merged.length; i++) {
      double vote = Math.signum(deltas[0][i] + deltas[1][i]);
      assertThat(Math.signum(merged[i])).isIn(0.0, vote);
    }
  }

  private static double[] distinct(int n) {
    double[] values = new double[n];
    Arrays.setAll(values, i -> (i * 7 % n + 1) * (i % 2 == 0 ? 1 : -1));
    return values;
  }

  @ParameterizedTest
  @CsvSource({"reference", "mergelm", "fusionbench", "mergekit"})
  void densityOneKeepsAll(String variant) {
    MergeInMemory.Result merged =
        ties(variant, DType.F32, 1).set("lambda", 1.0).taskVectors(distinct(7)).run();

    assertThat(merged.values()).containsExactly(distinct(7));
    assertThat(merged.decisions().get(0)).doesNotContainKey("thresholds");
    assertThat(merged.kept().get(0)).isEmpty();
  }

  @Test
  void countingVotesIgnoresMagnitudes() {
    double[][] deltas = {{5, 1}, {-1, 2}, {-2, -4}};

    assertThat(ties("mergekit", DType.F32, 1).taskVectors(deltas).run().values())
        .containsExactly(5, -4);
    assertThat(
            ties("mergekit", DType.F32, 1)
                .set("election", "count")
                .taskVectors(deltas)
                .run()
                .values())
        .containsExactly(-1.5, 1.5);
  }

  /** One vote for and one against, the magnitudes for: a tie of the count only. */
  @ParameterizedTest
  @CsvSource({"positive, 3", "majority, -1", "majority_or_none, -1"})
  void zeroSignSettlesATieOfTheCount(String zeroSign, double first) {
    assertThat(
            ties("mergekit", DType.F32, 1)
                .set("election", "count")
                .set("zero_sign", zeroSign)
                .taskVectors(new double[] {3, -1}, new double[] {-1, -1})
                .run()
                .values())
        .containsExactly(first, -1);
  }

  @Test
  void countWithoutMajoritySelectsNothingIfSoAsked() {
    assertThat(
            ties("mergekit", DType.F32, 1)
                .set("election", "count")
                .set("zero_sign", "majority_or_none")
                .taskVectors(new double[] {3, -1, 1}, new double[] {-1, -1, 1})
                .run()
                .values())
        .containsExactly(0, -1, 1);
  }

  /** Kept are 8 of 10 and 6 of 8: the norms 10 and 8 come back. */
  @Test
  void rescaleRestoresTheL1Norm() {
    MergeInMemory.Result merged =
        ties("mergekit", DType.F32, 0.5)
            .set("rescale", true)
            .taskVectors(new double[] {4, -1, 4, 1}, new double[] {-1, 3, 1, 3})
            .run();

    assertThat(merged.decisions().get(0)).containsEntry("rescale_factors", List.of(1.25, 8 / 6.0));
    assertThat(merged.values()).containsExactly(new double[] {5, 4, 5, 4}, WITHIN);
  }

  /** As they are, 3 wins against −2; scaled by 2 and 4, −8 wins against 6. */
  @Test
  void majorityIsElectedOnTheRescaledTaskVectors() {
    MergeInMemory.Result merged =
        ties("mergekit", DType.F32, 0.25)
            .set("rescale", true)
            .set("zero_sign", "majority")
            .taskVectors(new double[] {3, 1, 1, 1}, new double[] {-2, 2, 2, 2})
            .run();

    assertThat(merged.decisions().get(0))
        .containsEntry("rescale_factors", List.of(2.0, 4.0))
        .containsEntry("majority_sign", -1);
    assertThat(merged.values()).containsExactly(-8, 0, 0, 0);
  }
}
