package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Masks and merges as the functions of nik-dim/tall_masks d10af8b give them, computed apart from
 * them in fp64 and compared with them.
 */
class ConsensusTest {
  private static final double[] BASE = {1, -1, .5, 2, 0, -.5};
  private static final double[][] DELTAS = {
    {2, .5, -1, 0, .25, -2}, {-1, .5, 2, 0, 4, -2}, {.5, -.125, -1, 1, -.25, 1}
  };
  private static final double[] SUM = {1.5, .875, 0, 1, 4, -3};

  private static MergeInMemory consensus(DType dtype, double lambda, double uses) {
    return MergeInMemory.of("consensus")
        .dtype(dtype)
        .set("mask_lambda", lambda)
        .set("prun_thre_k", uses);
  }

  private static double[] plus(double[] base, double[] delta) {
    double[] sum = base.clone();
    Arrays.setAll(sum, i -> base[i] + delta[i]);
    return sum;
  }

  private static MergeInMemory.Result run(MergeInMemory merge) {
    return merge
        .tensor(BASE, Arrays.stream(DELTAS).map(d -> plus(BASE, d)).toArray(double[][]::new))
        .run();
  }

  static List<Arguments> merges() {
    return List.of(
        Arguments.of(.4, 2, new double[] {1.5, .875, 0, 0, 0, -3}),
        Arguments.of(.4, 1, SUM),
        Arguments.of(.6, 2, new double[] {0, .875, 0, 0, 0, -3}),
        Arguments.of(.4, 0, SUM),
        Arguments.of(.4, 4, new double[6]));
  }

  @ParameterizedTest
  @MethodSource("merges")
  void keepsWhatEnoughModelsUse(double lambda, double uses, double[] delta) {
    for (DType dtype : List.of(DType.F64, DType.F32, DType.BF16)) {
      for (String variant : List.of("reference", "delta")) {
        MergeInMemory.Result merged = run(consensus(dtype, lambda, uses).variant(variant));

        assertThat(merged.values()).isEqualTo(plus(BASE, delta));
        assertThat(merged.reads()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"0.4, 4, 4, 3", "0.2, 4, 5, 4", "0.6, 4, 4, 2", "1, 3, 3, 1"})
  void countsWhatEachModelUses(double lambda, long first, long second, long third) {
    assertThat(run(consensus(DType.F32, lambda, 2)).counts().get(0).get("used"))
        .containsExactly(first, second, third);
  }

  static List<Arguments> masks() {
    return List.of(
        Arguments.of(.2, List.of("111001", "111011", "101101")),
        Arguments.of(.4, List.of("111001", "011011", "101100")),
        Arguments.of(.6, List.of("111001", "011011", "001100")),
        Arguments.of(1, List.of("110001", "010011", "000100")));
  }

  @ParameterizedTest
  @MethodSource("masks")
  void masksAreThoseOfTheCode(double lambda, List<String> masks) {
    for (String variant : List.of("reference", "delta")) {
      for (int k = 0; k < DELTAS.length; k++) {
        double[] mask =
            run(consensus(DType.F32, lambda, 2)
                    .variant(variant)
                    .set("part", "mask")
                    .set("mask_of", (double) k))
                .values();

        assertThat(bits(mask)).as("%s, model %d", variant, k).isEqualTo(masks.get(k));
      }
    }
  }

  private static String bits(double[] mask) {
    return Arrays.stream(mask).mapToObj(m -> m == 0 ? "0" : "1").collect(joining());
  }

  @Test
  void tellsHowManyParametersAreUsedByHowManyModels() {
    MergeInMemory.Result merged = run(consensus(DType.F64, .4, 2));

    assertThat(merged.counts().get(0).get("used_by")).containsExactly(0, 2, 3, 1);
  }

  /**
   * FusionBench 54c9e8c takes the mask of |θ₀ − τₜ| > λ·|M − τₜ|: its function is given differences
   * where it expects parameters, and keeps four elements more.
   */
  @Test
  void fusionBenchsOperandsAreNotTaken() {
    List<String> theirs = new ArrayList<>();
    for (double[] delta : DELTAS) {
      double[] mask = new double[BASE.length];
      for (int i = 0; i < BASE.length; i++) {
        double own = Math.abs(BASE[i] - delta[i]);
        mask[i] = own > .4 * Math.abs(SUM[i] - delta[i]) ? 1 : 0;
      }
      theirs.add(bits(mask));
    }

    assertThat(theirs).containsExactly("111101", "111111", "111100");
    assertThat(run(consensus(DType.F64, .4, 2)).counts().get(0).get("used"))
        .containsExactly(4, 4, 3);
  }

  @Test
  void masksShrinkAsLambdaGrowsAndCoordinatesAsMoreMustUseThem() {
    double[] base = RandomModels.base(4099, 1);
    double[][] models = {
      RandomModels.tuned(base, 1), RandomModels.tuned(base, 2), RandomModels.tuned(base, 3)
    };
    long[] before = {4100, 4100, 4100};
    for (double lambda : new double[] {0, .2, .4, .6, 1, 2}) {
      MergeInMemory.Result merged = consensus(DType.F32, lambda, 2).tensor(base, models).run();
      long[] used = merged.counts().get(0).getOrDefault("used", new long[0]);
      assertThat(used).hasSize(3);
      for (int k = 0; k < used.length; k++) {
        assertThat(used[k]).as("lambda %s", lambda).isLessThanOrEqualTo(before[k]);
      }
      before = used;
    }
    double[] all = consensus(DType.F32, .4, 0).tensor(base, models).run().values();
    for (int k = 1; k <= 4; k++) {
      double[] fewer = consensus(DType.F32, .4, k).tensor(base, models).run().values();
      for (int i = 0; i < base.length; i++) {
        assertThat(fewer[i]).as("k %d, element %d", k, i).isIn(all[i], base[i]);
      }
      all = fewer;
    }
    assertThat(all).isEqualTo(base);
  }

  @Test
  void equalityIsNoUse() {
    MergeInMemory.Result merged =
        consensus(DType.F64, .5, 1).taskVectors(new double[] {2}, new double[] {4}).run();

    assertThat(merged.counts().get(0).get("used")).containsExactly(0, 1);
  }

  /** θ₀ = 2 − 2⁻²³: what the comparison through parameters rounds away. */
  @Test
  void parametersAndDeltasRoundDifferently() {
    double[] base = {2 - 0x1p-23};
    double[] one = {2 + 0x1p-22};
    double[] two = {2};

    MergeInMemory.Result throughModels = consensus(DType.F32, 2, 1).tensor(base, one, two).run();
    MergeInMemory.Result ofDeltas =
        consensus(DType.F32, 2, 1).variant("delta").tensor(base, one, two).run();

    assertThat(throughModels.counts().get(0).get("used")).startsWith(0);
    assertThat(ofDeltas.counts().get(0).get("used")).startsWith(1);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32"})
  void oneModelIsThatModel(DType dtype) {
    MergeInMemory.Result merged =
        consensus(dtype, .4, 1).taskVectors(new double[] {1, 0, -2}).run();

    assertThat(merged.values()).containsExactly(1, 0, -2);
    assertThat(merged.counts().get(0).get("used_by")).containsExactly(1, 2);
  }

  /** TIES' fixture, whose dis-sum is known; with k = 0 nothing is masked. */
  @Test
  void tiesMakesTheMultiTaskVector() {
    MergeInMemory.Result merged =
        MergeInMemory.of("consensus")
            .variant("ties")
            .set("density", .3)
            .set("prun_thre_k", 0.0)
            .taskVectors(
                new double[] {4, -1, .5, 5, .25, -3, 0, 1, -.5, 8},
                new double[] {-2, -2, .5, -5, -2, 1, .25, -1, 3, .125},
                new double[] {1, 3, -1, 0, 0, -1, .5, 2, 4, -6})
            .run();

    assertThat(merged.values())
        .containsExactly(new double[] {4, 3, 0, 5, -2, -3, 0, 2, 7, 8}, WITHIN);
  }

  @Test
  void alphaScalesWhatIsKept() {
    double[] merged = run(consensus(DType.F64, .4, 2).set("lambda", .5)).values();

    assertThat(merged).isEqualTo(plus(BASE, new double[] {.75, .4375, 0, 0, 0, -1.5}));
  }
}
