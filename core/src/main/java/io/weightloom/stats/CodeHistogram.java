package io.weightloom.stats;

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

  private static final int LANES = 4;

  private final StoredFloat type;
  private final BinCounts codes;

  CodeHistogram(StoredFloat type) {
    this.type = type;
    this.codes = new BinCounts(type.codes(), LANES);
  }

  StoredFloat type() {
    return type;
  }

  /** The counters of the next {@code n} elements, to be used by turns. */
  int[][] counters(int n) {
    return codes.counters(n);
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

  /** How often a code has been counted so far. */
  long count(int code) {
    return codes.count(code);
  }

  /** How many values have these exponent bits, of either sign. */
  long withExponent(int exponent) {
    int first = exponent << type.codeMantissaBits();
    long count = 0;
    for (int code = first; code < first + (1 << type.codeMantissaBits()); code++) {
      count += count(code) + count(type.sign() | code);
    }
    return count;
  }

  /** The counts of all codes; borrowed. */
  long[] counts() {
    return codes.counts();
  }

  void merge(CodeHistogram other) {
    codes.merge(other.codes);
  }
}
