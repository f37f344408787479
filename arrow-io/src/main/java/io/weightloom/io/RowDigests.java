package io.weightloom.io;

import java.io.Serializable;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Which rows of a matrix are alike, bit for bit, by an XXH3-64 of each: of a million rows, two that
 * differ are taken for equal with a chance below 10⁻⁷. Merges to the same in any order. Takes 8
 * bytes a row. For one thread.
 */
public final class RowDigests implements Serializable {
  private static final long serialVersionUID = 1;

  private final long rows;
  private final long rowBytes;
  private final Map<Long, long[]> whole = new TreeMap<>();
  private final Map<Long, Long> parts = new TreeMap<>();
  private final Map<Integer, Long> zeros = new HashMap<>();

  /**
   * Rows that are not alone.
   *
   * @param repeated rows that equal an earlier one; rows whose bits are all 0 are not counted
   * @param largestGroup rows of the largest group of equal ones, 1 if all differ and 0 if there are
   *     none but zeros
   * @param firstOfLargest the group's first row; of several such groups the first one's; −1 for a
   *     group of less than 2
   */
  public record Repeats(long repeated, long largestGroup, long firstOfLargest)
      implements Serializable {
    private static final long serialVersionUID = 1;
  }

  /**
   * @param rows of the matrix
   * @param rowBytes of each
   */
  public RowDigests(long rows, long rowBytes) {
    this.rows = rows;
    this.rowBytes = rowBytes;
  }

  /**
   * Takes whole rows in, or a part of one; parts of a row must be cut alike in all rows.
   *
   * @param at the first byte in the matrix
   * @param b holds them from index 0; borrowed
   * @param length a multiple of a row, or less than a row and within one
   */
  public void add(long at, byte[] b, int length) {
    long row = at / rowBytes;
    long within = at % rowBytes;
    if (length < rowBytes) {
      // Odd factors, another for each part: parts that change places make another sum.
      parts.merge(row, digest(b, 0, length) * (2 * within + 1), Long::sum);
      return;
    }
    int width = Math.toIntExact(rowBytes);
    long[] each = new long[length / width];
    for (int i = 0; i < each.length; i++) {
      each[i] = digest(b, i * width, width);
    }
    whole.put(row, each);
  }

  /** 0 for zeros. */
  private long digest(byte[] b, int off, int length) {
    long digest = ContentDigest.chunk(b, off, length);
    long zero = zeros.computeIfAbsent(length, n -> ContentDigest.chunk(new byte[n], 0, n));
    return digest == zero ? 0 : digest;
  }

  /**
   * Takes in what another has seen.
   *
   * @param other of other rows or parts of the same matrix; not used afterwards
   */
  public void merge(RowDigests other) {
    whole.putAll(other.whole);
    other.parts.forEach((row, digest) -> parts.merge(row, digest, Long::sum));
  }

  /** What all rows say. */
  public Repeats repeats() {
    long[] each = new long[Math.toIntExact(rows)];
    whole.forEach(
        (first, digests) -> System.arraycopy(digests, 0, each, first.intValue(), digests.length));
    parts.forEach((row, digest) -> each[row.intValue()] = digest);
    long[] sorted = Arrays.stream(each).filter(d -> d != 0).sorted().toArray();
    long repeated = 0;
    int largest = 0;
    Set<Long> ofLargest = new HashSet<>();
    int size;
    for (int begin = 0; begin < sorted.length; begin += size) {
      size = 1;
      while (begin + size < sorted.length && sorted[begin + size] == sorted[begin]) {
        size++;
      }
      repeated += size - 1;
      if (size > largest) {
        largest = size;
        ofLargest.clear();
      }
      if (size == largest && size > 1) {
        ofLargest.add(sorted[begin]);
      }
    }
    int first = -1;
    if (!ofLargest.isEmpty()) {
      first = 0;
      while (!ofLargest.contains(each[first])) {
        first++;
      }
    }
    return new Repeats(repeated, largest, first);
  }
}
