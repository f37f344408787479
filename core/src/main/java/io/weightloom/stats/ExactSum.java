package io.weightloom.stats;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.io.Serializable;
import java.math.BigInteger;

/**
 * A sum of doubles without rounding, {@code mantissa · 2^exponent}, so that it does not depend on
 * the order in which it was added up. In canonical form (an odd mantissa, or 0 · 2⁰): equal sums
 * are equal records and equal bytes. A sum of weights needs some 10 to 20 bytes, any sum at most
 * 270.
 *
 * <p>An infinite term makes the sum infinite, terms of both infinities or a NaN make it NaN.
 */
public record ExactSum(BigInteger mantissa, int exponent) implements Serializable {

  private static final long serialVersionUID = 1;

  /** The exponent of what is not a number: NaN, or an infinity with the sign of the mantissa. */
  private static final int SPECIAL = Integer.MAX_VALUE;

  private static final int LEAST_EXPONENT = -1074;
  private static final int GREATEST_EXPONENT = 1100;
  private static final int GREATEST_BYTES = 300;

  /** Nothing. */
  public static final ExactSum ZERO = new ExactSum(BigInteger.ZERO, 0);

  private static final ExactSum NAN = new ExactSum(BigInteger.ZERO, SPECIAL);

  /** The sum of one term. */
  public static ExactSum of(double x) {
    if (!Double.isFinite(x)) {
      return Double.isNaN(x) ? NAN : new ExactSum(BigInteger.valueOf(x > 0 ? 1 : -1), SPECIAL);
    }
    int exponent = Math.max(Math.getExponent(x), Double.MIN_EXPONENT) - 52;
    long mantissa = (long) Math.scalb(x, -exponent);
    return canonical(BigInteger.valueOf(mantissa), exponent);
  }

  /** The sum of both. */
  public ExactSum plus(ExactSum other) {
    if (exponent == SPECIAL || other.exponent == SPECIAL) {
      return of(value() + other.value());
    }
    int low = Math.min(exponent, other.exponent);
    BigInteger sum =
        mantissa.shiftLeft(exponent - low).add(other.mantissa.shiftLeft(other.exponent - low));
    return canonical(sum, low);
  }

  private static ExactSum canonical(BigInteger mantissa, int exponent) {
    int zeros = mantissa.getLowestSetBit();
    return zeros < 0 ? ZERO : new ExactSum(mantissa.shiftRight(zeros), exponent + zeros);
  }

  /** The nearest double, ties to even. */
  public double value() {
    if (exponent == SPECIAL) {
      return mantissa.signum() == 0 ? Double.NaN : mantissa.signum() * Double.POSITIVE_INFINITY;
    }
    // Of a longer mantissa the upper 64 bits and a sticky one are enough to round by. What is so
    // long is no subnormal, as no bit lies below 2^-1074: scaling does not round again.
    int dropped = Math.max(0, mantissa.bitLength() - 64);
    BigInteger top = mantissa.abs().shiftRight(dropped);
    double magnitude = (dropped == 0 ? top : top.setBit(0)).doubleValue();
    return mantissa.signum() * Math.scalb(magnitude, exponent + dropped);
  }

  void writeTo(DataOutput out) throws IOException {
    byte[] bytes = mantissa.toByteArray();
    out.writeInt(exponent);
    out.writeShort(bytes.length);
    out.write(bytes);
  }

  static ExactSum readFrom(DataInput in) throws IOException {
    int exponent = in.readInt();
    int length = in.readUnsignedShort();
    if (length == 0 || length > GREATEST_BYTES) {
      throw new IOException("a sum of " + length + " bytes");
    }
    byte[] bytes = new byte[length];
    in.readFully(bytes);
    BigInteger mantissa = new BigInteger(bytes);
    if (exponent == SPECIAL) {
      return new ExactSum(BigInteger.valueOf(mantissa.signum()), SPECIAL);
    }
    if (exponent < LEAST_EXPONENT || exponent > GREATEST_EXPONENT) {
      throw new IOException("a sum with exponent " + exponent);
    }
    return canonical(mantissa, exponent);
  }
}
