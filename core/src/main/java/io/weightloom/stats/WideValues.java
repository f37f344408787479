package io.weightloom.stats;

import java.io.Serializable;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * What the upper sixteen bits of F32 and F64 values do not tell: zeros, denormals, what is not
 * finite, and how many bits each significand needs, by exponent; of F32, of the few that a format
 * of 16 bits may have. For one thread.
 */
final class WideValues implements Serializable {
  private static final long serialVersionUID = 1;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** Exponents beyond this lie beyond all narrow formats, on both sides. */
  private static final int FURTHEST = 255;

  private static final int WIDTH = 64;

  /** What is less, but not zero, has the code of a zero. */
  private static final double FLOAT_TINY = StoredFloat.F32.value(1);

  private static final double DOUBLE_TINY = StoredFloat.F64.value(1);

  /** Of two floats. */
  private static final long SIGNS = 0x8000000080000000L;

  private static final long EXPONENTS = 0x7f0000007f000000L;
  private static final long LEAST_EXPONENT = 0x0080000000800000L;

  /** No narrow format has a significand that reaches into these bits of a float. */
  private static final int LOW = 0xff;

  private static final long BOTH_LOW = (long) LOW << 32 | LOW;

  private final long[] significands = new long[2 * (FURTHEST + 1) * WIDTH];

  /** Values other than 0 that have the code of the zero of their sign. */
  long positiveTinies;

  long negativeTinies;
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
      even[(int) two >>> 16]++;
      odd[(int) (two >>> 48)]++;
      if (tells(two)) {
        see((int) two);
        see((int) (two >>> 32));
      }
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

  /** Whether one of two floats is not 0 and has low bits of 0, or no normal number's exponent. */
  private static boolean tells(long two) {
    long zeros = ~((two & ~SIGNS) + ~SIGNS);
    long low = (two & BOTH_LOW) + BOTH_LOW;
    long exponents = (((two & ~SIGNS) + LEAST_EXPONENT) & EXPONENTS) + EXPONENTS;
    return (~((low << 23) & exponents) & ~zeros & SIGNS) != 0;
  }

  private void see(int bits) {
    int exponent = (bits >>> 23) & 0xff;
    if (exponent == 0 || exponent == 0xff) {
      seeRare(Float.intBitsToFloat(bits), FLOAT_TINY);
    } else if ((bits & LOW) == 0) {
      count(exponent - 127, 24 - Integer.numberOfTrailingZeros(bits | 0x800000));
    }
  }

  private void count(int exponent, int needed) {
    int kept = Math.max(-FURTHEST, Math.min(FURTHEST, exponent));
    significands[(kept + FURTHEST + 1) * WIDTH + needed]++;
  }

  private void addDoubles(byte[] data, int n, int[] lane) {
    for (int i = 0; i < n; i++) {
      long bits = (long) LONGS.get(data, 8 * i);
      lane[(int) (bits >>> 48)]++;
      int exponent = (int) (bits >>> 52) & 0x7ff;
      if (exponent == 0 || exponent == 0x7ff) {
        seeRare(Double.longBitsToDouble(bits), DOUBLE_TINY);
      } else {
        count(exponent - 1023, 53 - Long.numberOfTrailingZeros(bits | 1L << 52));
      }
    }
  }

  private void seeRare(double x, double tiny) {
    if (x == 0) {
      return; // Zeros are all that have their codes, but for the tiny ones.
    }
    if (Double.isNaN(x)) {
      nans++;
    } else if (Double.isInfinite(x)) {
      if (x > 0) {
        positiveInfinities++;
      } else {
        negativeInfinities++;
      }
    } else {
      denormals++;
      positiveTinies += 0 < x && x < tiny ? 1 : 0;
      negativeTinies += -tiny < x && x < 0 ? 1 : 0;
      count(x);
    }
  }

  private void count(double x) {
    int exponent = exponent(x);
    long mantissa = (long) Math.scalb(Math.scalb(Math.abs(x), -exponent), 52);
    count(exponent, 53 - Long.numberOfTrailingZeros(mantissa));
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
    positiveTinies += other.positiveTinies;
    negativeTinies += other.negativeTinies;
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

  /**
   * Elements other than 0 that become 0; every format's border is a power of two.
   *
   * @param codes of the same values
   */
  long underflowing(FloatFormat format, CodeHistogram codes) {
    int border = Math.getExponent(format.underflow());
    long count = significands[(border + FURTHEST + 1) * WIDTH + 1];
    // Normal floats are counted here if their significands are short, and all of them as codes.
    int begin = codes.type() == StoredFloat.F32 ? Math.min(border, Float.MIN_EXPONENT) : border;
    for (int i = 0; i < (begin + FURTHEST + 1) * WIDTH; i++) {
      count += significands[i];
    }
    for (int exponent = begin; exponent < border; exponent++) {
      count += codes.withExponent(exponent + Float.MAX_EXPONENT);
    }
    return count;
  }
}
