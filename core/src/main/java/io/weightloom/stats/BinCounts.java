package io.weightloom.stats;

import io.weightloom.kernel.SparseCounts;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;

/**
 * How often each of thousands of bins occurred: counted in ints, added up in longs, sent without
 * the empty bins. For one thread.
 */
public final class BinCounts implements Serializable {
  private static final long serialVersionUID = 1;

  /** What an int surely counts. */
  private static final int FULL = 1 << 30;

  private final int bins;
  private final int lanes;
  private transient long[] counts;
  private transient int[][] recent;
  private transient int uncounted;

  /**
   * Zeros.
   *
   * @param lanes counters of each bin; with one alone, equal values side by side wait for each
   *     other
   */
  public BinCounts(int bins, int lanes) {
    this.bins = bins;
    this.lanes = lanes;
    this.counts = new long[bins];
    this.recent = new int[lanes][bins];
  }

  /** The counters of the next {@code n} elements, lane by lane, to be used by turns. */
  public int[][] counters(int n) {
    if (uncounted > FULL - n) {
      fold();
    }
    uncounted += n;
    return recent;
  }

  private void fold() {
    for (int[] lane : recent) {
      for (int bin = 0; bin < bins; bin++) {
        counts[bin] += lane[bin];
        lane[bin] = 0;
      }
    }
    uncounted = 0;
  }

  /** How often a bin has been counted so far. */
  public long count(int bin) {
    long count = counts[bin];
    for (int[] lane : recent) {
      count += lane[bin];
    }
    return count;
  }

  /** The counts of all bins; borrowed. */
  public long[] counts() {
    fold();
    return counts;
  }

  /** Adds what another has counted of the same bins. */
  public void merge(BinCounts other) {
    long[] others = other.counts();
    for (int bin = 0; bin < bins; bin++) {
      counts[bin] += others[bin];
    }
  }

  private void writeObject(ObjectOutputStream out) throws IOException {
    out.defaultWriteObject();
    out.writeObject(SparseCounts.of(counts()));
  }

  private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
    in.defaultReadObject();
    counts = new long[bins];
    recent = new int[lanes][bins];
    ((SparseCounts) in.readObject()).addTo(counts);
  }
}
