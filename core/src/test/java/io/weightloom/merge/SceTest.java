package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Values worked out in fp64 from what mergekit a6e4028 computes. */
class SceTest {
  private static final double[] ONE = {1, -2, 0, 3};
  private static final double[] TWO = {1, 4, .5, -1};

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "BF16"})
  void selectsWeighsAndErases(DType dtype) {
    MergeInMemory.Result merged =
        MergeInMemory.of("sce").dtype(dtype).set("select_topk", .5).taskVectors(ONE, TWO).run();

    assertThat(merged.values()).containsExactly(0, 4, 0, 0);
    assertThat(merged.decisions().get(0))
        .containsAllEntriesOf(Map.of("selected", 1L, "mean_squares", List.of(1.0, 4.0)));
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32"})
  void selectsAllByDefault(DType dtype) {
    MergeInMemory.Result merged = MergeInMemory.of("sce").dtype(dtype).taskVectors(ONE, TWO).run();

    assertThat(merged.values()).containsExactly(new double[] {1, 4, .5, 3}, WITHIN);
    assertThat(merged.reads()).isEqualTo(2);
  }

  @Test
  void ofNothingSelectedTheBaseIsLeft() {
    MergeInMemory.Result merged =
        MergeInMemory.of("sce").set("select_topk", .2).taskVectors(ONE, TWO).run();

    assertThat(merged.values()).containsOnly(0);
  }

  /** The mean squares sum to less than 1e-6: equal weights. */
  @Test
  void tinyTaskVectorsWeighTheSame() {
    MergeInMemory.Result merged =
        MergeInMemory.of("sce").taskVectors(new double[] {1e-4}, new double[] {3e-4}).run();

    assertThat(merged.values()).containsExactly(new double[] {2e-4}, WITHIN);
  }

  @Test
  void ofEqualVariancesTheFirstIsSelected() {
    MergeInMemory.Result merged =
        MergeInMemory.of("sce")
            .set("select_topk", .5)
            .taskVectors(new double[] {1, 1, 1, 1}, new double[] {3, 3, 3, 3})
            .run();

    assertThat(merged.values()).containsExactly(new double[] {2.8, 2.8, 0, 0}, WITHIN);
  }
}
