package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Ilharco et al., 2023; expected values worked out by hand from the formula. */
class TaskArithmeticTest {

  private static MergeInMemory task(DType dtype) {
    return MergeInMemory.of("task_arithmetic").dtype(dtype);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void addsTheScaledSumOfTaskVectors(DType dtype) {
    MergeInMemory.Result merged =
        task(dtype)
            .set("lambda", 0.5)
            .tensor(new double[] {1, 2}, new double[] {1.5, 1}, new double[] {3, 6})
            .run();

    assertThat(merged.values()).containsExactly(2.25, 3.5);
    assertThat(merged.reads()).isEqualTo(1);
    assertThat(merged.decisions().get(0)).isEmpty();
    assertThat(merged.kept().get(0)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32"})
  void negatesWithANegativeWeight(DType dtype) {
    MergeInMemory.Result merged =
        task(dtype)
            .set("weight", new double[] {-1})
            .tensor(new double[] {1, 2}, new double[] {1.5, 1})
            .run();

    assertThat(merged.values()).containsExactly(0.5, 3);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32"})
  void makesAnAnalogyOfThreeTasks(DType dtype) {
    MergeInMemory.Result merged =
        task(dtype)
            .set("weight", new double[] {1, 1, -1})
            .taskVectors(new double[] {1, 0.5}, new double[] {0.25, 4}, new double[] {2, -1})
            .run();

    assertThat(merged.values()).containsExactly(-0.75, 5.5);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32"})
  void dividesByTheWeightsIfAsked(DType dtype) {
    MergeInMemory.Result merged =
        task(dtype)
            .set("weight", new double[] {2, 1})
            .set("normalize", true)
            .taskVectors(new double[] {3, 0}, new double[] {6, 1})
            .run();

    assertThat(merged.values()).containsExactly(new double[] {4, 1 / 3.0}, WITHIN);
  }
}
