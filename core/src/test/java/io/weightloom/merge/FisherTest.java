package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.tensor.DType;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Fisher merging against numpy in fp64, by the formulas of each reference's code. */
class FisherTest {
  private static final Offset<Double> CLOSE = Offset.offset(5e-9);
  private static final double[][] A = {{1, 2, 3}, {3, -2, 5}};
  private static final double[][] B = {{10}, {20}};
  private static final double[][] FISHER_A = {{4, 0, 0}, {0, 0, 6}};
  private static final double[][] FISHER_B = {{3}, {8}};

  private static MergeInMemory fisher(String variant) {
    return MergeInMemory.of("fisher")
        .variant(variant)
        .dtype(DType.F64)
        .set("weight", new double[] {0.5, 0.5});
  }

  private static MergeInMemory.Result run(MergeInMemory merge) {
    return merge
        .tensor(new double[3], A)
        .sides(FISHER_A)
        .tensor(new double[1], B)
        .sides(FISHER_B)
        .run();
  }

  private static void check(MergeInMemory.Result merged, double... expected) {
    assertThat(merged.values(0)).containsExactly(Arrays.copyOf(expected, 3), CLOSE);
    assertThat(merged.values(1)[0]).isCloseTo(expected[3], CLOSE);
  }

  @Test
  void thePapersCodeKeepsTheTargetWhereAllFishersVanish() {
    MergeInMemory.Result merged = run(fisher("mmatena"));

    check(merged, 1, 2, 4.999999333333422, 15.714285714285714);
    assertThat(merged.decisions().get(0))
        .containsEntry("fisher_norms", java.util.List.of(5.0, 10.0));
    assertThat(merged.reads()).isEqualTo(2);
  }

  @Test
  void aFloorUnderAllModelsMixesThemInstead() {
    check(
        run(fisher("mmatena").set("floor_of", "all")),
        1.0000002499999376,
        2 / 3.0,
        4.999999333333422,
        15.714285714285714);
  }

  @Test
  void withoutNormsTheLargerFisherWins() {
    MergeInMemory.Result merged = run(fisher("mmatena").set("norm", "none"));

    check(merged, 1, 2, 4.9999996666667, 17.272727272727273);
    assertThat(merged.reads()).isEqualTo(1);
  }

  @Test
  void whereTheOnlyModelWithAWeightHasNoFisherTheFirstModelStays() {
    // The reference gives NaN at the first two elements.
    check(run(fisher("mmatena").set("weight", new double[] {0, 1})), 1, 2, 5, 20);
  }

  @Test
  void mergelmAddsInsteadOfFlooring() {
    check(run(fisher("mergelm")), 1.00000025, 0.6666665778, 4.999999333, 15.71428545);
  }

  @Test
  void matsFloorsAllAndDoesNotNormalize() {
    check(run(fisher("mats")), 1.000000005, 0, 4.9999999967, 17.2727272727);
  }

  /** numpy 2.4.6 in fp64; with 1e-10 added to each value. */
  @ParameterizedTest
  @CsvSource({"none, 17.27272727268595", "tensor, 15", "model, 15.714285714183674"})
  void dataLessModelMergingAddsLittleToAll(String norm, double b) {
    check(run(fisher("regmean_repo").set("norm", norm)), 1, 0, 5, b);
  }

  @Test
  void equalFishersGiveTheWeightedMean() {
    double[] one = {.5, 2, 3e-9};
    for (String variant : new String[] {"mergelm", "regmean_repo", "mats"}) {
      double[] merged =
          fisher(variant)
              .set("weight", new double[] {1, 3})
              .tensor(new double[3], A)
              .sides(one, one)
              .run()
              .values();

      assertThat(merged).as(variant).containsExactly(new double[] {2.5, -1, 4.5}, CLOSE);
    }
  }

  @Test
  void withoutTablesItIsTheWeightedMean() {
    MergeInMemory.Result merged =
        fisher("mmatena").set("weight", new double[] {1, 3}).tensor(new double[3], A).run();

    assertThat(merged.values()).containsExactly(2.5, -1, 4.5);
    assertThat(merged.reads()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({"-0.5,and none may be negative", "NaN,and none may be negative"})
  void aTableWithAValueThatNoFisherHasIsAnError(double bad, String why) {
    assertThatThrownBy(
            () ->
                fisher("mats")
                    .tensor(new double[3], A)
                    .sides(new double[] {1, 1, 1}, new double[] {1, bad, 1})
                    .run())
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("fisher of model-1 holds " + bad + " at element 1 of t0")
        .hasMessageContaining(why);
  }

  @ParameterizedTest
  @CsvSource({"model", "tensor"})
  void aFisherTimesAConstantIsTheSameIfItIsNormalised(String norm) {
    double[][] scaled = {Arrays.stream(FISHER_A[0]).map(f -> 1024 * f).toArray(), FISHER_A[1]};
    MergeInMemory once = fisher("mmatena").set("floor", 0.0).set("norm", norm);
    MergeInMemory often = fisher("mmatena").set("floor", 0.0).set("norm", norm);

    double[] merged = once.tensor(new double[3], A).sides(FISHER_A).run().values();

    assertThat(often.tensor(new double[3], A).sides(scaled).run().values())
        .containsExactly(merged, CLOSE);
  }

  @Test
  void resultsStayBetweenTheModelsAndDoNotDependOnTheCut() {
    int n = 2 * Span.GRAIN + 777;
    Random random = new Random(5);
    double[][] models = new double[3][];
    double[][] fishers = new double[3][];
    for (int k = 0; k < 3; k++) {
      models[k] = IntStream.range(0, n).mapToDouble(i -> random.nextGaussian()).toArray();
      fishers[k] = IntStream.range(0, n).mapToDouble(i -> random.nextDouble()).toArray();
    }
    byte[] whole = merged(models, fishers, 8, 1 << 20, 0, true);

    assertThat(merged(models, fishers, 1, 4096, 3, true)).isEqualTo(whole);
    assertThat(merged(models, fishers, 2, 1 << 17, 9, false)).isEqualTo(whole);
    double[] values = new Stored(DType.F32, whole).values();
    for (int i = 0; i < n; i++) {
      double low = Math.min(models[0][i], Math.min(models[1][i], models[2][i]));
      double high = Math.max(models[0][i], Math.max(models[1][i], models[2][i]));
      assertThat(values[i]).isBetween(low - 1e-6, high + 1e-6);
    }
  }

  private static byte[] merged(
      double[][] models, double[][] fishers, int grains, int block, long order, boolean vector) {
    return MergeInMemory.of("fisher")
        .dtype(DType.F32)
        .sideDType(DType.BF16)
        .kernels(vector ? KernelRegistry.get().kernels() : KernelRegistry.scalar())
        .grains(grains)
        .block(block)
        .shuffled(order)
        .tensor(new double[models[0].length], models)
        .sides(fishers)
        .run()
        .outputs()
        .get(0)
        .bytes();
  }
}
