package io.weightloom.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.recipe.ParamValue.Case;
import io.weightloom.recipe.ParamValue.Filtered;
import io.weightloom.recipe.ParamValue.Gradient;
import io.weightloom.recipe.ParamValue.Scalar;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ParamValueTest {

  @ParameterizedTest
  @CsvSource({"0, 0", "0.125, 0.25", "0.25, 0.5", "0.5, 1", "0.75, 0.5", "1, 0"})
  void gradientInterpolatesBetweenItsPoints(double position, double expected) {
    assertThat(new Gradient(List.of(0.0, 1.0, 0.0)).at("any", position)).contains(expected);
  }

  @Test
  void gradientOfOnePointIsAConstant() {
    assertThat(new Gradient(List.of(0.5)).at("any", 0.3)).contains(0.5);
  }

  @Test
  void firstMatchingFilterHolds() {
    ParamValue value =
        new Filtered(
            List.of(
                new Case("mlp", new Gradient(List.of(0.0, 1.0))),
                new Case("layers.1.", new Scalar(2.0)),
                new Case("*", new Scalar(3.0)),
                new Case("norm", new Scalar(4.0))));

    assertThat(value.at("layers.1.mlp.up", 0.5)).contains(0.5);
    assertThat(value.at("layers.1.norm", 0.5)).contains(2.0);
    assertThat(value.at("norm", 1)).contains(3.0);
  }

  @Test
  void withoutMatchThereIsNoValue() {
    assertThat(new Filtered(List.of(new Case("mlp", new Scalar(1.0)))).at("norm", 0)).isEmpty();
    assertThat(new Filtered(List.of(new Case("", new Scalar(1.0)))).at("norm", 0)).contains(1.0);
  }
}
