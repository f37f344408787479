package io.weightloom.linalg;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;

/** Matrices for tests. */
public final class Matrices {

  private Matrices() {}

  /** Elements between −1 and 1, most of them small. */
  public static Matrix random(int rows, int columns, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Matrix m = Matrix.zeros(rows, columns);
    Arrays.setAll(m.values(), i -> random.nextDouble() + random.nextDouble() - 1);
    return m;
  }

  /** That all elements are as expected. */
  public static void assertClose(double[] actual, Offset<Double> offset, double... expected) {
    assertThat(actual).containsExactly(expected, offset);
  }
}
