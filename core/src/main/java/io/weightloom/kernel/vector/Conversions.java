package io.weightloom.kernel.vector;

import static io.weightloom.kernel.vector.Species.FLOATS;
import static io.weightloom.kernel.vector.Species.HALF_BYTES;
import static io.weightloom.kernel.vector.Species.HALF_SHORTS;
import static io.weightloom.kernel.vector.Species.INTS;
import static io.weightloom.kernel.vector.Species.WIDTH;

import io.weightloom.kernel.Half;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Between stored values and fp32, straight from and to bytes. 16-bit values are widened with their
 * sign, as JDK 17 offers nothing else.
 */
final class Conversions {
  private static final VarHandle SHORT_VIEW =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

  private static final int MAGNITUDE = 0x7fffffff;
  private static final int SIGN = 0x80000000;
  private static final int INFINITY = 0x7f800000;
  private static final int QUIET = 0x400000;

  private Conversions() {}

  static void decodeBf16(byte[] src, int offset, float[] dst, int n) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      IntVector half =
          (IntVector)
              ByteVector.fromArray(HALF_BYTES, src, offset + 2 * i)
                  .reinterpretAsShorts()
                  .convertShape(VectorOperators.S2I, INTS, 0);
      half.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(dst, i);
    }
    for (; i < n; i++) {
      dst[i] = Half.bf16ToFloat((short) SHORT_VIEW.get(src, offset + 2 * i));
    }
  }

  static void encodeBf16(float[] src, int n, byte[] dst, int offset) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      IntVector bits = FloatVector.fromArray(FLOATS, src, i).reinterpretAsInts();
      IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
      IntVector rounded =
          bits.add(odd)
              .add(0x7fff)
              .blend(bits.or(QUIET), bits.and(MAGNITUDE).compare(VectorOperators.GT, INFINITY));
      IntVector half = rounded.lanewise(VectorOperators.LSHR, 16);
      ((ShortVector) half.convertShape(VectorOperators.I2S, HALF_SHORTS, 0))
          .reinterpretAsBytes()
          .intoArray(dst, offset + 2 * i);
    }
    for (; i < n; i++) {
      SHORT_VIEW.set(dst, offset + 2 * i, Half.floatToBf16(src[i]));
    }
  }

  static void roundBf16(float[] x, int n) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      IntVector bits = FloatVector.fromArray(FLOATS, x, i).reinterpretAsInts();
      IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
      IntVector rounded =
          bits.add(odd)
              .add(0x7fff)
              .blend(bits.or(QUIET), bits.and(MAGNITUDE).compare(VectorOperators.GT, INFINITY));
      rounded.and(0xffff0000).reinterpretAsFloats().intoArray(x, i);
    }
    for (; i < n; i++) {
      x[i] = Half.bf16ToFloat(Half.floatToBf16(x[i]));
    }
  }

  static void decodeF16(byte[] src, int offset, float[] dst, int n) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      IntVector half =
          (IntVector)
              ByteVector.fromArray(HALF_BYTES, src, offset + 2 * i)
                  .reinterpretAsShorts()
                  .convertShape(VectorOperators.S2I, INTS, 0);
      IntVector magnitude = half.and(0x7fff).lanewise(VectorOperators.LSHL, 13);
      // A subnormal is what its bits add to 2^-14 when they are the mantissa: exact, no denormals.
      IntVector subnormal =
          magnitude.add(113 << 23).reinterpretAsFloats().sub(0x1p-14f).reinterpretAsInts();
      IntVector infinite = magnitude.or(INFINITY);
      magnitude
          .add(112 << 23)
          .blend(subnormal, magnitude.compare(VectorOperators.LT, 1 << 23))
          .blend(infinite, magnitude.compare(VectorOperators.GE, 0x1f << 23))
          .blend(infinite.or(QUIET), magnitude.compare(VectorOperators.GT, 0x1f << 23))
          .or(half.lanewise(VectorOperators.LSHL, 16).and(SIGN))
          .reinterpretAsFloats()
          .intoArray(dst, i);
    }
    for (; i < n; i++) {
      dst[i] = Half.f16ToFloat((short) SHORT_VIEW.get(src, offset + 2 * i));
    }
  }

  static void encodeF16(float[] src, int n, byte[] dst, int offset) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      IntVector bits = FloatVector.fromArray(FLOATS, src, i).reinterpretAsInts();
      IntVector magnitude = bits.and(MAGNITUDE);
      IntVector odd = magnitude.lanewise(VectorOperators.LSHR, 13).and(1);
      IntVector normal =
          magnitude.add(odd).add(0xfff - (112 << 23)).lanewise(VectorOperators.LSHR, 13);
      // Next to 0.5 floats are 2^-24 apart, as subnormals are: the addition rounds.
      IntVector subnormal =
          magnitude.reinterpretAsFloats().add(0.5f).reinterpretAsInts().sub(0x3f000000);
      IntVector nan = magnitude.lanewise(VectorOperators.LSHR, 13).and(0x3ff).or(0x7e00);
      IntVector half =
          normal
              .blend(subnormal, magnitude.compare(VectorOperators.LT, 0x38800000))
              .blend(0x7c00, magnitude.compare(VectorOperators.GE, 0x477ff000))
              .blend(nan, magnitude.compare(VectorOperators.GT, INFINITY))
              .or(bits.lanewise(VectorOperators.LSHR, 16).and(0x8000));
      ((ShortVector) half.convertShape(VectorOperators.I2S, HALF_SHORTS, 0))
          .reinterpretAsBytes()
          .intoArray(dst, offset + 2 * i);
    }
    for (; i < n; i++) {
      SHORT_VIEW.set(dst, offset + 2 * i, Half.floatToF16(src[i]));
    }
  }

  static void roundF16(float[] x, int n) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      IntVector bits = FloatVector.fromArray(FLOATS, x, i).reinterpretAsInts();
      IntVector magnitude = bits.and(MAGNITUDE);
      IntVector odd = magnitude.lanewise(VectorOperators.LSHR, 13).and(1);
      // Next to 0.5 floats are 2^-24 apart, as subnormals are: the addition rounds.
      IntVector subnormal = magnitude.reinterpretAsFloats().add(0.5f).sub(0.5f).reinterpretAsInts();
      magnitude
          .add(odd)
          .add(0xfff)
          .blend(subnormal, magnitude.compare(VectorOperators.LT, 0x38800000))
          .blend(INFINITY, magnitude.compare(VectorOperators.GE, 0x477ff000))
          .blend(magnitude.or(QUIET), magnitude.compare(VectorOperators.GT, INFINITY))
          .and(0x7fffe000)
          .or(bits.and(SIGN))
          .reinterpretAsFloats()
          .intoArray(x, i);
    }
    for (; i < n; i++) {
      x[i] = Half.f16ToFloat(Half.floatToF16(x[i]));
    }
  }

  static void decodeF32(byte[] src, int offset, float[] dst, int n) {
    floats(src, offset, n).get(dst, 0, n);
  }

  static void encodeF32(float[] src, int n, byte[] dst, int offset) {
    floats(dst, offset, n).put(src, 0, n);
  }

  /** Copies in bulk, as fast as vectors. */
  private static FloatBuffer floats(byte[] bytes, int offset, int n) {
    return ByteBuffer.wrap(bytes, offset, 4 * n).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
  }
}
