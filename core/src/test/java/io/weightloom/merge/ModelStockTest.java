package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Model Stock as mergekit a6e4028 and FusionBench 54c9e8c compute it. */
class ModelStockTest {
  private static final double[] ONE = {1, 0, 0};
  private static final double[] TWO = {1, 1, 0};
  private static final double[] THREE = {0, 1, 1};

  private static MergeInMemory stock(DType dtype) {
    return MergeInMemory.of("model_stock").dtype(dtype);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32"})
  void twoModels(DType dtype) {
    assertThat(stock(dtype).taskVectors(ONE, TWO).run().values())
        .containsExactly(new double[] {0.8284271247, 0.4142135624, 0}, WITHIN);
  }

  @ParameterizedTest
  @CsvSource({
    "mergekit, 0.4459029062, 0.2229514531, 0.4023689271, 0.6688543593",
    "fusionbench, 0.4580640503, 0.2290320251, 0.4226182587, 0.6870960754"
  })
  void threeModels(String variant, double y0, double y2, double cosine, double t) {
    MergeInMemory.Result merged =
        stock(DType.F64).variant(variant).taskVectors(ONE, TWO, THREE).run();

    assertThat(merged.values()).containsExactly(new double[] {y0, y0, y2}, WITHIN);
    assertThat((Double) merged.decisions().get(0).get("cosine")).isCloseTo(cosine, WITHIN);
    assertThat((Double) merged.decisions().get(0).get("t")).isCloseTo(t, WITHIN);
  }

  /** Golden: dev/golden/span.py, numpy 2.4.6. */
  @Test
  void anglesMayBeObtuse() {
    double[][] models = {{1, 0.5, -0.25, 0.75}, {0.5, 1, 0.25, -0.5}, {0.25, -0.5, 1, 1}};

    assertThat(stock(DType.F64).taskVectors(models).run().values())
        .containsExactly(
            new double[] {0.1206704284, 0.0689545305, 0.0689545305, 0.0861931632}, WITHIN);
    assertThat(stock(DType.F64).variant("fusionbench").taskVectors(models).run().values())
        .containsExactly(
            new double[] {0.1215781938, 0.0694732536, 0.0694732536, 0.0868415670}, WITHIN);
  }

  /** The references divide by zero here. */
  @ParameterizedTest
  @CsvSource({"mergekit", "fusionbench"})
  void modelsThatCancelGiveTheBase(String variant) {
    double[] base = {3, 4};
    assertThat(
            stock(DType.F64)
                .variant(variant)
                .tensor(base, new double[] {4, 4}, new double[] {2, 4})
                .run()
                .values())
        .containsExactly(base);
  }

  @Test
  void eachRowHasAnAngleIfAsked() {
    double[] one = {1, 0, 0, 1, 1, 0};
    double[] two = {1, 1, 0, 1, 1, 0};

    double[] merged =
        stock(DType.F64)
            .set("filter_wise", true)
            .shape("t0", 2, 3)
            .taskVectors(one, two)
            .run()
            .values();

    assertThat(merged)
        .containsExactly(new double[] {0.8284271247, 0.4142135624, 0, 1, 1, 0}, WITHIN);
  }

  @Test
  void rowsOverTheWholeModelMakeNoSense() {
    MergeMethod method = MergeMethods.named("model_stock").orElseThrow();

    assertThat(
            method.problem(
                stock(DType.F64).set("filter_wise", true).set("scope", "model").params(2)))
        .contains("filter_wise excludes scope: model (remove one of them)");
  }
}
