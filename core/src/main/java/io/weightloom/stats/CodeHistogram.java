package io.weightloom.stats;

import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * How often each bit pattern occurs among stored values: all bits of a type of 8 or 16, the upper
 * sixteen of F32 and F64. What the histogram of a complete type says is exact. For one thread.
 */
final class CodeHistogram implements Serializable {
  private static final long serialVersionUID = 1;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** Counters that neighbours do not share: equal values side by side would wait for each other. */
  private static final int LANES = 4;

  private static final int FULL = 1 << 30;

  private final StoredFloat type;
  private transient long[] counts;
  private transient int[][] recent;
  private transient int uncounted;

  CodeHistogram(StoredFloat type) {
    this.type = type;
    this.counts = new long[type.codes()];
    this.recent = new int[LANES][type.codes()];
  }

  StoredFloat type() {
    return type;
  }

  /** The counters of the next {@code n} elements, to be used by turns. */
  int[][] counters(int n) {
    if (uncounted > FULL - n) {
      fold();
    }
    uncounted += n;
    return recent;
  }

  /** Counts stored values of a complete type. */
  void add(byte[] data, int n) {
    int[][] lanes = counters(n);
    if (type.bits() == 16) {
      addShorts(data, n, lanes[0], lanes[1], lanes[2], lanes[3]);
    } else {
      for (int i = 0; i < n; i++) {
        lanes[i % LANES][data[i] & 0xff]++;
      }
    }
  }

  private static void addShorts(byte[] data, int n, int[] a, int[] b, int[] c, int[] d) {
    int fours = n - n % LANES;
    for (int i = 0; i < fours; i += LANES) {
      long four = (long) LONGS.get(data, 2 * i);
      a[(int) four & 0xffff]++;
      b[(int) (four >>> 16) & 0xffff]++;
      c[(int) (four >>> 32) & 0xffff]++;
      d[(int) (four >>> 48) & 0xffff]++;
    }
    for (int i = fours; i < n; i++) {
      a[(data[2 * i] & 0xff) | (data[2 * i + 1] & 0xff) << 8]++;
    }
  }

  private void fold() {
    for (int[] lane : recent) {
      for (int code = 0; code < counts.length; code++) {
        counts[code] += lane[code];
        lane[code] = 0;
      }
    }
    uncounted = 0;
  }

  /** How often a code has been counted so far. */
  long count(int code) {
    long count = counts[code];
    for (int[] lane : recent) {
      count += lane[code];
    }
    return count;
  }

  /** The counts of all codes; borrowed. */
  long[] counts() {
    fold();
    return counts;
  }

  void merge(CodeHistogram other) {
    long[] others = other.counts();
    for (int code = 0; code < counts.length; code++) {
      counts[code] += others[code];
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
    for (int code = 0; code < counts.length; code++) {
      if (counts[code] != 0) {
        out.writeShort(code);
        out.writeLong(counts[code]);
      }
    }
  }

  private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
    in.defaultReadObject();
    counts = new long[type.codes()];
    recent = new int[LANES][type.codes()];
    int used = in.readInt();
    for (int i = 0; i < used; i++) {
      counts[in.readUnsignedShort()] = in.readLong();
    }
  }
}
