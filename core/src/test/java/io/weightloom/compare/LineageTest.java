package io.weightloom.compare;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.analysis.Goldens;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The golden values are SciPy's and NetworkX's, see dev/golden/statistics.py. */
class LineageTest {
  private static final Goldens GOLDEN = Goldens.of("lineage");

  private static double[][] matrix(double[] values) {
    int n = (int) Math.sqrt(values.length);
    double[][] rows = new double[n][n];
    for (int i = 0; i < values.length; i++) {
      rows[i / n][i % n] = values[i];
    }
    return rows;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void clustersAreThoseOfSciPy(int test) {
    int[] found = Lineage.clusters(matrix(GOLDEN.numbers(test + ".distances")), 3);
    long[] expected = GOLDEN.counts(test + ".clusters");

    Map<Long, Integer> names = new HashMap<>();
    for (int i = 0; i < found.length; i++) {
      assertThat(names.computeIfAbsent(expected[i], name -> names.size())).isEqualTo(found[i]);
    }
    assertThat(names).hasSize(3);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void theTreeIsNetworkXs(int test) {
    int[] found = Lineage.arborescence(matrix(GOLDEN.numbers(test + ".cost")));
    long[] expected = GOLDEN.counts(test + ".parents");

    for (int i = 0; i < found.length; i++) {
      assertThat((long) found[i]).isEqualTo(expected[i]);
    }
  }

  /** A chain 2 → 0 → 1, its kurtosis falling. */
  @Test
  void aChainIsFoundByDistanceAndDirectedByKurtosis() {
    double[][] d = {{0, 1, 1.1}, {1, 0, 2}, {1.1, 2, 0}};
    List<Lineage.Edge> edges =
        Lineage.of(d, d, new double[] {2, 1, 3}, 1, Lineage.Direction.FALLING);

    assertThat(edges).extracting(Lineage.Edge::parent).containsExactly(2, 0, -1);
    assertThat(edges.get(0).kurtosisMargin()).isEqualTo(0.2);
    assertThat(edges.get(1).distanceMargin()).isEqualTo(1);
    List<Lineage.Edge> other =
        Lineage.of(d, d, new double[] {2, 1, 3}, 1, Lineage.Direction.RISING);
    assertThat(other).extracting(Lineage.Edge::parent).containsExactly(1, -1, 0);
  }
}
