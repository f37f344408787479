package io.weightloom.merge;

import static io.weightloom.linalg.Matrices.assertClose;
import static io.weightloom.linalg.Matrices.random;
import static io.weightloom.merge.MatrixMethodsTest.CLOSE;
import static io.weightloom.merge.MatrixMethodsTest.DELTA1;
import static io.weightloom.merge.MatrixMethodsTest.DELTA2;
import static io.weightloom.merge.MatrixMethodsTest.TEN_DIGITS;

import io.weightloom.linalg.Matrix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Directions that tasks share are scaled down. Golden values are from {@code
 * dev/golden/matrix_methods.py}, as those of {@link MatrixMethodsTest}; where it divides 0 by 0 a
 * task counts as α.
 */
class SingularValueCalibrationTest {

  private static MatrixInMemory svc(double scaling, double alpha) {
    return MatrixInMemory.of("svc").set("scaling", scaling).set("alpha", alpha);
  }

  /** Both tasks have the first direction, one the second: γ is ½ and 1. */
  @Test
  void calibratesByHand() {
    Matrix one = Matrix.of(new double[] {2, 0}, new double[] {0, 0});
    Matrix two = Matrix.of(new double[] {2, 0}, new double[] {0, 1});

    assertClose(svc(2, 1).taskVectors(one, two).values(), TEN_DIGITS, 2, 0, 0, 1);
  }

  @ParameterizedTest
  @CsvSource({
    "0.6, 0.1, 2.7802308974, .5409040125, .4025380307, -.121998087, 1.4907773314, .3099635269,"
        + " .3816529818, .1253102933, 2.3568078178",
    "2, 1, 2.3954968124, .5742880947, 1.0145175194, .0148375043, 1.4789038562, .0923052054,"
        + " 1.0026127739, .0714284732, 1.3690745474"
  })
  void calibratesAsTheFormula(
      double scaling,
      double alpha,
      double a,
      double b,
      double c,
      double d,
      double e,
      double f,
      double g,
      double h,
      double i) {
    assertClose(
        svc(scaling, alpha).taskVectors(DELTA1, DELTA2).values(),
        TEN_DIGITS,
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
        i);
  }

  /** However it was scaled, for M is then as much larger than the task. */
  @ParameterizedTest
  @CsvSource({"1", "0.3", "4"})
  void oneModelIsThatModel(double scaling) {
    Matrix base = random(6, 4, 7);
    Matrix model = random(6, 4, 8);

    assertClose(svc(scaling, 0.1).run(base, model).values(), CLOSE, model.values());
  }
}
