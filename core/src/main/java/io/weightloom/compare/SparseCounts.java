package io.weightloom.compare;

import java.io.ByteArrayOutputStream;
import java.io.Serializable;

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
  static SparseCounts of(long[] counts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int last = -1;
    for (int bin = 0; bin < counts.length; bin++) {
      if (counts[bin] != 0) {
        write(out, bin - last);
        write(out, counts[bin]);
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

  /** Adds them to others. */
  void addTo(long[] counts) {
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
          counts[bin] += value;
        }
        isGap = !isGap;
        value = 0;
        shift = 0;
      }
    }
  }
}
