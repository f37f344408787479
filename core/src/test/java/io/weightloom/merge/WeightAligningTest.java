package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.DType;
import java.util.Arrays;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A classifier's new rows get the norm of its old ones. */
class WeightAligningTest {
  private static final String HEAD = "head.weight";
  private static final double[] ROWS = {1, 0.5, -0.25, 0.75, 0.5, 1, 0.25, -0.5, 0.25, -0.5, 1, 1};

  private static MergeInMemory aligning(double firstNew) {
    return MergeInMemory.of("weight_aligning")
        .set("first_new", firstNew)
        .dtype(DType.F64)
        .shape(HEAD, 3, 4);
  }

  private static MergeInMemory.Result aligned(double firstNew, double... rows) {
    return aligning(firstNew).tensor(HEAD, rows, rows).run();
  }

  /** Golden: dev/golden/span.py, numpy 2.4.6. */
  @Test
  void newRowsAreScaledByTheRatioOfMeanNorms() {
    MergeInMemory.Result merged = aligned(2, ROWS);

    double[] wanted = ROWS.clone();
    System.arraycopy(
        new double[] {0.2153056593, -0.4306113186, 0.8612226372, 0.8612226372}, 0, wanted, 8, 4);
    assertThat(merged.values()).containsExactly(wanted, WITHIN);
    assertThat(Arrays.copyOf(merged.values(), 8)).isEqualTo(Arrays.copyOf(ROWS, 8));
    assertThat((Double) merged.decisions().get(0).get("gamma"))
        .isCloseTo(0.8612226372, Offset.offset(1e-10));
  }

  @ParameterizedTest
  @CsvSource({"1", "257", "1021"})
  void meanNormsAreThenTheSame(int firstNew) {
    int rows = 1031;
    int columns = 1021;
    double[] weights = RandomModels.distinct(rows * columns, firstNew);

    double[] merged =
        MergeInMemory.of("weight_aligning")
            .set("first_new", (double) firstNew)
            .dtype(DType.F32)
            .grains(1)
            .shuffled(3)
            .shape(HEAD, rows, columns)
            .tensor(HEAD, weights, weights)
            .run()
            .values();

    double old = meanNorm(merged, 0, firstNew, columns);
    assertThat(meanNorm(merged, firstNew, rows, columns)).isCloseTo(old, Offset.offset(1e-6 * old));
  }

  private static double meanNorm(double[] values, int from, int to, int columns) {
    double sum = 0;
    for (int row = from; row < to; row++) {
      double square = 0;
      for (int c = 0; c < columns; c++) {
        square += values[row * columns + c] * values[row * columns + c];
      }
      sum += Math.sqrt(square);
    }
    return sum / (to - from);
  }

  @Test
  void whatIsNoMatrixOrHasNoNewRowsStays() {
    double[] bias = {3, -4, 5};

    assertThat(aligned(0, ROWS).values()).isEqualTo(ROWS);
    assertThat(aligning(1).tensor("head.bias", bias, bias).run().values()).isEqualTo(bias);
  }

  @Test
  void aMatrixWithoutRowsFromThereOnIsAnError() {
    assertThatThrownBy(() -> aligned(3, ROWS))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot align head.weight: it has 3 rows and the new ones begin at row 3 (name the"
                + " classifier alone: first_new: [{filter: NAME, value: 3}, {value: 0}])");
  }

  @Test
  void newRowsOfZerosAreAnError() {
    double[] weights = ROWS.clone();
    Arrays.fill(weights, 8, 12, 0);

    assertThatThrownBy(() -> aligned(2, weights))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("Cannot align head.weight: its rows from 2 on are 0 throughout");
  }

  @Test
  void halfARowIsNone() {
    MergeMethod method = MergeMethods.named("weight_aligning").orElseThrow();

    assertThat(method.problem(aligning(1.5).params(1)))
        .hasValueSatisfying(
            problem ->
                assertThat(problem).isEqualTo("first_new: 1.5 is no whole number (round it)"));
    assertThat(method.problem(aligning(2).params(1))).isEmpty();
  }
}
