package io.weightloom.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import org.junit.jupiter.api.Test;

/** One implementation is chosen, by name or by rank, and the answers of the others are kept. */
class LinAlgRegistryTest {

  @Test
  void coreAloneHasTheReference() {
    assertThat(LinAlgRegistry.get().name()).isEqualTo("reference");
    assertThat(LinAlgRegistry.answers()).containsOnlyKeys("reference");
  }

  @Test
  void nameThatIsNotThereIsAnError() {
    assertThatThrownBy(() -> LinAlgRegistry.named("mkl"))
        .hasMessage(
            "Cannot use the mkl linear algebra: there are [reference] (set -Dweightloom.linalg to one of them)");
  }

  @Test
  void matrixThatDoesNotFitItsArrayIsRefused() {
    assertThatThrownBy(() -> new Matrix(2, 3, new double[5]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("2 × 3 matrix in an array of 5");
    assertThatThrownBy(() -> Matrix.zeros(1 << 20, 1 << 20))
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith("Cannot hold a 1048576 × 1048576 matrix: an array has 2147483639");
  }
}
