package io.weightloom.prune;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * An order of a matrix' columns by which N:M sparsity keeps more magnitude (Pool and Yu, 2021,
 * "Channel Permutations for N:M Sparsity"): channels are swapped between two groups of M as long as
 * the sum of kept magnitudes, the paper's efficacy, grows, groups paired in turn. The start is the
 * order that is there, or the channels dealt out to the groups by their sums (Zhang et al., 2024,
 * "Plug-and-Play", heuristic channel allocation) if that keeps more. Nothing is random; columns
 * behind the last whole group stay where they are.
 */
final class ChannelPermutation {
  /** Each group meets so many others; all of them would cost as the square of the columns. */
  private static final int ROUNDS = 16;

  private final float[][] columns;
  private final int n;
  private final int m;
  private int[][] groups;
  private final double[] largest;

  private ChannelPermutation(float[][] columns, int n, int m) {
    this.columns = columns;
    this.n = n;
    this.m = m;
    this.largest = new double[n];
    this.groups = dealt(IntStream.range(0, columns.length / m * m).toArray(), true);
  }

  /**
   * The order.
   *
   * @param columns magnitudes by column, all of one length
   * @param n weights kept of each group
   * @param m weights of a group, more than n
   */
  static int[] of(float[][] columns, int n, int m) {
    ChannelPermutation search = new ChannelPermutation(columns, n, m);
    search.start();
    search.swap();
    int[] order = IntStream.range(0, columns.length).toArray();
    int at = 0;
    for (int[] group : search.groups) {
      Arrays.sort(group); // Within a group the order is all the same.
      for (int column : group) {
        order[at++] = column;
      }
    }
    return order;
  }

  /** The sum of magnitudes that N:M keeps of whole groups in this order; the rest is kept. */
  static double kept(float[][] columns, int[] order, int n, int m) {
    ChannelPermutation search = new ChannelPermutation(columns, n, m);
    double sum = 0;
    int whole = order.length / m * m;
    for (int i = 0; i < whole; i += m) {
      sum += search.kept(Arrays.copyOfRange(order, i, i + m));
    }
    for (int i = whole; i < order.length; i++) {
      sum += search.sum(order[i]);
    }
    return sum;
  }

  /** Consecutive channels a group, or one each to all groups in turn. */
  private int[][] dealt(int[] channels, boolean consecutive) {
    int count = channels.length / m;
    int[][] to = new int[count][m];
    for (int i = 0; i < channels.length; i++) {
      to[consecutive ? i / m : i % count][consecutive ? i % m : i / count] = channels[i];
    }
    return to;
  }

  private void start() {
    double[] sums = new double[columns.length];
    Arrays.setAll(sums, this::sum);
    int[] ranked =
        IntStream.range(0, columns.length / m * m)
            .boxed()
            .sorted(Comparator.comparingDouble(c -> -sums[c]))
            .mapToInt(c -> c)
            .toArray();
    int[][] other = dealt(ranked, false);
    if (kept(other) > kept(groups)) {
      groups = other;
    }
  }

  private double sum(int column) {
    double sum = 0;
    for (float v : columns[column]) {
      sum += v;
    }
    return sum;
  }

  private double kept(int[][] of) {
    return Arrays.stream(of).mapToDouble(this::kept).sum();
  }

  /** What is kept of a group: of each row its n largest. */
  private double kept(int[] group) {
    int rows = columns[group[0]].length;
    double sum = 0;
    for (int row = 0; row < rows; row++) {
      Arrays.fill(largest, 0);
      for (int column : group) {
        double v = columns[column][row];
        if (v > largest[n - 1]) {
          insert(v);
        }
      }
      for (double v : largest) {
        sum += v;
      }
    }
    return sum;
  }

  private void insert(double v) {
    int at = n - 1;
    while (at > 0 && largest[at - 1] < v) {
      largest[at] = largest[at - 1];
      at--;
    }
    largest[at] = v;
  }

  private void swap() {
    int count = groups.length;
    for (int round = 0; round < ROUNDS; round++) {
      for (int a = 0; a < count; a++) {
        int b = Math.floorMod(round - a, count); // Each pair once in as many rounds as groups.
        if (a < b) {
          swap(groups[a], groups[b]);
        }
      }
    }
  }

  /** Swaps the two channels that gain most, until none gain. */
  private void swap(int[] a, int[] b) {
    double best = kept(a) + kept(b);
    for (boolean better = true; better; ) {
      better = false;
      int bestA = 0;
      int bestB = 0;
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < m; j++) {
          exchange(a, i, b, j);
          double value = kept(a) + kept(b);
          exchange(a, i, b, j);
          if (value > best) {
            best = value;
            bestA = i;
            bestB = j;
            better = true;
          }
        }
      }
      if (better) {
        exchange(a, bestA, b, bestB);
      }
    }
  }

  private static void exchange(int[] a, int i, int[] b, int j) {
    int kept = a[i];
    a[i] = b[j];
    b[j] = kept;
  }
}
