package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.linalg.Matrix;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which directions KnOTS takes: values of {@code dev/golden/matrix_methods.py}, NumPy 2.4.6. */
class KnotsTest {
  private static final Matrix DELTA1 =
      Matrix.of(new double[] {3, 1, 0}, new double[] {0, 2, 0}, new double[] {0, 0, 1});
  private static final Matrix DELTA2 =
      Matrix.of(new double[] {1, 0, 2}, new double[] {0, 1, 0}, new double[] {2, 0, 1});

  private static MatrixInMemory.Result merged(double leastSingularValue) {
    return MatrixInMemory.of("knots")
        .set("keep", 1.0)
        .set("lambda", 1.0)
        .set("min_singular_value", leastSingularValue)
        .taskVectors(DELTA1, DELTA2);
  }

  /** σ of [τ₁|τ₂] are 4.1009214249, 2.3026642402 and 1.9698174696. */
  @ParameterizedTest
  @CsvSource({
    "1.9698174, 3",
    "1.9698175, 2",
    "2.3026642, 2",
    "2.3026643, 1",
    "4.1009214, 1",
    "4.1009215, 0"
  })
  void directionsOfSmallerSingularValuesAreLeftOut(double least, int rank) {
    assertThat(merged(least).decisions()).isEqualTo(Map.of("rank", rank));
  }

  @Test
  void whatIsLeftMergesWithoutThem() {
    assertThat(merged(2.2).values())
        .containsExactly(
            new double[] {
              1.8987032226,
              .7811473416,
              1.1144397141,
              -.5476948424,
              .9978700891,
              -.2043896382,
              1.5246203943,
              -.5305119419,
              .7840575885
            },
            Offset.offset(6e-11));
  }
}
