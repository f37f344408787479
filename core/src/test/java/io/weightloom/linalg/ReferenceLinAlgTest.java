package io.weightloom.linalg;

import static org.assertj.core.api.Assertions.assertThat;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** The reference keeps the contract, and agrees with what can be computed by hand. */
class ReferenceLinAlgTest extends LinAlgContract {
  private static final Offset<Double> CLOSE = Offset.offset(1e-15);

  @Override
  protected DenseLinAlg linAlg() {
    return LinAlgRegistry.reference();
  }

  @Test
  void singularValuesOfATwoByTwoMatrixAreTheTextbooks() {
    double[] values = linAlg().svd(Matrix.of(new double[] {3, 0}, new double[] {4, 5})).values();

    assertThat(values)
        .containsExactly(new double[] {Math.sqrt(45), Math.sqrt(5)}, Offset.offset(1e-14));
  }

  @Test
  void eigenvaluesOfATwoByTwoMatrixAreTheTextbooks() {
    Matrix a = Matrix.of(new double[] {2, 1}, new double[] {1, 2});

    assertThat(linAlg().eigen(a).values()).containsExactly(new double[] {1, 3}, CLOSE);
  }

  @Test
  void triangleOfAThreeByThreeMatrixIsTheTextbooks() {
    Matrix a =
        Matrix.of(
            new double[] {12, -51, 4}, new double[] {6, 167, -68}, new double[] {-4, 24, -41});

    Matrix r = linAlg().triangle(a);

    assertThat(new double[] {r.at(0, 0), r.at(1, 1), r.at(2, 2)})
        .usingElementComparator((x, y) -> Math.abs(Math.abs(x) - Math.abs(y)) < 1e-12 ? 0 : 1)
        .containsExactly(14.0, 175.0, 35.0);
  }

  @Test
  void solutionOfTwoEquationsIsExact() {
    Matrix a = Matrix.of(new double[] {4, 2}, new double[] {2, 3});
    Matrix x = linAlg().solve(a, Matrix.of(new double[] {2, 5})).orElseThrow();

    assertThat(x.values()).containsExactly(new double[] {-0.5, 2}, CLOSE);
  }
}
