package io.weightloom.linalg.openblas;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.linalg.Crew;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.Gram;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.linalg.Matrix;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Large matrices, which go through a band and in tiles. */
class TwoStagesTest {
  private final DenseLinAlg linAlg = LinAlgRegistry.named("openblas");

  private static Matrix random(int rows, int columns) {
    SplittableRandom random = new SplittableRandom(rows);
    Matrix m = Matrix.zeros(rows, columns);
    Arrays.setAll(m.values(), i -> random.nextDouble() - 0.5);
    return m;
  }

  private static Matrix symmetric(int n) {
    Matrix a = random(n, n);
    a.add(1, a.transposed());
    return a;
  }

  /** Sizes around the multiples of a panel and of a tile, where the last of them are short. */
  @ParameterizedTest
  @ValueSource(ints = {512, 513, 576, 577, 600, 639, 641, 770, 897})
  void eigenvaluesAreThoseOfTheOneStage(int n) {
    Matrix a = symmetric(n);
    double[] expected = linAlg.eigen(a).values();

    double[] found = linAlg.eigenvalues(a);

    assertThat(found).isSorted();
    double size = Math.max(-expected[0], expected[n - 1]);
    assertThat(found).containsExactly(expected, Offset.offset(n * 0x1p-52 * size));
  }

  @Test
  void busyCoresDoNotShow() {
    Matrix a = symmetric(700);
    double[] alone = linAlg.eigenvalues(a);
    double[][] together = new double[6][];
    // Six pieces keep all cores of a small machine: inner calls find nobody to help.
    Crew.forEach(together.length, i -> together[i] = linAlg.eigenvalues(a));

    for (double[] found : together) {
      assertThat(found).isEqualTo(alone);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-200, 1e200, 1e-90, 1e90})
  void sizeOfTheNumbersDoesNotMatter(double scale) {
    Matrix a = symmetric(520);
    double[] expected = Arrays.stream(linAlg.eigenvalues(a)).map(v -> v * scale).toArray();
    a.scale(scale);

    assertThat(linAlg.eigenvalues(a))
        .containsExactly(expected, Offset.offset(520 * 0x1p-52 * expected[519]));
  }

  @Test
  void matricesOfLowRankAndOfZerosHaveTheirZeros() {
    Matrix rows = random(5, 600);
    double[] found = linAlg.eigenvalues(new Gram(linAlg, 600).add(rows).matrix());

    double most = found[599];
    assertThat(Arrays.stream(found).filter(v -> v > 1e-10 * most).count()).isEqualTo(5);
    assertThat(linAlg.eigenvalues(Matrix.zeros(600, 600))).containsOnly(0);
  }

  @Test
  void tiledGramIsTheProduct() {
    Matrix rows = random(70, 1100);

    Matrix gram = new Gram(linAlg, 1100).add(rows).add(rows).matrix();

    Matrix expected = linAlg.multiply(rows, DenseLinAlg.Op.TRANSPOSED, rows, DenseLinAlg.Op.AS_IS);
    expected.scale(2);
    expected.add(-1, gram);
    assertThat(expected.sumOfSquares()).isLessThan(1e-18);
  }
}
