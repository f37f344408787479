package io.weightloom.kernel;

import java.io.ByteArrayOutputStream;
import java.io.Serializable;
import java.util.function.IntToLongFunction;

/**
 * Counts of thousands of bins of which most are empty, in two or three bytes a bin that is not:
 * what travels of a histogram. Immutable.
 */
public final class SparseCounts implements Serializable {
  private static final long serialVersionUID = 1;

  private final byte[] bytes;

  private SparseCounts(byte[] bytes) {
    this.bytes = bytes;
  }

  /** Of counts that are not negative. */
  public static SparseCounts of(long[] counts) {
    return of(counts.length, bin -> counts[bin]);
  }

  /** Of counts that are not negative. */
  public static SparseCounts of(int[] counts) {
    return of(counts.length, bin -> counts[bin]);
  }

  /** Of one bin alone. */
  public static SparseCounts of(int bin, long count) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    write(out, bin + 1);
    write(out, count);
    return new SparseCounts(out.toByteArray());
  }

  private static SparseCounts of(int bins, IntToLongFunction counts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int last = -1;
    for (int bin = 0; bin < bins; bin++) {
      long count = counts.applyAsLong(bin);
      if (count != 0) {
        write(out, bin - last);
        write(out, count);
        last = bin;
      }
    }
    return new SparseCounts(out.toByteArray());
  }

  /** Seven bits a byte, the lowest first; all but the last have the high bit set. */
  private static void write(ByteArrayOutputStream out, long value) {
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      out.write((int) ((rest & 0x7f) | 0x80));
      rest >>>= 7;
    }
    out.write((int) rest);
  }

  /** Sees the bins that are not empty, in their order. */
  @FunctionalInterface
  private interface Visitor {
    void see(int bin, long count);
  }

  private void each(Visitor visitor) {
    int bin = -1;
    long value = 0;
    int shift = 0;
    boolean isGap = true;
    for (byte b : bytes) {
      value |= (long) (b & 0x7f) << shift;
      shift += 7;
      if (b >= 0) {
        if (isGap) {
          bin += (int) value;
        } else {
          visitor.see(bin, value);
        }
        isGap = !isGap;
        value = 0;
        shift = 0;
      }
    }
  }

  /** Adds them to others. */
  public void addTo(long[] counts) {
    each((bin, count) -> counts[bin] += count);
  }

  /** The count of one bin. */
  public long count(int wanted) {
    long[] found = {0};
    each((bin, count) -> found[0] += bin == wanted ? count : 0);
    return found[0];
  }
}
