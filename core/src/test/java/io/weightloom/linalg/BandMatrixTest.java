package io.weightloom.linalg;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BandMatrixTest {
  private final DenseLinAlg reference = LinAlgRegistry.reference();

  @ParameterizedTest
  @CsvSource({"1,4", "2,1", "3,2", "5,4", "9,3", "40,7", "64,64", "97,16", "150,1", "30,50"})
  void eigenvaluesStayWhatTheyWere(int n, int width) {
    SplittableRandom random = new SplittableRandom(n * 100L + width);
    BandMatrix band = new BandMatrix(n, width);
    Matrix full = Matrix.zeros(n, n);
    for (int j = 0; j < n; j++) {
      double[] column = new double[width + 1];
      for (int i = 0; i <= width && j + i < n; i++) {
        column[i] = random.nextDouble() - 0.5;
        full.values()[(j + i) * n + j] = column[i];
        full.values()[j * n + j + i] = column[i];
      }
      band.setColumn(j, column);
    }
    double[] diagonal = new double[n];
    double[] below = new double[Math.max(0, n - 1)];

    band.toTridiagonal(diagonal, below);

    Matrix tridiagonal = Matrix.zeros(n, n);
    for (int i = 0; i < n; i++) {
      tridiagonal.values()[i * n + i] = diagonal[i];
      if (i + 1 < n) {
        tridiagonal.values()[i * n + i + 1] = below[i];
      }
    }
    assertThat(reference.eigenvalues(tridiagonal))
        .containsExactly(reference.eigenvalues(full), Offset.offset(1e-13 * n));
  }

  @Test
  void everyPieceIsDoneOnceAndMayWaitForThoseBefore() {
    int count = 200;
    AtomicIntegerArray done = new AtomicIntegerArray(count);

    Crew.forEach(
        count,
        i -> {
          while (i > 0 && done.get(i - 1) == 0) {
            Thread.onSpinWait();
          }
          done.incrementAndGet(i);
        });

    for (int i = 0; i < count; i++) {
      assertThat(done.get(i)).isEqualTo(1);
    }
  }

  @Test
  void failureOfAPieceReachesTheCaller() {
    org.assertj.core.api.Assertions.assertThatThrownBy(
            () ->
                Crew.forEach(
                    50,
                    i -> {
                      throw new IllegalArgumentException("piece");
                    }))
        .isInstanceOfAny(IllegalArgumentException.class, IllegalStateException.class);
  }
}
