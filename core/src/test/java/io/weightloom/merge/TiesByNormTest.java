package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The trims and votes that only TIES' own code has. Values of ties-merging 44e7891, its functions
 * called by {@code dev/golden/paper_codes.py}; those of {@code nf} without the last element of the
 * model, which that code always keeps.
 */
class TiesByNormTest {
  private static final double[][] F1 = {
    {4, -1, .5, 5, .25, -3, 0, 1, -.5, 8},
    {-2, -2, .5, -5, -2, 1, .25, -1, 3, .125},
    {1, 3, -1, 0, 0, -1, .5, 2, 4, -6}
  };

  private static final double[][] F2 = {
    {4, -1, .5, 5, .25, -3, .75, 1.5},
    {-2.5, -2, .625, -5, -1.75, 1, .375, -1.25},
    {1, 3, -1.125, .125, .25, -.875, .5, 2}
  };

  /** At the first coordinate the largest share is positive and the sum of shares is not. */
  private static final double[][] F3 = {{3, 1, 2}, {-2, 2, -1.5}, {-2, 1, -1.5}};

  private static MergeInMemory ties(String variant) {
    return MergeInMemory.of("ties").variant(variant).dtype(DType.F32);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32"})
  void standardDeviationsTrimAroundTheMean(DType dtype) {
    MergeInMemory.Result one = ties("std").dtype(dtype).taskVectors(F1).run();
    MergeInMemory.Result half =
        ties("std").dtype(dtype).set("std_factor", 0.5).taskVectors(F2).run();

    assertThat(one.values()).containsExactly(0, 3, 0, 5, 0, -3, 0, 0, 3.5, 8);
    assertThat(half.values()).containsExactly(4, 3, -1.125, 5, 0, -1.9375, 0.375, 2);
    List<?> kept = (List<?>) requireNonNull(one.decisions().get(0).get("distances_kept"));
    assertThat((Double) kept.get(0)).isCloseTo(3.27034232, WITHIN);
    assertThat(one.decisions().get(0).get("means"))
        .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.LIST)
        .first()
        .isEqualTo(1.425);
  }

  @ParameterizedTest
  @CsvSource({"0.9, 3, 5, 4", "0.6, 2, 2, 2"})
  void aShareOfTheSquaresKeepsTheFewestThatMakeItUp(
      double share, long first, long second, long third) {
    MergeInMemory.Result merged = ties("nf").set("density", share).taskVectors(F1).run();

    assertThat(merged.kept().get(0)).containsExactly(first, second, third);
    assertThat(merged.values())
        .containsExactly(
            share == 0.9
                ? new double[] {4, 3, 0, 5, -2, 0, 0, 2, 3.5, 8}
                : new double[] {0, 0, 0, 5, 0, 0, 0, 0, 3.5, 8});
  }

  /** The paper's code keeps the last element of all besides, here 1, whatever its size. */
  @Test
  void theElementThatCrossesTheShareIsKept() {
    assertThat(ties("nf").taskVectors(new double[] {3, -4, .5, 1}).run().values())
        .containsExactly(3, -4, 0, 0);
  }

  @ParameterizedTest
  @CsvSource({"F32, 1", "BF16, 40", "F64, 0"})
  void theShareIsThatOfAFullSortHoweverTheTensorsAreCut(DType dtype, int magnitudes) {
    Random random = new Random(3);
    double[][] deltas = new double[2][(1 << 20) + 4099];
    for (double[] delta : deltas) {
      Arrays.setAll(
          delta,
          i ->
              magnitudes == 0
                  ? random.nextGaussian()
                  : (random.nextInt(2 * magnitudes + 1) - magnitudes) * 0.0078125);
    }
    double share = 0.35;
    byte[] bytes = null;
    for (int grains : new int[] {1, 2}) {
      MergeInMemory.Result merged =
          ties("nf")
              .dtype(dtype)
              .set("density", share)
              .grains(grains)
              .shuffled(grains)
              .taskVectors(concatenated(deltas[0], deltas[1]))
              .taskVectors(deltas[1])
              .run();

      assertThat(merged.kept().get(0)[0] + merged.kept().get(1)[0])
          .isEqualTo(fewest(concatenated(concatenated(deltas[0], deltas[1]), deltas[1]), share));
      if (bytes != null) {
        assertThat(merged.outputs().get(0).bytes()).isEqualTo(bytes);
      }
      bytes = merged.outputs().get(0).bytes();
    }
  }

  private static double[] concatenated(double[] a, double[] b) {
    double[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }

  private static long fewest(double[] x, double share) {
    double[] squares = Arrays.stream(x).map(v -> v * v).sorted().toArray();
    double target = share * Arrays.stream(squares).sum();
    double sum = 0;
    int kept = 0;
    while (sum < target) {
      sum += squares[squares.length - ++kept];
    }
    return kept;
  }

  @Test
  void ofEqualMagnitudesTheFirstAreKept() {
    double[] ones = IntStream.range(0, 10).mapToDouble(i -> i % 2 == 0 ? 1 : -1).toArray();

    assertThat(ties("nf").set("density", 0.35).taskVectors(ones).run().values())
        .containsExactly(1, -1, 1, -1, 0, 0, 0, 0, 0, 0);
  }

  @ParameterizedTest
  @CsvSource({"normfrac, F64", "normmass, F64", "normfrac, F32", "normmass, F32"})
  void sharesOfItsOwnSquaresElect(String variant, DType dtype) {
    double[] merged = ties(variant).dtype(dtype).set("density", 0.3).taskVectors(F1).run().values();
    double[] whole = ties(variant).dtype(dtype).set("density", 0.99).taskVectors(F2).run().values();

    assertThat(merged).containsExactly(4, 3, 0, -5, -2, -3, 0, 2, 3.5, 8);
    assertThat(whole)
        .containsExactly(
            new double[] {2.5, 3, -1.125, -5, -1.75, -1.9375, 0.5416666667, 1.75}, WITHIN);
  }

  @ParameterizedTest
  @CsvSource({"normfrac, 3", "normmass, -2"})
  void theLargestShareMayLoseToTheSumOfTheOthers(String variant, double first) {
    MergeInMemory.Result merged = ties(variant).set("density", 1.0).taskVectors(F3).run();

    assertThat(merged.values()).containsExactly(new double[] {first, 4 / 3.0, -1.5}, WITHIN);
    List<?> norms = (List<?>) requireNonNull(merged.decisions().get(0).get("vote_norms"));
    assertThat((Double) norms.get(0)).isCloseTo(Math.sqrt(14), WITHIN);
  }

  /** The reference divides by zero, and the task that changes nothing elects. */
  @Test
  void aTaskThatChangesNothingHasNoVote() {
    double[] nothing = {0, 0, 0};
    for (String variant : List.of("normfrac", "normmass")) {
      assertThat(ties(variant).set("density", 1.0).taskVectors(F3[0], nothing).run().values())
          .containsExactly(3, 1, 2);
    }
  }
}
