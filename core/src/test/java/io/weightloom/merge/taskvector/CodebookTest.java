package io.weightloom.merge.taskvector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The clustering is the best one there is, and depends on nothing but the values. */
class CodebookTest {

  private static Codebook.Found found(int most, double... values) {
    Codebook.Tally tally = new Codebook.Tally(most);
    tally.add(values, values.length);
    return tally.found();
  }

  /** The least cost of any clustering into runs, by trying all of them. */
  private static double least(double[] points, long[] weights, int from, int clusters) {
    if (clusters == 1) {
      return cost(points, weights, from, points.length);
    }
    double least = Double.POSITIVE_INFINITY;
    for (int end = from + 1; end <= points.length - clusters + 1; end++) {
      least =
          Math.min(
              least, cost(points, weights, from, end) + least(points, weights, end, clusters - 1));
    }
    return least;
  }

  private static double cost(double[] points, long[] weights, int from, int to) {
    double sum = 0;
    double all = 0;
    for (int i = from; i < to; i++) {
      sum += weights[i] * points[i];
      all += weights[i];
    }
    double cost = 0;
    for (int i = from; i < to; i++) {
      cost += weights[i] * Math.pow(points[i] - sum / all, 2);
    }
    return cost;
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "2, 2", "3, 3", "4, 4", "5, 5", "6, 2", "7, 3", "8, 4"})
  void noClusteringIsBetter(long seed, int clusters) {
    Random random = new Random(seed);
    double[] points = random.doubles(13).map(x -> Math.pow(x, 3) - 0.25).sorted().toArray();
    long[] weights = random.longs(13, 1, 20).toArray();

    double[] means = Codebook.clusters(points, weights, clusters);

    double cost = 0;
    for (int i = 0; i < points.length; i++) {
      double x = points[i];
      cost += weights[i] * Arrays.stream(means).map(m -> (x - m) * (x - m)).min().orElseThrow();
    }
    assertThat(means).hasSize(clusters).isSorted();
    assertThat(cost).isCloseTo(least(points, weights, 0, clusters), within(1e-12));
  }

  /** {−3.9}, {1.2, 4, 4.1}: 5.42 of squares; the next best split has more than 13. */
  @Test
  void centroidsAreMeansOfClusters() {
    Codebook book = Codebook.of(List.of(found(2, 4, 0, -3.9, 1.2, 4.1)), 2);

    assertThat(book.centroids().get(0)).isEqualTo((float) -3.9);
    assertThat(book.centroids().get(1)).isCloseTo(9.3 / 3, within(1e-6));
    double low = book.centroids().get(0);
    double high = book.centroids().get(1);
    double[] values = {4, 0, -3.9, 1.2, -0.5};
    book.round(values, 5);
    assertThat(values).containsExactly(high, 0, low, high, low);
  }

  @Test
  void noMoreValuesThanCentroidsStandForThemselves() {
    double[] values = {0x1.000002p-3, 0x1p-3, -7, 0, 0x1p-3, -0.0};

    Codebook book = Codebook.of(List.of(found(3, values)), 3);

    assertThat(book.centroids()).containsExactly(-7.0, 0x1p-3, 0x1.000002p-3);
    double[] rounded = values.clone();
    book.round(rounded, rounded.length);
    assertThat(rounded).containsExactly(0x1.000002p-3, 0x1p-3, -7, 0, 0x1p-3, 0);
  }

  @Test
  void aVectorOfZerosNeedsNone() {
    assertThat(Codebook.of(List.of(found(4, 0, -0.0)), 4).centroids()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 16, 256})
  void neitherPartsNorTheirOrderShow(int most) {
    Random random = new Random(most);
    double[] values = random.doubles(3000).map(x -> (float) ((x - 0.4) * 1e-2)).toArray();
    List<Codebook.Found> parts = new ArrayList<>();
    for (int at = 0; at < values.length; at += 700) {
      parts.add(0, found(most, Arrays.copyOfRange(values, at, Math.min(3000, at + 700))));
    }

    List<Double> whole = Codebook.of(List.of(found(most, values)), most).centroids();

    assertThat(whole).hasSize(most).isSorted();
    assertThat(Codebook.of(parts, most).centroids()).isEqualTo(whole);
    double mean = Arrays.stream(values).average().orElseThrow();
    if (most == 1) {
      assertThat(whole.get(0)).isCloseTo(mean, within(1e-9));
    }
  }
}
