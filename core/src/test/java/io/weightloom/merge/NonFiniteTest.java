package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.DType;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A NaN or an infinity is an error that says where it lies, unless the recipe keeps it. */
class NonFiniteTest {
  private static final int N = 20_000;
  private static final int AT = 12_345;

  static List<MethodCase> all() {
    return MethodCase.all();
  }

  static List<MethodCase> ofTaskVectors() {
    return MethodCase.ofTaskVectors();
  }

  private static double[] with(double value) {
    double[] values = RandomModels.base(N, 1);
    values[AT] = value;
    return values;
  }

  private static MergeInMemory last(MethodCase method, DType dtype, double value) {
    int models = method.models();
    double[][] values = new double[models][];
    for (int k = 0; k < models; k++) {
      values[k] = k == models - 1 ? with(value) : RandomModels.base(N, k);
    }
    return method.busy(models).dtype(dtype).tensor(RandomModels.base(N, 9), values);
  }

  @ParameterizedTest
  @MethodSource("all")
  void sayWhereInAModel(MethodCase method) {
    for (DType dtype : List.of(DType.BF16, DType.F16, DType.F32, DType.F64)) {
      String model = MergeInMemory.modelName(method.models() - 1);

      assertThatThrownBy(() -> last(method, dtype, Double.NaN).run())
          .isInstanceOf(WeightloomException.class)
          .hasMessage(
              "Cannot merge t0: %s holds NaN at element 12345 of t0 (mend the model, or set"
                  + " weightloom: {non_finite: keep} to merge it as it is)",
              model)
          .extracting(e -> ((WeightloomException) e).kind())
          .isEqualTo(WeightloomException.Kind.INPUT);
      assertThatThrownBy(() -> last(method, dtype, Double.NEGATIVE_INFINITY).run())
          .hasMessageContaining("%s holds -Infinity at element 12345", model);
    }
  }

  @ParameterizedTest
  @MethodSource("ofTaskVectors")
  void sayThatItIsTheBase(MethodCase method) {
    MergeInMemory merge =
        method
            .busy(1)
            .dtype(DType.F32)
            .tensor(with(Double.POSITIVE_INFINITY), RandomModels.base(N, 1));

    assertThatThrownBy(merge::run)
        .hasMessageContaining("the base model holds Infinity at element 12345 of t0");
  }

  @ParameterizedTest
  @MethodSource("all")
  void areMergedIfAsked(MethodCase method) {
    for (double value : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      double[] merged = last(method, DType.F32, value).keepNonFinite().run().values();

      assertThat(merged).hasSize(N);
    }
  }

  @ParameterizedTest
  @CsvSource({"linear, NaN", "linear, -Infinity", "task_arithmetic, NaN", "passthrough, -Infinity"})
  void stayWhatTheyAreIfAsked(String method, double value) {
    double[] merged =
        MergeInMemory.of(method)
            .dtype(DType.BF16)
            .keepNonFinite()
            .tensor(new double[2], new double[] {1, value})
            .run()
            .values();

    assertThat(merged).containsExactly(1, value);
  }

  @Test
  void positionIsThatInTheTensorNotInTheSpan() {
    double[] values = new double[Span.GRAIN + 100];
    values[Span.GRAIN + 7] = Double.NaN;
    MergeInMemory merge =
        MergeInMemory.of("linear").dtype(DType.BF16).grains(1).tensor(values, values);

    assertThatThrownBy(merge::run).hasMessageContaining("at element 1048583 of t0");
  }
}
