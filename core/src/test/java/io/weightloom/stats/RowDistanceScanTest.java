package io.weightloom.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weightloom.analysis.Goldens;
import io.weightloom.analysis.InMemory;
import io.weightloom.error.WeightloomException;
import io.weightloom.merge.Stored;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The golden values are those of dev/golden/statistics.py. */
class RowDistanceScanTest {
  private static final Goldens GOLDEN = Goldens.of("embedding");

  private static List<RowDistanceScan.Distances> distances(
      TensorSpec tensor, byte[] data, RowSet unused) {
    List<TensorSpec> tensors = List.of(tensor);
    RowMeansScan.Means means = InMemory.scan(new RowMeansScan(unused), tensors, data);
    return InMemory.scan(new RowDistanceScan(Map.of(tensor.name(), means)), tensors, data).each();
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16", "F32", "F64"})
  void distancesAreThoseOfNumPy(DType dtype) {
    TensorSpec tensor =
        new TensorSpec("w", dtype, Shape.of(GOLDEN.count("rows"), GOLDEN.count("columns")));
    List<RowDistanceScan.Distances> found =
        distances(tensor, GOLDEN.bytes(dtype + ".bytes"), RowSet.of(GOLDEN.text("unused")));

    assertThat(found).hasSize((int) GOLDEN.count("rows"));
    for (int r = 0; r < found.size(); r++) {
      double[] expected = GOLDEN.numbers(dtype + "." + r);
      RowDistanceScan.Distances d = found.get(r);
      double[] of = {
        d.l2(), d.toMean(), d.toUnused(), d.cosineToUnused(), d.centredCosineToUnused()
      };
      assertThat(d.row()).isEqualTo(r);
      for (int i = 0; i < of.length; i++) {
        if (Double.isNaN(expected[i])) {
          assertThat(of[i]).isNaN();
        } else {
          assertThat(of[i]).as("row %d, %d", r, i).isCloseTo(expected[i], within(1e-11));
        }
      }
    }
  }

  /** A row of 70,000 elements is cut between blocks. */
  @Test
  void aRowLongerThanABlockIsOneRow() {
    int columns = 70_000;
    double[] values = new double[3 * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = i / columns + 1;
    }
    values[5] = Double.NaN;
    TensorSpec tensor = new TensorSpec("w", DType.F32, Shape.of(3, columns));
    List<RowDistanceScan.Distances> found =
        distances(tensor, Stored.of(DType.F32, values).bytes(), RowSet.of("1"));

    assertThat(found.get(0).toUnused())
        .isCloseTo(Math.sqrt((columns - 1) + 4), within(1e-9 * columns));
    assertThat(found.get(1).toUnused()).isZero();
    assertThat(found.get(2).toUnused()).isCloseTo(Math.sqrt(columns), within(1e-9));
    assertThat(found.get(2).cosineToUnused()).isCloseTo(0, within(1e-12));
  }

  @Test
  void rowsAreNumbersAndRanges() {
    RowSet rows = RowSet.of("3, 7-9,4-4");

    assertThat(rows.size()).isEqualTo(5);
    assertThat(rows.last()).isEqualTo(9);
    assertThat(List.of(3L, 4L, 7L, 8L, 9L)).allMatch(rows::contains);
    assertThat(List.of(0L, 5L, 6L, 10L, 1L << 40)).noneMatch(rows::contains);
    assertThat(rows).hasToString("3, 7-9,4-4");
  }

  @ParameterizedTest
  @CsvSource({
    "'', neither a number",
    "'1,', neither a number",
    "x, neither a number",
    "-3, neither a number",
    "9-7, ends before it begins",
    "1234567890, neither a number"
  })
  void whatIsNoSetOfRowsIsRefused(String text, String why) {
    assertThatThrownBy(() -> RowSet.of(text))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("Cannot read the rows")
        .hasMessageContaining(why);
  }
}
