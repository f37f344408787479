package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Minimisers of the objective of DAREx 0873fc2, {@code analyticalq.py}, in fp64 over all its grid
 * ({@code dev/golden/paper_codes.py}); the code itself stops in fp16 at .323 for all three rows.
 */
class DarexTest {
  private static final double[] ROWS = {.5, -.2, .1, .3, 1, 2, -.5, .25, -.5, -1, .25, 0};
  private static final double[] ONES = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  private static final double ETA = 0.45;

  private static MergeInMemory darex(double p) {
    return MergeInMemory.of("darex").dtype(DType.F64).set("density", 1 - p).set("eta", ETA);
  }

  private static double q(MergeInMemory.Result merged, int tensor) {
    return (Double) ((List<?>) requireNonNull(merged.decisions().get(tensor).get("q"))).get(0);
  }

  @ParameterizedTest
  @CsvSource({"0, .456", "4, .998", "8, .998"})
  void aRowsDivisorIsTheLeastPointOfItsBound(int from, double expected) {
    MergeInMemory.Result merged =
        darex(0.9)
            .shape("t0", 1, 4)
            .taskVectors(java.util.Arrays.copyOfRange(ROWS, from, from + 4))
            .sides(new double[] {1, 1, 1, 1})
            .run();

    assertThat(q(merged, 0)).isCloseTo(expected, WITHIN);
  }

  @Test
  void aTensorsIsTheMeanOfItsRows() {
    MergeInMemory.Result merged = darex(0.9).shape("t0", 3, 4).taskVectors(ROWS).sides(ONES).run();

    assertThat(q(merged, 0)).isCloseTo((.456 + .998 + .998) / 3, WITHIN);
  }

  @Test
  void activationsScaleTheTermsAndABiasIsOneOfThem() {
    double[] halved = {1, -.4, .2, .6, 2, 4, -1, .5, -1, -2, .5, 0};
    double[] half = {.5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5};
    double[] whole = {.5, -.2, .1, 0, 1, 2, -.5, 0, -.5, -1, .25, 0};

    MergeInMemory.Result scaled =
        darex(0.9).shape("t0", 3, 4).taskVectors(halved).sides(half).run();
    MergeInMemory.Result split =
        darex(0.9)
            .shape("a.weight", 3, 4)
            .tensor("a.weight", f64(new double[12]), f64(whole))
            .sides(ONES)
            .tensor("a.bias", f64(new double[3]), f64(new double[] {.3, .25, 0}))
            .tensor("norm", f64(new double[2]), f64(new double[] {1, 2}))
            .run();

    assertThat(q(scaled, 0)).isCloseTo((.456 + .998 + .998) / 3, WITHIN);
    for (int tensor = 0; tensor < 3; tensor++) {
      assertThat(q(split, tensor)).as("tensor %d", tensor).isCloseTo(q(scaled, 0), WITHIN);
    }
  }

  private static Stored f64(double[] values) {
    return Stored.of(DType.F64, values);
  }

  /** The grid ends below 1. */
  @Test
  void whatIsKeptIsDividedByIt() {
    double[] ones = {8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8};

    MergeInMemory.Result merged = darex(0.5).shape("t0", 1, 16).taskVectors(ones).sides(ones).run();

    double q = q(merged, 0);
    assertThat(merged.values()).containsOnly(0, 8 / q).contains(0, 8 / q);
    assertThat(q).isBetween(0.5, 0.998);
  }

  @Test
  void withoutAnyTableItIsDare() {
    MergeInMemory.Result merged = darex(0.5).shape("t0", 3, 4).taskVectors(ROWS).run();

    assertThat(q(merged, 0)).isEqualTo(0.5);
  }
}
