package io.weightloom.stats;

import java.io.Serializable;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * What the upper sixteen bits of F32 and F64 values do not tell: zeros, denormals, what is not
 * finite, and how many bits each significand needs, by exponent. For one thread.
 */
final class WideValues implements Serializable {
  private static final long serialVersionUID = 1;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** Exponents beyond this lie beyond all narrow formats, on both sides. */
  private static final int FURTHEST = 255;

  private static final int WIDTH = 64;

  private final long[] significands = new long[2 * (FURTHEST + 1) * WIDTH];
  long positiveZeros;
  long negativeZeros;
  long denormals;
  long nans;
  long positiveInfinities;
  long negativeInfinities;

  void add(StoredFloat type, byte[] data, int n, CodeHistogram codes) {
    int[][] lanes = codes.counters(n);
    if (type == StoredFloat.F32) {
      addFloats(data, n, lanes[0], lanes[1]);
    } else {
      addDoubles(data, n, lanes[0]);
    }
  }

  private void addFloats(byte[] data, int n, int[] even, int[] odd) {
    int pairs = n - n % 2;
    for (int i = 0; i < pairs; i += 2) {
      long two = (long) LONGS.get(data, 4 * i);
      int first = (int) two;
      int second = (int) (two >>> 32);
      even[first >>> 16]++;
      odd[second >>> 16]++;
      see(first);
      see(second);
    }
    if (pairs < n) {
      int at = 4 * pairs;
      int last =
          (data[at] & 0xff)
              | (data[at + 1] & 0xff) << 8
              | (data[at + 2] & 0xff) << 16
              | data[at + 3] << 24;
      even[last >>> 16]++;
      see(last);
    }
  }

  private void see(int bits) {
    int exponent = (bits >>> 23) & 0xff;
    if (exponent == 0 || exponent == 0xff) {
      seeRare(Float.intBitsToFloat(bits), Float.MIN_NORMAL);
    } else {
      int needed = 24 - Integer.numberOfTrailingZeros(bits | 0x800000);
      significands[(exponent - 127 + FURTHEST + 1) * WIDTH + needed]++;
    }
  }

  private void addDoubles(byte[] data, int n, int[] lane) {
    for (int i = 0; i < n; i++) {
      long bits = (long) LONGS.get(data, 8 * i);
      lane[(int) (bits >>> 48)]++;
      seeRare(Double.longBitsToDouble(bits), Double.MIN_NORMAL);
    }
  }

  private void seeRare(double x, double leastNormal) {
    if (x == 0) {
      if (1 / x > 0) {
        positiveZeros++;
      } else {
        negativeZeros++;
      }
    } else if (Double.isNaN(x)) {
      nans++;
    } else if (Double.isInfinite(x)) {
      if (x > 0) {
        positiveInfinities++;
      } else {
        negativeInfinities++;
      }
    } else {
      denormals += Math.abs(x) < leastNormal ? 1 : 0;
      count(x);
    }
  }

  private void count(double x) {
    int exponent = exponent(x);
    long mantissa = (long) Math.scalb(Math.scalb(Math.abs(x), -exponent), 52);
    int needed = 53 - Long.numberOfTrailingZeros(mantissa);
    int kept = Math.max(-FURTHEST, Math.min(FURTHEST, exponent));
    significands[(kept + FURTHEST + 1) * WIDTH + needed]++;
  }

  /** The exponent that a denormal's first bit has. */
  private static int exponent(double x) {
    int exponent = Math.getExponent(x);
    return exponent >= Double.MIN_EXPONENT ? exponent : Math.getExponent(x * 0x1p60) - 60;
  }

  void merge(WideValues other) {
    for (int i = 0; i < significands.length; i++) {
      significands[i] += other.significands[i];
    }
    positiveZeros += other.positiveZeros;
    negativeZeros += other.negativeZeros;
    denormals += other.denormals;
    nans += other.nans;
    positiveInfinities += other.positiveInfinities;
    negativeInfinities += other.negativeInfinities;
  }

  /** Elements other than 0 whose bits a format has, were its range as wide as it may be. */
  long resolvedBy(FloatFormat format) {
    int greatest = Math.getExponent(format.max());
    long count = 0;
    for (int exponent = -FURTHEST; exponent <= greatest; exponent++) {
      for (int needed = 1; needed < WIDTH; needed++) {
        if (format.resolves(exponent, needed)) {
          count += significands[(exponent + FURTHEST + 1) * WIDTH + needed];
        }
      }
    }
    return count;
  }

  /** Elements other than 0 that become 0; every format's border is a power of two. */
  long underflowing(FloatFormat format) {
    int border = Math.getExponent(format.underflow());
    long count = significands[(border + FURTHEST + 1) * WIDTH + 1];
    for (int i = 0; i < (border + FURTHEST + 1) * WIDTH; i++) {
      count += significands[i];
    }
    return count;
  }
}
