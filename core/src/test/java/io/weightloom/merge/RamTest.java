package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Worked out by hand from the formulas of mergekit a6e4028. */
class RamTest {
  private static final double[] ONE = {1, 0, 2, 4, 1e-6};
  private static final double[] TWO = {0, 3, 4, 0, 0};
  private static final double[] THREE = {0, 0, -3, 2, 0};

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "BF16"})
  void addsWhatIsUniqueAndAveragesWhatIsShared(DType dtype) {
    MergeInMemory.Result merged =
        MergeInMemory.of("ram").dtype(dtype).taskVectors(ONE, TWO, THREE).run();

    assertThat(merged.values()).containsExactly(new double[] {1, 3, 1, 3, 0}, WITHIN);
    assertThat(merged.reads()).isEqualTo(1);
  }

  /** Shared to unique: 2 of 1, 1 of 1, 2 of none; all clipped at α. */
  @ParameterizedTest
  @EnumSource(names = {"F64", "F32"})
  void plusScalesUpWhatIsUnique(DType dtype) {
    MergeInMemory.Result merged =
        MergeInMemory.of("ramplus_tl")
            .dtype(dtype)
            .set("r", .5)
            .set("alpha", 1.5)
            .taskVectors(ONE, TWO, THREE)
            .run();

    assertThat(merged.values()).containsExactly(new double[] {1.75, 4.5, 1, 3, 0}, WITHIN);
    assertThat(merged.decisions().get(0))
        .isEqualTo(Map.of("unique_scales", List.of(1.75, 1.5, 1.75)));
  }

  @Test
  void whatCountsAsNoChangeCanBeSet() {
    double[] merged =
        MergeInMemory.of("ram").set("epsilon", 2.5).taskVectors(ONE, TWO, THREE).run().values();

    assertThat(merged).containsExactly(0, 3, .5, 4, 0);
  }
}
