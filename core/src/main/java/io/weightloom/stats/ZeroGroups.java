package io.weightloom.stats;

import io.weightloom.tensor.Shape;
import java.io.Serializable;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * How many zeros each group of {@code m} consecutive elements along the last dimension has: what
 * N:M patterns are read from. An incomplete group at the end of a row counts nowhere.
 */
final class ZeroGroups implements Serializable {
  private static final long serialVersionUID = 1;

  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** Bytes that are looked at together; whole groups of any type. */
  private static final int LINE = 64;

  private final int m;
  private final boolean negativeZeroIsZero;
  private final long run;
  private final boolean countable;
  private final long[] byZeros;

  /**
   * @param hasNegativeZero whether the sign bit alone is a zero
   * @param cutsRows whether blocks begin within rows, at multiples of a power of two
   */
  ZeroGroups(Shape shape, int m, boolean cutsRows, boolean hasNegativeZero) {
    this.m = m;
    this.negativeZeroIsZero = hasNegativeZero;
    this.run = shape.rank() < 2 ? 0 : shape.dims().get(shape.rank() - 1);
    this.countable = run >= m && (run % m == 0 || shape.rank() == 2 || !cutsRows);
    this.byZeros = new long[m + 1];
  }

  /** Takes a block in that has no zeros. */
  void addDense(long offset, int count) {
    if (countable) {
      byZeros[0] += groups(offset, count);
    }
  }

  private long groups(long offset, int count) {
    if (run % m == 0) {
      return count / m;
    }
    return offset % run + count <= run ? count / m : count / run * (run / m);
  }

  /** Takes a block in, its first element at this flat index. */
  void add(byte[] data, int width, long offset, int count) {
    if (!countable) {
      return;
    }
    if (run % m == 0) {
      addGroups(data, 0, width, count / m);
      return;
    }
    int at = 0;
    for (long inRow = offset % run; at < count; inRow = 0) {
      int n = (int) Math.min(count - at, run - inRow);
      addGroups(data, at * width, width, n / m);
      at += n;
    }
  }

  private void addGroups(byte[] data, int begin, int width, int groups) {
    int size = m * width;
    int end = begin + groups * size;
    long magnitudes = magnitudes(width);
    long signs = negativeZeroIsZero ? 0 : -1;
    int without = groups;
    for (int at = begin; at < end; at += LINE) {
      int next = Math.min(end, at + LINE);
      if (next - at < LINE || hasZero(data, at, magnitudes, signs)) {
        for (int group = at; group < next; group += size) {
          byZeros[zeros(data, group, size, magnitudes, signs)]++;
          without--;
        }
      }
    }
    byZeros[0] += without;
  }

  private static boolean hasZero(byte[] data, int at, long magnitudes, long signs) {
    long all = -1;
    for (int word = at; word < at + LINE; word += Long.BYTES) {
      all &= nonZero((long) LONGS.get(data, word), magnitudes, signs);
    }
    return (~all & ~magnitudes) != 0;
  }

  private static int zeros(byte[] data, int at, int size, long magnitudes, long signs) {
    if (size < Long.BYTES) {
      // What lies above the group is no zero.
      long group = ((int) INTS.get(data, at) & 0xffffffffL) | (magnitudes << Integer.SIZE);
      return Long.bitCount(~nonZero(group, magnitudes, signs) & ~magnitudes);
    }
    int zeros = 0;
    for (int word = at; word < at + size; word += Long.BYTES) {
      long value = (long) LONGS.get(data, word);
      zeros += Long.bitCount(~nonZero(value, magnitudes, signs) & ~magnitudes);
    }
    return zeros;
  }

  /** The highest bit of each value that is not zero: set by a carry, or as it was. */
  private static long nonZero(long word, long magnitudes, long signs) {
    return ((word & magnitudes) + magnitudes) | (word & signs);
  }

  /** All bits but the highest of each value of a word. */
  private static long magnitudes(int width) {
    return switch (width) {
      case 1 -> 0x7f7f7f7f7f7f7f7fL;
      case 2 -> 0x7fff7fff7fff7fffL;
      case 4 -> 0x7fffffff7fffffffL;
      default -> Long.MAX_VALUE;
    };
  }

  void merge(ZeroGroups other) {
    for (int i = 0; i < byZeros.length; i++) {
      byZeros[i] += other.byZeros[i];
    }
  }

  /** Groups by their zeros, 0 to m; none where the tensor has no groups. */
  long[] counts() {
    return countable ? byZeros.clone() : new long[0];
  }
}
