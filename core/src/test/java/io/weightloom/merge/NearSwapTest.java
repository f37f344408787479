package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Worked out by hand from the formula of mergekit a6e4028. */
class NearSwapTest {

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32"})
  void takesWhatIsNearWholeAndWhatIsFarInPart(DType dtype) {
    double[] merged =
        MergeInMemory.of("nearswap")
            .dtype(dtype)
            .set("t", .25)
            .tensor(new double[] {1, 1, 1, 1}, new double[] {1, 1.125, 2, -1})
            .run()
            .values();

    assertThat(merged).containsExactly(new double[] {1, 1.125, 1.25, .75}, WITHIN);
  }

  /**
   * 0.004/0.375 through a rounded reciprocal, each step rounded to BF16, as torch 2.15 gives it.
   */
  @Test
  void mergekitRoundsEachStep() {
    double[] merged =
        MergeInMemory.of("nearswap")
            .dtype(DType.BF16)
            .mergekit(DType.BF16)
            .set("t", .004)
            .tensor(new double[] {0}, new double[] {.375})
            .run()
            .values();

    assertThat(merged).containsExactly(0.003997802734375);
  }
}
