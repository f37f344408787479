package io.weightloom.merge.taskvector;

import java.io.Serializable;

/**
 * The bins of a histogram that are not empty, for the way to the driver.
 *
 * @param bins their numbers, ascending
 * @param counts their counts
 */
record SparseCounts(char[] bins, int[] counts) implements Serializable {

  static SparseCounts of(int[] histogram) {
    int used = 0;
    for (int count : histogram) {
      used += count != 0 ? 1 : 0;
    }
    char[] bins = new char[used];
    int[] counts = new int[used];
    int next = 0;
    for (int bin = 0; bin < histogram.length; bin++) {
      if (histogram[bin] != 0) {
        bins[next] = (char) bin;
        counts[next++] = histogram[bin];
      }
    }
    return new SparseCounts(bins, counts);
  }

  /** One bin. */
  static SparseCounts of(int bin, long count) {
    return new SparseCounts(new char[] {(char) bin}, new int[] {Math.toIntExact(count)});
  }

  void addTo(long[] histogram) {
    for (int i = 0; i < bins.length; i++) {
      histogram[bins[i]] += counts[i];
    }
  }

  int count(int bin) {
    int at = java.util.Arrays.binarySearch(bins, (char) bin);
    return at >= 0 ? counts[at] : 0;
  }
}
