package io.weightloom.stats;

import io.weightloom.tensor.Shape;
import java.io.Serializable;

/**
 * How many zeros each group of {@code m} consecutive elements along the last dimension has: what
 * N:M patterns are read from. An incomplete group at the end of a row counts nowhere.
 */
final class ZeroGroups implements Serializable {
  private static final long serialVersionUID = 1;

  private final int m;
  private final int signs;
  private final long run;
  private final boolean countable;
  private final long[] byZeros;

  /**
   * @param hasNegativeZero whether the sign bit alone is a zero
   * @param cutsRows whether blocks begin within rows, at multiples of a power of two
   */
  ZeroGroups(Shape shape, int m, boolean cutsRows, boolean hasNegativeZero) {
    this.m = m;
    this.signs = hasNegativeZero ? 0x7f : 0xff;
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
    long at = offset % run;
    int zeros = 0;
    int inGroup = 0;
    for (int i = 0; i < count; i++) {
      zeros += isZero(data, i * width, width, signs) ? 1 : 0;
      if (++inGroup == m) {
        byZeros[zeros]++;
        inGroup = 0;
        zeros = 0;
      }
      if (++at == run) {
        at = 0;
        inGroup = 0;
        zeros = 0;
      }
    }
  }

  private static boolean isZero(byte[] data, int at, int width, int signs) {
    int any = data[at + width - 1] & signs;
    for (int i = 0; i < width - 1; i++) {
      any |= data[at + i];
    }
    return any == 0;
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
