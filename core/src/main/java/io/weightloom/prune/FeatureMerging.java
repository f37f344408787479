package io.weightloom.prune;

import io.weightloom.kernel.Kernels;
import java.util.Arrays;
import java.util.BitSet;
import java.util.stream.IntStream;

/**
 * Iterative Feature Merging (Chen, Zhou and Yan, 2024, "Going Beyond Neural Network Feature
 * Similarity", section 4): the two features whose incoming and outgoing weights lie nearest to each
 * other become one, and so on. Incoming weights of the new one are the mean over all that it was
 * made of, outgoing weights their sum, so that equal features may be merged without any change of
 * what is computed, whatever the activation between.
 *
 * <p>Distances are Euclidean, of vectors held in fp32, summed in fp64 lanes: the same on every
 * machine. Of equally near pairs the one of the first features goes first. A feature and the one
 * that goes into it are known by the lower of their places.
 */
final class FeatureMerging {
  private static final double NONE = Double.POSITIVE_INFINITY;

  /** Features along a side of a tile of distances. */
  private static final int TILE = 16;

  private final Kernels kernels;
  private final float[][] features;
  private final int incoming;
  private final int[] into;
  private final int[] sizes;
  private final BitSet alive = new BitSet();

  /** Squared distances of feature i to i + 1, i + 2 and so on. */
  private final double[][] distances;

  /** By feature, the nearest one behind it and how far that is. */
  private final int[] nearest;

  private final double[] least;
  private final float[] difference;

  private FeatureMerging(Kernels kernels, float[][] features, int incoming) {
    int n = features.length;
    this.kernels = kernels;
    this.features = features;
    this.incoming = incoming;
    this.into = IntStream.range(0, n).toArray();
    this.sizes = new int[n];
    Arrays.fill(sizes, 1);
    alive.set(0, n);
    this.distances = new double[n][];
    this.nearest = new int[n];
    this.least = new double[n];
    this.difference = new float[features[0].length];
    for (int i = 0; i < n; i++) {
      distances[i] = new double[n - 1 - i];
    }
    for (int first = 0; first < n; first += TILE) {
      for (int second = first; second < n; second += TILE) {
        measure(first, second);
      }
    }
    IntStream.range(0, n).forEach(this::lookBehind);
  }

  /** The distances of a tile, whose features stay in the cache. */
  private void measure(int first, int second) {
    int n = features.length;
    for (int i = first; i < Math.min(n, first + TILE); i++) {
      for (int j = Math.max(i + 1, second); j < Math.min(n, second + TILE); j++) {
        distances[i][j - i - 1] = distance(i, j);
      }
    }
  }

  /**
   * Merges two features, so many times.
   *
   * @param features their weights, all of one length; taken over
   * @param incoming how many of a feature's weights, the first ones, are incoming
   * @param count fewer than there are features
   * @return by new feature in the order of their places, the places it is made of, ascending
   */
  static int[][] groups(Kernels kernels, float[][] features, int incoming, int count) {
    FeatureMerging merging = new FeatureMerging(kernels, features, incoming);
    for (int i = 0; i < count; i++) {
      merging.step();
    }
    return merging.groups();
  }

  private int[][] groups() {
    return alive.stream()
        .mapToObj(g -> IntStream.range(0, into.length).filter(i -> into[i] == g).toArray())
        .toArray(int[][]::new);
  }

  private void step() {
    int a = 0;
    for (int i = alive.nextSetBit(0); i >= 0; i = alive.nextSetBit(i + 1)) {
      a = !alive.get(a) || least[i] < least[a] ? i : a;
    }
    int b = nearest[a];
    merge(a, b);
    for (int i = alive.nextSetBit(0); i >= 0; i = alive.nextSetBit(i + 1)) {
      if (i < a) {
        distances[i][a - i - 1] = distance(i, a);
      } else if (i > a) {
        distances[a][i - a - 1] = distance(a, i);
      }
    }
    for (int i = alive.nextSetBit(0); i >= 0 && i < b; i = alive.nextSetBit(i + 1)) {
      if (i == a || nearest[i] == a || nearest[i] == b) {
        lookBehind(i);
      } else if (i < a) {
        consider(i, a);
      }
    }
  }

  private void merge(int a, int b) {
    float[] x = features[a];
    float[] y = features[b];
    double sum = sizes[a] + sizes[b];
    for (int i = 0; i < incoming; i++) {
      x[i] = (float) ((sizes[a] * (double) x[i] + sizes[b] * (double) y[i]) / sum);
    }
    for (int i = incoming; i < x.length; i++) {
      x[i] += y[i];
    }
    sizes[a] += sizes[b];
    alive.clear(b);
    for (int i = 0; i < into.length; i++) {
      into[i] = into[i] == b ? a : into[i];
    }
  }

  private void lookBehind(int i) {
    least[i] = NONE;
    nearest[i] = Integer.MAX_VALUE;
    for (int j = alive.nextSetBit(i + 1); j >= 0; j = alive.nextSetBit(j + 1)) {
      consider(i, j);
    }
  }

  /** Takes a feature as the nearest one behind {@code i} if it is, the first of equally near. */
  private void consider(int i, int j) {
    double d = distances[i][j - i - 1];
    if (d < least[i] || (d == least[i] && j < nearest[i])) {
      least[i] = d;
      nearest[i] = j;
    }
  }

  private double distance(int a, int b) {
    kernels.subtract(features[a], features[b], difference, difference.length);
    double[] lanes = new double[Kernels.LANES];
    kernels.dot(difference, difference, lanes, difference.length);
    double sum = 0;
    for (double lane : lanes) {
      sum += lane;
    }
    return sum < NONE ? sum : NONE; // Sums that overflowed are as far as can be.
  }
}
