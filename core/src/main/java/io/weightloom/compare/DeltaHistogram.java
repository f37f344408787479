package io.weightloom.compare;

import io.weightloom.kernel.Kernels;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;

/** How often the upper 16 bits of magnitudes occur, of 31 without the sign. For one thread. */
final class DeltaHistogram implements Serializable {
  private static final long serialVersionUID = 1;

  /** Bits that the histogram does not tell apart. */
  static final int SHIFT = 15;

  /** The last bin of finite values. */
  static final int GREATEST = (0x7f800000 >>> SHIFT) - 1;

  private static final int FULL = 1 << 30;

  private transient long[] counts = new long[Kernels.BINS];
  private transient int[] recent = new int[Kernels.BINS];
  private transient int uncounted;

  /** The least magnitude of a bin. */
  static double magnitude(int key) {
    return Float.intBitsToFloat(key << SHIFT);
  }

  void add(Kernels kernels, float[] x, int n) {
    reserve(n);
    kernels.histogram(x, SHIFT, 0, recent, n);
  }

  void addZeros(int n) {
    reserve(n);
    recent[0] += n;
  }

  private void reserve(int n) {
    if (uncounted > FULL - n) {
      fold();
    }
    uncounted += n;
  }

  private void fold() {
    for (int key = 0; key < counts.length; key++) {
      counts[key] += recent[key];
      recent[key] = 0;
    }
    uncounted = 0;
  }

  long[] counts() {
    fold();
    return counts;
  }

  void merge(DeltaHistogram other) {
    long[] others = other.counts();
    for (int key = 0; key < counts.length; key++) {
      counts[key] += others[key];
    }
  }

  private void writeObject(ObjectOutputStream out) throws IOException {
    out.defaultWriteObject();
    fold();
    int used = 0;
    for (long count : counts) {
      used += count == 0 ? 0 : 1;
    }
    out.writeInt(used);
    for (int key = 0; key < counts.length; key++) {
      if (counts[key] != 0) {
        out.writeShort(key);
        out.writeLong(counts[key]);
      }
    }
  }

  private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
    in.defaultReadObject();
    counts = new long[Kernels.BINS];
    recent = new int[Kernels.BINS];
    int used = in.readInt();
    for (int i = 0; i < used; i++) {
      counts[in.readUnsignedShort()] = in.readLong();
    }
  }
}
