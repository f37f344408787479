package io.weightloom.stats;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.testkit.Seeds;
import java.math.BigDecimal;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExactSumTest {

  @ParameterizedTest
  @ValueSource(
      doubles = {
        0,
        1,
        -1,
        0.1,
        Double.MIN_VALUE,
        -Double.MIN_VALUE,
        Double.MIN_NORMAL,
        Double.MAX_VALUE,
        -Double.MAX_VALUE,
        0x1.fffffffffffffp-1023,
        Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY,
        Double.NaN
      })
  void aSumOfOneTermIsThatTerm(double x) {
    assertThat(ExactSum.of(x).value()).isEqualTo((Double) x);
  }

  @ParameterizedTest
  @Seeds(40)
  void isTheCorrectlyRoundedSumInEveryOrder(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int spread = 1 + (int) (seed & 1023);
    double[] terms = new double[200];
    for (int i = 0; i < terms.length; i++) {
      terms[i] = Math.scalb(random.nextDouble() - 0.5, random.nextInt(2 * spread) - spread);
    }
    BigDecimal truth = BigDecimal.ZERO;
    ExactSum forwards = ExactSum.ZERO;
    ExactSum backwards = ExactSum.ZERO;
    for (int i = 0; i < terms.length; i++) {
      truth = truth.add(new BigDecimal(terms[i]));
      forwards = forwards.plus(ExactSum.of(terms[i]));
      backwards = ExactSum.of(terms[terms.length - 1 - i]).plus(backwards);
    }

    assertThat(forwards).isEqualTo(backwards);
    assertThat(forwards.value()).isEqualTo(Double.parseDouble(truth.toString()));
  }

  @Test
  void roundsTiesToEvenAndWhatLiesBeyondThemAway() {
    ExactSum tie = ExactSum.of(1).plus(ExactSum.of(0x1p-53));
    assertThat(tie.value()).isEqualTo(1);
    assertThat(tie.plus(ExactSum.of(Double.MIN_VALUE)).value()).isEqualTo(Math.nextUp(1.0));
    assertThat(tie.plus(ExactSum.of(-Double.MIN_VALUE)).value()).isEqualTo(1);
  }

  @Test
  void whatCancelsOutLeavesNothing() {
    ExactSum sum = ExactSum.of(1e300).plus(ExactSum.of(1e-300)).plus(ExactSum.of(-1e300));
    assertThat(sum).isEqualTo(ExactSum.of(1e-300));
    assertThat(sum.plus(ExactSum.of(-1e-300))).isEqualTo(ExactSum.ZERO);
  }

  @Test
  void overflowsOnlyWhereTheWholeSumDoes() {
    ExactSum max = ExactSum.of(Double.MAX_VALUE);
    assertThat(max.plus(max).value()).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(max.plus(max).plus(ExactSum.of(-Double.MAX_VALUE)).value())
        .isEqualTo(Double.MAX_VALUE);
  }

  @Test
  void infinitiesAndNansAreAddedAsDoublesAre() {
    ExactSum up = ExactSum.of(Double.POSITIVE_INFINITY);
    ExactSum down = ExactSum.of(Double.NEGATIVE_INFINITY);
    assertThat(up.plus(ExactSum.of(-7)).value()).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(ExactSum.of(1).plus(down).value()).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(up.plus(down).value()).isNaN();
    assertThat(up.plus(down).plus(up)).isEqualTo(up.plus(down.plus(up)));
  }
}
