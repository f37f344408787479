package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Averages of whole weights; expected values worked out by hand from the formulas. */
class LinearTest {

  private static MergeInMemory linear(DType dtype) {
    return MergeInMemory.of("linear").dtype(dtype);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void uniformSoupIsTheMean(DType dtype) {
    assertThat(
            linear(dtype)
                .tensor(
                    new double[2], new double[] {1, 2}, new double[] {3, 2}, new double[] {5, -1})
                .run()
                .values())
        .containsExactly(3, 1);
  }

  @Test
  void incrementalSoupGivesTheSameMean() {
    double[] two =
        linear(DType.F64)
            .tensor(new double[2], new double[] {1, 2}, new double[] {3, 2})
            .run()
            .values();
    double[] three =
        linear(DType.F64)
            .set("weight", new double[] {2 / 3.0, 1 / 3.0})
            .tensor(new double[2], two, new double[] {5, -1})
            .run()
            .values();

    assertThat(three).containsExactly(new double[] {3, 1}, WITHIN);
  }

  @Test
  void liningUpAveragesGivesAnExponentialMovingAverage() {
    double[] ema = {1, 1};
    double[][] steps = {{2, 1}, {2, 3}, {4, 3}};
    for (double[] step : steps) {
      ema =
          linear(DType.F64)
              .set("weight", new double[] {0.99, 0.01})
              .tensor(new double[2], ema, step)
              .run()
              .values();
    }

    assertThat(ema).containsExactly(new double[] {1.049701, 1.0398}, WITHIN);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32"})
  void interpolatesTowardsTheInitialWeights(DType dtype) {
    double[] liti =
        linear(dtype)
            .set("weight", new double[] {0.7, 0.3})
            .tensor(new double[2], new double[] {1, 1}, new double[] {1.7071067812, 2.4142135624})
            .run()
            .values();

    assertThat(liti).containsExactly(new double[] {1.2121320344, 1.4242640687}, WITHIN);
  }

  @Test
  void addsWithoutDividingIfAsked() {
    assertThat(
            linear(DType.F32)
                .set("normalize", false)
                .set("weight", new double[] {0.25, 0.5})
                .tensor(new double[1], new double[] {8}, new double[] {2})
                .run()
                .values())
        .containsExactly(3);
  }

  @Test
  void mergekitRoundsWeightsAndProductsFirst() {
    // In bf16 0.3 is 0.30078125, 0.7 is 0.69921875, the products 0.302734375 and -0.703125.
    assertThat(opposites().mergekit(DType.BF16).run().values()).containsExactly(-0.400390625);
    assertThat(opposites().run().values()).containsExactly(-0.40234375);
  }

  private static MergeInMemory opposites() {
    return linear(DType.BF16)
        .set("weight", new double[] {0.3, 0.7})
        .tensor(new double[1], new double[] {1.0078125}, new double[] {-1.0078125});
  }

  @Test
  void refusesWeightsThatCancel() {
    MergeMethod linear = MergeMethods.named("linear").orElseThrow();
    Params params = linear(DType.F32).set("weight", new double[] {0.5, -0.5}).params(2);

    assertThat(linear.problem(params))
        .contains("the weights sum to 0.0 (change a weight, or set normalize: false)");
    assertThat(
            linear.problem(
                linear(DType.F32)
                    .set("weight", new double[] {0.5, -0.5})
                    .set("normalize", false)
                    .params(2)))
        .isEmpty();
  }
}
