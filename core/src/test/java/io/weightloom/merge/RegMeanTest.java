package io.weightloom.merge;

import static io.weightloom.linalg.Matrices.assertClose;
import static io.weightloom.linalg.Matrices.random;
import static io.weightloom.merge.MatrixMethodsTest.CLOSE;
import static io.weightloom.merge.MatrixMethodsTest.TEN_DIGITS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.linalg.Gram;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.linalg.Matrix;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The solution of the regression, and Gram matrices that have none. Golden values are from {@code
 * dev/golden/matrix_methods.py}, as those of {@link MatrixMethodsTest}.
 */
class RegMeanTest {
  private static final Matrix GRAM1 = Matrix.of(new double[] {2, 1}, new double[] {1, 2});
  private static final Matrix GRAM2 = Matrix.of(new double[] {4, 0}, new double[] {0, 1});
  private static final Matrix W1 = Matrix.of(new double[] {1, 2}, new double[] {3, 4});
  private static final Matrix W2 = Matrix.of(new double[] {5, 6}, new double[] {7, 8});

  private static MatrixInMemory regmean() {
    return MatrixInMemory.of("regmean");
  }

  @ParameterizedTest
  @CsvSource({
    "1, 3.5882352941, 2.4705882353, 5.5882352941, 4.4705882353",
    "0.9, 3.5828970332, 2.5584642234, 5.5828970332, 4.5584642234",
    "0, 3.6666666667, 3.3333333333, 5.6666666667, 5.3333333333",
  })
  void solvesForTheWeights(double factor, double a, double b, double c, double d) {
    assertClose(
        regmean().grams(GRAM1, GRAM2).set("off_diagonal", factor).run(null, W1, W2).values(),
        TEN_DIGITS,
        a,
        b,
        c,
        d);
  }

  @Test
  void ofEqualModelsIsThatModelAndOfEqualGramsTheMean() {
    Matrix x = random(9, 4, 2);
    Matrix gram = gram(random(9, 4, 3));

    assertClose(
        regmean().grams(gram(x), gram).run(null, weights(), weights()).values(),
        CLOSE,
        weights().values());
    Matrix mean = random(5, 4, 4);
    mean.add(1, random(5, 4, 5));
    mean.scale(.5);
    assertClose(
        regmean().grams(gram, gram).run(null, random(5, 4, 4), random(5, 4, 5)).values(),
        CLOSE,
        mean.values());
  }

  @Test
  void ofScaledGramsIsTheSame() {
    Matrix first = GRAM1.copy();
    Matrix second = GRAM2.copy();
    first.scale(1024);
    second.scale(1024);

    assertClose(
        regmean().grams(first, second).run(null, W1, W2).values(),
        CLOSE,
        regmean().grams(GRAM1, GRAM2).run(null, W1, W2).values());
  }

  private static Matrix weights() {
    return random(5, 4, 6);
  }

  private static Matrix gram(Matrix x) {
    return new Gram(LinAlgRegistry.reference(), x.columns()).add(x).matrix();
  }

  /** The second input was never active: its column is averaged, and the record says why. */
  @Test
  void averagesColumnsThatNoModelHasUsed() {
    Matrix seen = Matrix.of(new double[] {2, 0}, new double[] {0, 0});

    MatrixInMemory.Result merged = regmean().grams(seen, seen.copy()).run(null, W1, W2);

    assertClose(merged.values(), Offset.offset(1e-8), 3, 4, 5, 6);
    assertThat((Double) merged.decisions().get("ridge")).isPositive();
  }

  @Test
  void refusesGramsThatAreNone() {
    Matrix negative = Matrix.of(new double[] {-9, 0}, new double[] {0, -9});

    assertThatThrownBy(() -> regmean().grams(GRAM1, negative).run(null, W1, W2))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot merge model.layers.0.mlp.up_proj.weight by regmean: the sum of the Gram matrices is not positive definite, its mean diagonal is -7.0 (see how they were computed)");
  }
}
