package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Worked out from the code of FusionBench 54c9e8c. */
class MagMaxTest {

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void takesTheLargestChangeAndOfEqualOnesTheLast(DType dtype) {
    MergeInMemory.Result merged =
        MergeInMemory.of("magmax")
            .dtype(dtype)
            .set("lambda", 1.0)
            .taskVectors(
                new double[] {1, -2, 3, .5},
                new double[] {-1, 2, -3.5, .25},
                new double[] {.5, -2, 1, -.5})
            .run();

    assertThat(merged.values()).containsExactly(-1, -2, -3.5, -.5);
    assertThat(merged.reads()).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32"})
  void halvesItByDefault(DType dtype) {
    double[] merged =
        MergeInMemory.of("magmax")
            .dtype(dtype)
            .tensor(new double[] {1, 1}, new double[] {3, 2}, new double[] {2, 5})
            .run()
            .values();

    assertThat(merged).containsExactly(2, 3);
  }
}
