package io.weightloom.merge.taskvector;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A few values that stand for all those of a vector that are not 0: the centroids of a k-means of
 * scalars. Where there are no more values than centroids, they are the values themselves.
 *
 * <p>Otherwise values that share the top 16 bits of their fp32 form make a cell, of which counts
 * and sums are kept, both exact; the centroids are those of the best clustering of cells into runs,
 * found by dynamic programming. So there is no start, no iteration, and nothing depends on the
 * order of the values; a cell is never torn apart.
 */
public final class Codebook implements Serializable {
  private static final long serialVersionUID = 1;
  private static final int CELLS = 1 << 16;
  private static final int LOW = CELLS - 1;

  private final float[] centroids;

  /** A value above the i-th of these belongs to a centroid behind the i-th. */
  private final double[] bounds;

  /**
   * @param centroids ascending; given to the book
   */
  private Codebook(float[] centroids) {
    this.centroids = centroids;
    this.bounds = new double[Math.max(0, centroids.length - 1)];
    Arrays.setAll(bounds, i -> ((double) centroids[i] + centroids[i + 1]) / 2);
  }

  /** Of a vector of zeros. */
  public static Codebook empty() {
    return new Codebook(new float[0]);
  }

  /**
   * What lies in a part of the vector.
   *
   * @param distinct its values, ascending; null if they are more than was asked for
   * @param cells the top bits that occur, ascending as numbers without sign
   * @param counts values of each cell
   * @param lows sums of their lower bits
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Found(float @Nullable [] distinct, char[] cells, long[] counts, long[] lows)
      implements Serializable {}

  /** Looks at the values of a part. For one thread. */
  public static final class Tally {
    private final int most;
    private final long[] counts = new long[CELLS];
    private final long[] lows = new long[CELLS];
    private @Nullable TreeSet<Float> distinct = new TreeSet<>();

    /**
     * @param most how many different values are told apart
     */
    public Tally(int most) {
      this.most = most;
    }

    /** Adds values, as they are in fp32; zeros do not count. */
    public void add(double[] values, int n) {
      for (int i = 0; i < n; i++) {
        float value = (float) values[i];
        if (value != 0) {
          int bits = Float.floatToRawIntBits(value);
          counts[bits >>> 16]++;
          lows[bits >>> 16] += bits & LOW;
          tellApart(value);
        }
      }
    }

    private void tellApart(float value) {
      if (distinct != null) {
        distinct.add(value);
        distinct = distinct.size() > most ? null : distinct;
      }
    }

    public Found found() {
      int used = (int) Arrays.stream(counts).filter(c -> c != 0).count();
      Found found =
          new Found(
              distinct == null ? null : array(distinct),
              new char[used],
              new long[used],
              new long[used]);
      int next = 0;
      for (int cell = 0; cell < CELLS; cell++) {
        if (counts[cell] != 0) {
          found.cells[next] = (char) cell;
          found.counts[next] = counts[cell];
          found.lows[next++] = lows[cell];
        }
      }
      return found;
    }
  }

  private static float[] array(Collection<Float> values) {
    float[] array = new float[values.size()];
    int next = 0;
    for (float value : values) {
      array[next++] = value;
    }
    return array;
  }

  /**
   * The book of a vector.
   *
   * @param parts of it, in any order
   * @param most how many centroids there may be
   */
  public static Codebook of(List<Found> parts, int most) {
    float[] distinct = distinct(parts, most);
    if (distinct != null) {
      return new Codebook(distinct);
    }
    long[] counts = new long[CELLS];
    long[] lows = new long[CELLS];
    for (Found part : parts) {
      for (int i = 0; i < part.cells.length; i++) {
        counts[part.cells[i]] += part.counts[i];
        lows[part.cells[i]] += part.lows[i];
      }
    }
    int used = (int) Arrays.stream(counts).filter(c -> c != 0).count();
    double[] means = new double[used];
    long[] weights = new long[used];
    int next = 0;
    for (int i = 0; i < CELLS; i++) {
      // The negative ones from the largest magnitude on, then the positive ones.
      int cell = i < CELLS / 2 ? LOW - i : i - CELLS / 2;
      if (counts[cell] != 0) {
        float least = Float.intBitsToFloat(cell << 16);
        double above = (double) lows[cell] / counts[cell] * Math.ulp(least);
        means[next] = least + Math.copySign(above, least);
        weights[next++] = counts[cell];
      }
    }
    TreeSet<Float> centroids = new TreeSet<>();
    for (double mean : clusters(means, weights, most)) {
      centroids.add((float) mean);
    }
    return new Codebook(array(centroids));
  }

  private static float @Nullable [] distinct(List<Found> parts, int most) {
    TreeSet<Float> all = new TreeSet<>();
    for (Found part : parts) {
      float[] values = part.distinct;
      if (values == null) {
        return null;
      }
      for (float value : values) {
        all.add(value);
      }
    }
    return all.size() > most ? null : array(all);
  }

  /**
   * The means of the clusters of points on a line whose squares of distances to their means sum up
   * to the least (Wang and Song, 2011, "Ckmeans.1d.dp"); of equally good clusterings the one whose
   * last clusters begin first.
   *
   * @param points ascending, borrowed
   * @param weights above 0
   * @param most how many clusters
   */
  static double[] clusters(double[] points, long[] weights, int most) {
    if (points.length <= most) {
      return points.clone();
    }
    return new Clustering(points, weights).into(most);
  }

  /** Sums of points, and the least costs of clusterings of the first of them. */
  private static final class Clustering {
    private final int n;
    private final double middle;
    private final double[] weight;
    private final double[] sum;
    private final double[] squares;

    Clustering(double[] points, long[] weights) {
      n = points.length;
      weight = new double[n + 1];
      sum = new double[n + 1];
      squares = new double[n + 1];
      double all = 0;
      double total = 0;
      for (int i = 0; i < n; i++) {
        all += weights[i];
        total += weights[i] * points[i];
      }
      middle = total / all;
      for (int i = 0; i < n; i++) {
        double x = points[i] - middle;
        weight[i + 1] = weight[i] + weights[i];
        sum[i + 1] = sum[i] + weights[i] * x;
        squares[i + 1] = squares[i] + weights[i] * x * x;
      }
    }

    /** Of the points from {@code begin} to before {@code end} as one cluster. */
    private double cost(int begin, int end) {
      double s = sum[end] - sum[begin];
      return Math.max(0, squares[end] - squares[begin] - s * s / (weight[end] - weight[begin]));
    }

    double[] into(int clusters) {
      double[] costs = new double[n + 1];
      for (int end = 1; end <= n; end++) {
        costs[end] = cost(0, end);
      }
      int[][] begins = new int[clusters][];
      for (int k = 1; k < clusters; k++) {
        double[] next = new double[n + 1];
        begins[k] = new int[n + 1];
        fill(costs, next, begins[k], k + 1, n, k, n - 1);
        costs = next;
      }
      double[] means = new double[clusters];
      int end = n;
      for (int k = clusters - 1; k >= 0; k--) {
        int begin = k == 0 ? 0 : begins[k][end];
        means[k] = middle + (sum[end] - sum[begin]) / (weight[end] - weight[begin]);
        end = begin;
      }
      return means;
    }

    /** Where the last cluster best begins never falls as its end grows: so halves are searched. */
    private void fill(
        double[] costs, double[] next, int[] begins, int from, int to, int least, int greatest) {
      if (from > to) {
        return;
      }
      int end = (from + to) >>> 1;
      double best = Double.POSITIVE_INFINITY;
      int at = least;
      for (int begin = least; begin <= Math.min(greatest, end - 1); begin++) {
        double cost = costs[begin] + cost(begin, end);
        if (cost < best) {
          best = cost;
          at = begin;
        }
      }
      next[end] = best;
      begins[end] = at;
      fill(costs, next, begins, from, end - 1, least, at);
      fill(costs, next, begins, end + 1, to, at, greatest);
    }
  }

  /** The centroids, ascending. */
  public List<Double> centroids() {
    List<Double> list = new ArrayList<>();
    for (float centroid : centroids) {
      list.add((double) centroid);
    }
    return list;
  }

  /** Puts in the place of each value that is not 0 the nearest centroid, of two the lower one. */
  public void round(double[] values, int n) {
    for (int i = 0; i < n; i++) {
      float value = (float) values[i];
      if (value == 0) {
        values[i] = 0;
      } else {
        int at = Arrays.binarySearch(bounds, value);
        values[i] = centroids[at >= 0 ? at : -at - 1];
      }
    }
  }
}
