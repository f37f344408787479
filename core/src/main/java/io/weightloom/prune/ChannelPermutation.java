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
  private final Exchanges ofA;
  private final Exchanges ofB;

  private ChannelPermutation(float[][] columns, int n, int m) {
    this.columns = columns;
    this.n = n;
    this.m = m;
    this.largest = new double[n];
    this.ofA = new Exchanges(columns[0].length);
    this.ofB = new Exchanges(columns[0].length);
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
    double sum = 0;
    for (int row = 0; row < columns[0].length; row++) {
      rank(group, -1, row);
      for (double v : largest) {
        sum += v;
      }
    }
    return sum;
  }

  /** Finds the n largest of a row of a group, without one of its channels or with all. */
  private void rank(int[] group, int without, int row) {
    Arrays.fill(largest, 0);
    for (int k = 0; k < m; k++) {
      double v = k == without ? 0 : columns[group[k]][row];
      if (v > largest[n - 1]) {
        int at = n - 1;
        while (at > 0 && largest[at - 1] < v) {
          largest[at] = largest[at - 1];
          at--;
        }
        largest[at] = v;
      }
    }
  }

  /** What a group would keep with another channel in the place of one of its own. */
  private final class Exchanges {
    /** By the channel that goes, the sum over rows of the n − 1 largest of the rest. */
    private final double[] above = new double[m];

    /** Likewise, of each row the n-th largest, in whose place the other one may come. */
    private final float[][] last;

    Exchanges(int rows) {
      last = new float[m][rows];
    }

    void prepare(int[] group) {
      for (int i = 0; i < m; i++) {
        double sum = 0;
        for (int row = 0; row < last[i].length; row++) {
          rank(group, i, row);
          for (int k = 0; k < n - 1; k++) {
            sum += largest[k];
          }
          last[i][row] = (float) largest[n - 1];
        }
        above[i] = sum;
      }
    }

    double kept(int goes, float[] comes) {
      float[] least = last[goes];
      double sum = above[goes];
      for (int row = 0; row < least.length; row++) {
        sum += Math.max(least[row], comes[row]);
      }
      return sum;
    }
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
      ofA.prepare(a);
      ofB.prepare(b);
      int bestA = 0;
      int bestB = 0;
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < m; j++) {
          double value = ofA.kept(i, columns[b[j]]) + ofB.kept(j, columns[a[i]]);
          if (value > best) {
            best = value;
            bestA = i;
            bestB = j;
            better = true;
          }
        }
      }
      if (better) {
        int kept = a[bestA];
        a[bestA] = b[bestB];
        b[bestB] = kept;
      }
    }
  }
}
