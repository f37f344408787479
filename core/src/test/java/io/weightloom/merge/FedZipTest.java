package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Worked by hand from the paper's §3. */
class FedZipTest {
  private static final double[] DELTA = {4, -3.875, 0.125, 1, 1.25, -0.25, 0, 4.25};

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F64", "BF16"})
  void keepsTheLargestAndRoundsThemToCentroids(DType dtype) {
    MergeInMemory.Result merged =
        MergeInMemory.of("fedzip")
            .dtype(dtype)
            .set("density", 0.5)
            .set("centroids", 3.0)
            .taskVectors(DELTA)
            .run();

    // Kept are 4, −3.875, 1.25 and 4.25; of three clusters the best is {−3.875}, {1.25}, {4, 4.25}.
    assertThat(merged.values()).containsExactly(4.125, -3.875, 0, 0, 1.25, 0, 0, 4.125);
    assertThat(merged.kept().get(0)).containsExactly(4);
    assertThat(merged.decisions().get(0))
        .containsEntry("threshold", 1.25)
        .containsEntry("centroids", List.of(-3.875, 1.25, 4.125));
  }

  @Test
  void ofEqualChangesTheFirstAreKept() {
    MergeInMemory.Result merged =
        MergeInMemory.of("fedzip")
            .set("density", 0.5)
            .taskVectors(new double[] {1, -1, 1, 1})
            .run();

    assertThat(merged.values()).containsExactly(1, -1, 0, 0);
  }

  @Test
  void theVectorIsWhatIsAddedToTheBase() {
    double[] base = {1, 2, 3, 4};
    double[] model = {1, 4, 3, 3};

    MergeInMemory.Result merged =
        MergeInMemory.of("fedzip").set("part", "vector").tensor(base, model).run();

    assertThat(merged.values()).containsExactly(0, 2, 0, -1);
    assertThat(MergeInMemory.of("fedzip").tensor(base, model).run().values())
        .containsExactly(model);
  }

  @Test
  void aDensityThatKeepsNothingLeavesTheBase() {
    MergeInMemory.Result merged =
        MergeInMemory.of("fedzip")
            .set("density", 0.1)
            .tensor(new double[] {1, 2}, new double[] {3, 3})
            .run();

    assertThat(merged.values()).containsExactly(1, 2);
    assertThat(merged.decisions().get(0)).isEqualTo(Map.of("centroids", List.of()));
  }

  @Test
  void whatItCannotDoIsSaid() {
    MergeMethod method = MergeMethods.named("fedzip").orElseThrow();

    assertThat(method.problem(MergeInMemory.of("fedzip").set("centroids", 2.5).params(1)))
        .hasValue("centroids: 2.5 is no whole number (round it)");
    assertThat(method.problem(MergeInMemory.of("fedzip").params(1))).isEmpty();
  }
}
