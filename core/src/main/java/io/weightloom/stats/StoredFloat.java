package io.weightloom.stats;

import io.weightloom.kernel.Half;
import io.weightloom.tensor.DType;

/** What the bits of a stored floating-point type mean. */
enum StoredFloat {
  BF16(DType.BF16, 16, 7),
  F16(DType.F16, 16, 10),
  F32(DType.F32, 32, 23),
  F64(DType.F64, 64, 52),
  F8_E4M3(DType.F8_E4M3, 8, 3),
  F8_E5M2(DType.F8_E5M2, 8, 2),
  F8_E4M3FNUZ(DType.F8_E4M3FNUZ, 8, 3),
  F8_E5M2FNUZ(DType.F8_E5M2FNUZ, 8, 2);

  /** Bits by which values are counted. */
  static final int CODE_BITS = 16;

  private final DType dtype;
  private final int bits;
  private final int mantissaBits;

  StoredFloat(DType dtype, int bits, int mantissaBits) {
    this.dtype = dtype;
    this.bits = bits;
    this.mantissaBits = mantissaBits;
  }

  static boolean has(DType dtype) {
    for (StoredFloat f : values()) {
      if (f.dtype == dtype) {
        return true;
      }
    }
    return false;
  }

  static StoredFloat of(DType dtype) {
    return valueOf(dtype.name());
  }

  DType dtype() {
    return dtype;
  }

  int bits() {
    return bits;
  }

  int bytes() {
    return bits / 8;
  }

  /** Bits of a code: all, or of a wider type the upper sixteen. */
  int codeBits() {
    return Math.min(bits, CODE_BITS);
  }

  /** Whether a code is all of the value. */
  boolean isComplete() {
    return bits <= CODE_BITS;
  }

  int codes() {
    return 1 << codeBits();
  }

  int sign() {
    return 1 << (codeBits() - 1);
  }

  /** Mantissa bits that a code has. */
  int codeMantissaBits() {
    return mantissaBits - (bits - codeBits());
  }

  int exponentOf(int code) {
    return (code & (sign() - 1)) >>> codeMantissaBits();
  }

  int mantissaOf(int code) {
    return code & ((1 << codeMantissaBits()) - 1);
  }

  /**
   * The value of a code; of a wider type the one of least magnitude that has it, which for codes of
   * NaN alone is NaN: a code that NaNs share with the infinity gives infinity.
   */
  double value(int code) {
    return switch (this) {
      case BF16, F32 -> Float.intBitsToFloat(code << 16);
      case F16 -> Half.f16ToFloat((short) code);
      case F64 -> Double.longBitsToDouble((long) code << 48);
      default -> ofByte(code);
    };
  }

  private double ofByte(int code) {
    boolean zeroIsOne = this == F8_E4M3FNUZ || this == F8_E5M2FNUZ;
    int magnitude = code & 0x7f;
    if (zeroIsOne ? code == 0x80 : this == F8_E4M3 ? magnitude == 0x7f : magnitude > 0x7c) {
      return Double.NaN;
    }
    double sign = code < 0x80 ? 1 : -1;
    if (this == F8_E5M2 && magnitude == 0x7c) {
      return sign * Double.POSITIVE_INFINITY;
    }
    int exponentBits = 7 - mantissaBits;
    int bias = (1 << (exponentBits - 1)) - (zeroIsOne ? 0 : 1);
    int exponent = magnitude >>> mantissaBits;
    double fraction = (magnitude & ((1 << mantissaBits) - 1)) * Math.scalb(1.0, -mantissaBits);
    return exponent == 0
        ? sign * Math.scalb(fraction, 1 - bias)
        : sign * Math.scalb(1 + fraction, exponent - bias);
  }
}
