package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Interpolation on the sphere. Values of slerp as mergekit a6e4028 and FusionBench 54c9e8c give
 * them, of karcher as mergekit does; warp worked out by hand.
 */
class SlerpTest {

  private static MergeInMemory slerp(DType dtype, double t) {
    return MergeInMemory.of("slerp").dtype(dtype).set("t", t);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 0, 0, 2, 0.5, 0.7071067812, 1.4142135624",
    "1, 0, 0, 2, 0.25, 0.9238795325, 0.7653668647",
    "1, 0, 3, 0, 0.25, 1.5, 0",
    "1, 0, -3, 0, 0.5, -1, 0",
    "0, 0, 0, 2, 0.5, 0, 1.4142135624"
  })
  void goesAlongTheArc(double a0, double a1, double b0, double b1, double t, double y0, double y1) {
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      assertThat(
              slerp(dtype, t).tensor(new double[] {a0, a1}, new double[] {b0, b1}).run().values())
          .containsExactly(new double[] {y0, y1}, WITHIN);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void endsAreTheModelsThemselves(DType dtype) {
    double[] base = Stored.of(dtype, RandomModels.distinct(4099, 1)).values();
    double[] model = Stored.of(dtype, RandomModels.distinct(4099, 2)).values();

    assertThat(slerp(dtype, 0).tensor(base, model).run().values()).isEqualTo(base);
    assertThat(slerp(dtype, 1).tensor(base, model).run().values()).isEqualTo(model);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.1, 0.5, 0.9})
  void equalLengthsStay(double t) {
    double[] base = unit(RandomModels.distinct(4099, 1));
    double[] model = unit(RandomModels.distinct(4099, 2));

    double[] merged = slerp(DType.F64, t).tensor(base, model).run().values();

    assertThat(norm(merged)).isCloseTo(1, WITHIN);
  }

  private static double[] unit(double[] x) {
    double norm = norm(x);
    return java.util.Arrays.stream(x).map(v -> v / norm).toArray();
  }

  private static double norm(double[] x) {
    return Math.sqrt(java.util.Arrays.stream(x).map(v -> v * v).sum());
  }

  @Test
  void recordsTheCosine() {
    assertThat(
            slerp(DType.F64, 0.5)
                .tensor(new double[] {1, 0}, new double[] {3, 4})
                .run()
                .decisions()
                .get(0))
        .containsEntry("cosine", 0.6)
        .containsKey("coefficients");
  }

  /** Two tensors at a right angle and at none: of one angle over the model. */
  @Test
  void takesOneAngleOfTheModelIfAsked() {
    MergeInMemory.Result merged =
        slerp(DType.F64, 0.5)
            .set("scope", "model")
            .tensor(new double[] {1, 0}, new double[] {0, 1})
            .tensor(new double[] {1, 0}, new double[] {1, 0})
            .run();

    double each = Math.sin(Math.PI / 6) / Math.sin(Math.PI / 3);
    assertThat(merged.values(0)).containsExactly(new double[] {each, each}, WITHIN);
    assertThat(merged.values(1)).containsExactly(new double[] {2 * each, 0}, WITHIN);
  }

  private static MergeInMemory nuslerp(double... weights) {
    return MergeInMemory.of("nuslerp").dtype(DType.F64).set("weight", weights);
  }

  @Test
  void nuslerpTakesTheWeightsShare() {
    assertThat(
            nuslerp(0.6, 0.2)
                .withoutBase()
                .tensor(new double[2], new double[] {1, 0}, new double[] {0, 2})
                .run()
                .values())
        .containsExactly(new double[] {0.9238795325, 0.7653668647}, WITHIN);
  }

  @Test
  void nuslerpOfWeightsThatCancelIsHalfway() {
    assertThat(
            nuslerp(0.5, -0.5)
                .withoutBase()
                .tensor(new double[2], new double[] {1, 0}, new double[] {0, 2})
                .run()
                .values())
        .containsExactly(new double[] {0.7071067812, 1.4142135624}, WITHIN);
  }

  @Test
  void nuslerpWithABaseTurnsTaskVectors() {
    assertThat(
            nuslerp(0.6, 0.2)
                .tensor(new double[] {10, 20}, new double[] {11, 20}, new double[] {10, 22})
                .run()
                .values())
        .containsExactly(new double[] {10.9238795325, 20.7653668647}, WITHIN);
  }

  /** Rows (1,0) and (0,1) against (0,1) and (0,1): a right angle and none; columns the same. */
  @ParameterizedTest
  @CsvSource({"false", "true"})
  void nuslerpTurnsEachVectorByItself(boolean alongFirst) {
    double half = Math.sqrt(0.5);
    double[] a = {1, 0, 0, 1};
    double[] b = alongFirst ? new double[] {0, 0, 1, 1} : new double[] {0, 1, 0, 1};

    double[] merged =
        nuslerp(1, 1)
            .set("nuslerp_flatten", false)
            .set("nuslerp_row_wise", alongFirst)
            .shape("t0", 2, 2)
            .withoutBase()
            .tensor(new double[4], a, b)
            .run()
            .values();

    assertThat(merged)
        .containsExactly(
            alongFirst ? new double[] {half, 0, half, 1} : new double[] {half, half, 0, 1}, WITHIN);
  }

  private static final double[][] MODELS = {
    {1, 0.5, -0.25, 0.75}, {0.5, 1, 0.25, -0.5}, {0.25, -0.5, 1, 1}
  };

  /** Golden: dev/golden/span.py, numpy 2.4.6. */
  @Test
  void multislerpIsTheMeanDirectionWithTheMeanLength() {
    double[] expected = {0.8328165470, 0.1924433283, 0.6395777787, 0.9440723850};
    double[] base = {10, 20, 30, 40};
    MergeInMemory plain =
        MergeInMemory.of("multislerp")
            .dtype(DType.F64)
            .set("weight", new double[] {0.5, 0.25, 0.75});

    assertThat(plain.taskVectors(MODELS).run().values()).containsExactly(expected, WITHIN);
    assertThat(
            MergeInMemory.of("multislerp")
                .dtype(DType.F64)
                .set("weight", new double[] {0.5, 0.25, 0.75})
                .tensor(base, plus(base, MODELS[0]), plus(base, MODELS[1]), plus(base, MODELS[2]))
                .run()
                .values())
        .containsExactly(plus(base, expected), WITHIN);
  }

  private static double[] plus(double[] a, double[] b) {
    double[] sum = a.clone();
    java.util.Arrays.setAll(sum, i -> a[i] + b[i]);
    return sum;
  }

  @Test
  void multislerpOfOppositesIsLinearForTwoAndAnErrorForMore() {
    double[] one = {1, 2};
    double[] minusTwo = {-2, -4};

    assertThat(
            MergeInMemory.of("multislerp")
                .dtype(DType.F64)
                .taskVectors(one, minusTwo)
                .run()
                .values())
        .containsExactly(new double[] {-0.5, -1}, WITHIN);
    assertThatThrownBy(
            () ->
                MergeInMemory.of("multislerp")
                    .dtype(DType.F64)
                    .set("weight", new double[] {0.5, 0.25, 0.25})
                    .taskVectors(one, minusTwo, minusTwo)
                    .run())
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot merge t0: the directions of its 3 models cancel (change a weight, or leave out"
                + " a model)");
  }

  private static MergeInMemory karcher() {
    return MergeInMemory.of("karcher").dtype(DType.F64);
  }

  @Test
  void karcherMeanOfAxesIsTheDiagonal() {
    double expected = 1.1547005591;
    assertThat(
            karcher()
                .taskVectors(new double[] {1, 0, 0}, new double[] {0, 2, 0}, new double[] {0, 0, 3})
                .run()
                .values())
        .containsExactly(new double[] {expected, expected, expected}, WITHIN);
  }

  @Test
  void karcherMeanIsMergekits() {
    assertThat(
            karcher()
                .taskVectors(new double[] {1, 0, 0}, new double[] {1, 1, 0}, new double[] {0, 0, 3})
                .run()
                .values())
        .containsExactly(new double[] {1.427408368, 0.591251909, 0.932740720}, WITHIN);
  }

  /** Golden: dev/golden/span.py, numpy 2.4.6, which iterates on the vectors to convergence. */
  @Test
  void karcherMeanConverges() {
    assertThat(
            karcher().set("max_iter", 100.0).set("tol", 1e-12).taskVectors(MODELS).run().values())
        .containsExactly(
            new double[] {0.9432528873, 0.6131337339, 0.5441737941, 0.5853316676}, WITHIN);
  }

  @Test
  void karcherLeavesOutWhatHasNoLengthButNotItsLength() {
    assertThat(karcher().taskVectors(new double[] {0, 0}, new double[] {0, 2}).run().values())
        .containsExactly(new double[] {0, 1}, WITHIN);
    assertThat(karcher().taskVectors(new double[2], new double[2]).run().values())
        .containsExactly(0, 0);
  }

  private static MergeInMemory warp() {
    return MergeInMemory.of("warp").dtype(DType.F64);
  }

  @Test
  void warpTurnsTaskVectorsAndGoesBackTowardsTheBase() {
    double[] base = {1, 1};
    double[] one = {2, 1};
    double[] two = {1, 3};

    assertThat(warp().tensor(base, one, two).run().values())
        .containsExactly(new double[] {1.7071067812, 2.4142135624}, WITHIN);
    assertThat(warp().set("eta", 0.3).tensor(base, one, two).run().values())
        .containsExactly(new double[] {1.2121320344, 1.4242640687}, WITHIN);
  }

  @Test
  void warpTakesInOnePolicyAfterTheOther() {
    assertThat(
            warp()
                .tensor(
                    new double[] {1, 1},
                    new double[] {2, 1},
                    new double[] {1, 3},
                    new double[] {0, 2})
                .run()
                .values())
        .containsExactly(new double[] {1.1250763204, 2.5290526119}, WITHIN);
  }

  @Test
  void warpOfATaskVectorOfZerosHalvesTheOther() {
    assertThat(warp().taskVectors(new double[2], new double[] {2, 4}).run().values())
        .containsExactly(1, 2);
  }
}
