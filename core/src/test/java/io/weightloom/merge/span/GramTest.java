package io.weightloom.merge.span;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Geometry in the span of a few vectors. */
class GramTest {
  private static final Offset<Double> WITHIN = Offset.offset(1e-12);

  /** (1, 2), (3, 4) and (5, 6). */
  private static final Gram GRAM = Gram.of(3, 5, 11, 17, 25, 39, 61);

  @Test
  void knowsProductsOfCombinations() {
    assertThat(GRAM.dot(2, 1)).isEqualTo(39);
    assertThat(GRAM.norm(1)).isEqualTo(5);
    // (1, 2) − (3, 4) = (−2, −2) and 2·(5, 6) = (10, 12)
    assertThat(GRAM.dot(new double[] {1, -1, 0}, new double[] {0, 0, 2})).isEqualTo(-44);
    assertThat(GRAM.norm(new double[] {1, -1, 0})).isCloseTo(Math.sqrt(8), WITHIN);
    // (1, 2) − 2·(3, 4) + (5, 6) = 0
    assertThat(GRAM.norm(new double[] {1, -2, 1})).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 20})
  void eigenvectorsRebuildTheMatrix(int n) {
    Random random = new Random(n);
    double[][] matrix = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = i; j < n; j++) {
        matrix[i][j] = random.nextGaussian();
        matrix[j][i] = matrix[i][j];
      }
    }

    SymmetricEigen eigen = SymmetricEigen.of(matrix);

    assertThat(eigen.values()).isSortedAccordingTo((a, b) -> Double.compare(b, a));
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double rebuilt = 0;
        double product = 0;
        for (int k = 0; k < n; k++) {
          rebuilt += eigen.values()[k] * eigen.vectors()[k][i] * eigen.vectors()[k][j];
          product += eigen.vectors()[i][k] * eigen.vectors()[j][k];
        }
        assertThat(rebuilt).isCloseTo(matrix[i][j], Offset.offset(1e-10));
        assertThat(product).isCloseTo(i == j ? 1 : 0, WITHIN);
      }
    }
  }

  @Test
  void eigenvaluesOfWhatIsNoNumberEnd() {
    double[][] matrix = {{Double.NaN, 1}, {1, 2}};

    assertThat(SymmetricEigen.of(matrix).values()).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(doubles = {1, -1, 1 + 1e-15})
  void anArcWithoutAnAngleIsItsChord(double cosine) {
    assertThat(Arc.slerp(cosine, 0.25)).containsExactly(0.75, 0.25);
  }
}
