package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Values as harveyhuang18/EMR_Merging cc225ec gives them, computed apart from it in fp64. */
class EmrTest {

  static List<Arguments> rescalers() {
    return List.of(
        Arguments.of("reference", new double[] {1.3333333333, .8181818182, .7777777778}),
        Arguments.of("paper", new double[] {1.4, .7647058824, .8666666667}));
  }

  @ParameterizedTest
  @MethodSource("rescalers")
  void unifiesTaskVectorsAndReportsTheRescalers(String variant, double[] rescalers) {
    for (DType dtype : List.of(DType.F64, DType.F32)) {
      MergeInMemory.Result merged =
          MergeInMemory.of("emr")
              .variant(variant)
              .dtype(dtype)
              .taskVectors(
                  new double[] {1, -2, 3, 0},
                  new double[] {2, 1, -1, 0},
                  new double[] {-1, -1, -4, 0})
              .taskVectors(new double[] {.5, -.5}, new double[] {1, 1.5}, new double[] {-.25, .25})
              .run();

      assertThat(merged.values(0)).containsExactly(2, -2, -4, 0);
      assertThat(merged.values(1)).containsExactly(1, 1.5);
      List<?> found = (List<?>) requireNonNull(merged.decisions().get(1).get("rescalers"));
      assertThat(found.stream().mapToDouble(r -> (Double) r).toArray())
          .containsExactly(rescalers, WITHIN);
      assertThat(merged.reads()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @MethodSource("rescalers")
  void aVoteOfZeroCountsAsNegative(String variant, double[] rescalers) {
    double[] merged =
        MergeInMemory.of("emr")
            .variant(variant)
            .taskVectors(new double[] {2}, new double[] {-2})
            .run()
            .values();

    assertThat(merged).containsExactly(-2);
  }
}
