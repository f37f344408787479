package io.weightloom.compare;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Stored elements compared bit by bit. */
final class Bits {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private Bits() {}

  /**
   * How many elements differ.
   *
   * @param n elements
   * @param width bytes of one: 2, 4 or 8
   */
  static long changed(byte[] a, byte[] b, int n, int width) {
    // Of each lane of 16, 32 or 64 bits the upper one.
    long tops = width == 2 ? 0x8000800080008000L : width == 4 ? 0x8000000080000000L : 1L << 63;
    int words = n * width / Long.BYTES;
    long changed = 0;
    for (int i = 0; i < words; i++) {
      long differing = (long) LONGS.get(a, Long.BYTES * i) ^ (long) LONGS.get(b, Long.BYTES * i);
      // The sum carries into a lane's upper bit if any bit below is set.
      long any = ((differing & ~tops) + ~tops) | differing;
      changed += Long.bitCount(any & tops);
    }
    for (int at = words * Long.BYTES; at < n * width; at += width) {
      changed += Arrays.equals(a, at, at + width, b, at, at + width) ? 0 : 1;
    }
    return changed;
  }
}
