package io.weightloom.kernel;

import io.weightloom.tensor.DType;

/** Conversions of single values between fp32 and the 16-bit formats; the scalar truth. */
public final class Half {

  private Half() {}

  /** The value that a BF16, F16 or F32 can hold nearest to an fp32 one. */
  public static float round(DType dtype, float value) {
    return switch (dtype) {
      case BF16 -> bf16ToFloat(floatToBf16(value));
      case F16 -> f16ToFloat(floatToF16(value));
      case F32 -> value;
      default -> throw new IllegalArgumentException("not an fp32 work type: " + dtype);
    };
  }

  /** BF16 to fp32; exact. */
  public static float bf16ToFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** fp32 to BF16: nearest, ties to even; a NaN stays a NaN, quietened. */
  public static short floatToBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if ((bits & 0x7fffffff) > 0x7f800000) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  /** IEEE binary16 to fp32; exact, a signalling NaN becomes quiet. */
  public static float f16ToFloat(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = (half >>> 10) & 0x1f;
    int mantissa = half & 0x3ff;
    if (exponent == 0x1f) {
      int quiet = mantissa == 0 ? 0 : 0x400000 | (mantissa << 13);
      return Float.intBitsToFloat(sign | 0x7f800000 | quiet);
    }
    if (exponent == 0) {
      float magnitude = mantissa * 0x1p-24f;
      return Float.intBitsToFloat(sign | Float.floatToRawIntBits(magnitude));
    }
    return Float.intBitsToFloat(sign | ((exponent + 112) << 23) | (mantissa << 13));
  }

  /** fp32 to IEEE binary16: nearest, ties to even, overflow to infinity, NaN stays NaN. */
  public static short floatToF16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      return (short) (sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff));
    }
    if (magnitude >= 0x477ff000) { // 65520: half way from the largest value to the next power
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x38800000) { // below 2^-14 the result is a multiple of 2^-24
      float scaled = Float.intBitsToFloat(magnitude) * 0x1p24f;
      return (short) (sign | (int) Math.rint(scaled));
    }
    int rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
    return (short) (sign | ((rounded >>> 13) - (112 << 10)));
  }
}
