package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Values as harveyhuang18/EMR_Merging cc225ec gives them, computed apart from it in fp64. */
class EmrTest {

  static List<Arguments> rescalers() {
    return List.of(
        Arguments.of("reference", new double[] {1.3333333333, .8181818182, .7777777778}),
        Arguments.of("paper", new double[] {1.4, .7647058824, .8666666667}));
  }

  private static MergeInMemory fixture(DType dtype) {
    return MergeInMemory.of("emr")
        .dtype(dtype)
        .taskVectors(
            new double[] {1, -2, 3, 0}, new double[] {2, 1, -1, 0}, new double[] {-1, -1, -4, 0})
        .taskVectors(new double[] {.5, -.5}, new double[] {1, 1.5}, new double[] {-.25, .25});
  }

  @ParameterizedTest
  @MethodSource("rescalers")
  void unifiesTaskVectorsAndReportsTheRescalers(String variant, double[] rescalers) {
    for (DType dtype : List.of(DType.F64, DType.F32)) {
      MergeInMemory.Result merged = fixture(dtype).variant(variant).run();

      assertThat(merged.values(0)).containsExactly(2, -2, -4, 0);
      assertThat(merged.values(1)).containsExactly(1, 1.5);
      List<?> found = (List<?>) requireNonNull(merged.decisions().get(1).get("rescalers"));
      assertThat(found.stream().mapToDouble(r -> (Double) r).toArray())
          .containsExactly(rescalers, WITHIN);
      assertThat(merged.reads()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @CsvSource({"0, 1100, 10", "1, 1010, 11", "2, 0110, 01"})
  void aMaskIsWhereAModelAgreesWithTheElectedSign(double model, String first, String second) {
    for (DType dtype : List.of(DType.F64, DType.F32, DType.BF16)) {
      MergeInMemory.Result mask = fixture(dtype).set("part", "mask").set("mask_of", model).run();

      assertThat(mask.values(0)).isEqualTo(bits(first));
      assertThat(mask.values(1)).isEqualTo(bits(second));
    }
  }

  private static double[] bits(String mask) {
    return mask.chars().mapToDouble(c -> c - '0').toArray();
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
