package io.weightloom.merge;

import static io.weightloom.linalg.Matrices.assertClose;
import static io.weightloom.linalg.Matrices.random;
import static io.weightloom.merge.MatrixMethodsTest.TEN_DIGITS;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.linalg.Matrix;
import java.util.Arrays;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Steps of Adam, and the minimiser that they go to. Golden values are from {@code
 * dev/golden/matrix_methods.py}, as those of {@link MatrixMethodsTest}.
 */
class WudiTest {
  private static final Matrix TAU1 = Matrix.of(new double[] {1, 0}, new double[] {0, 2});
  private static final Matrix TAU2 = Matrix.of(new double[] {0, 1}, new double[] {1, 1});

  @ParameterizedTest
  @CsvSource({
    "0, 1, 1, 1, 3",
    "1, 0.99999, 0.99999, 0.99999, 2.99999",
    "300, .9970049802, .9970030390, .9970019129, 2.9970016138",
  })
  void takesStepsOfAdamFromTheSum(double steps, double a, double b, double c, double d) {
    assertClose(
        MatrixInMemory.of("wudi").set("iterations", steps).taskVectors(TAU1, TAU2).values(),
        TEN_DIGITS,
        a,
        b,
        c,
        d);
  }

  @Test
  void inClosedFormIsWhereAdamWouldEnd() {
    double[] minimiser =
        MatrixInMemory.of("wudi").variant("closed_form").taskVectors(TAU1, TAU2).values();

    assertClose(minimiser, TEN_DIGITS, .8344370861, .2649006623, .1655629139, 1.7350993377);
    assertClose(
        MatrixInMemory.of("wudi")
            .set("iterations", 3000.0)
            .set("learning_rate", 1e-2)
            .taskVectors(TAU1, TAU2)
            .values(),
        Offset.offset(1e-9),
        minimiser);
  }

  /** At the sum 4.8; 300 small steps from there stay above the least. */
  @Test
  void theLossFallsFromTheSumToTheMinimiser() {
    double[] sum =
        MatrixInMemory.of("wudi").set("iterations", 0.0).taskVectors(TAU1, TAU2).values();
    double[] stepped = MatrixInMemory.of("wudi").taskVectors(TAU1, TAU2).values();
    double[] least =
        MatrixInMemory.of("wudi").variant("closed_form").taskVectors(TAU1, TAU2).values();

    assertThat(loss(sum)).isCloseTo(4.8, TEN_DIGITS);
    assertThat(loss(least)).isCloseTo(.4900662252, TEN_DIGITS);
    assertThat(loss(stepped)).isBetween(4.7, 4.8 - 1e-3);
  }

  /** Eq. 9 of the paper, of 2 × 2 matrices. */
  private static double loss(double[] merged) {
    double loss = 0;
    for (Matrix tau : new Matrix[] {TAU1, TAU2}) {
      Matrix rest = new Matrix(2, 2, merged.clone());
      rest.add(-1, tau);
      double[] product =
          LinAlgRegistry.reference().multiply(rest, Op.AS_IS, tau, Op.TRANSPOSED).values();
      loss += squares(product) / squares(tau.values());
    }
    return loss;
  }

  private static double squares(double[] x) {
    return Arrays.stream(x).map(v -> v * v).sum();
  }

  @Test
  void stepsAreCountedInWholeNumbers() {
    MergeMethod wudi = MergeMethods.named("wudi").orElseThrow();

    assertThat(wudi.problem(params(2.5))).hasValue("iterations: 2.5 is no whole number (round it)");
    assertThat(wudi.problem(params(2))).isEmpty();
  }

  private static Params params(double iterations) {
    return MatrixInMemory.of("wudi").set("iterations", iterations).tensor(2, 2, 2).params();
  }

  @Test
  void leavesTheBaseWhereNothingWasTuned() {
    Matrix base = random(4, 3, 1);

    for (String variant : new String[] {"reference", "closed_form"}) {
      assertThat(MatrixInMemory.of("wudi").variant(variant).run(base, base, base).values())
          .isEqualTo(base.values());
    }
  }
}
