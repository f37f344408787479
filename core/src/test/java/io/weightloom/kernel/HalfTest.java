package io.weightloom.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.weightloom.tensor.DType;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Map;
import java.util.NavigableMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class HalfTest {

  private static float decode(DType dtype, int code) {
    return dtype == DType.BF16 ? Half.bf16ToFloat((short) code) : Half.f16ToFloat((short) code);
  }

  private static int encode(DType dtype, float value) {
    short code = dtype == DType.BF16 ? Half.floatToBf16(value) : Half.floatToF16(value);
    return code & 0xffff;
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void decodesEveryCodeToItsValue(DType dtype) {
    for (int code = 0; code < Codes.COUNT; code++) {
      Float expected = (float) Codes.valueOf(dtype, code);
      assertThat(decode(dtype, code)).as("%s %04x", dtype, code).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void encodesWhatItDecodes(DType dtype) {
    int quiet = dtype == DType.BF16 ? 0x40 : 0x200;
    for (int code = 0; code < Codes.COUNT; code++) {
      boolean nan = Double.isNaN(Codes.valueOf(dtype, code));
      assertThat(encode(dtype, decode(dtype, code)))
          .as("%s %04x", dtype, code)
          .isEqualTo(nan ? code | quiet : code);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void encodesToTheNearestAndTiesToEven(DType dtype) {
    NavigableMap<Double, Integer> magnitudes = Codes.magnitudes(dtype);
    for (float x : Codes.neighbours(dtype)) {
      int sign = Float.floatToRawIntBits(x) >>> 31 << 15;
      int expected = Float.isNaN(x) ? 0 : sign | nearest(magnitudes, Math.abs((double) x));
      assertThat(encode(dtype, x)).as("%s of %s", dtype, x).isEqualTo(expected);
    }
  }

  private static int nearest(NavigableMap<Double, Integer> magnitudes, double x) {
    Map.Entry<Double, Integer> below = magnitudes.floorEntry(x);
    Map.Entry<Double, Integer> above = magnitudes.ceilingEntry(x);
    if (above == null) {
      return magnitudes.lastEntry().getValue();
    }
    double down = x - below.getKey();
    double up = above.getKey() - x;
    if (down == up) {
      return (below.getValue() & 1) == 0 ? below.getValue() : above.getValue();
    }
    return down < up ? below.getValue() : above.getValue();
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void keepsNansAndTheirSigns(DType dtype) {
    for (int payload : new int[] {1, 0x1fff, 0x2000, 0x3fffff, 0x400000, 0x7fffff}) {
      for (int sign : new int[] {0, 0x80000000}) {
        int code = encode(dtype, Float.intBitsToFloat(sign | 0x7f800000 | payload));
        assertThat(Codes.valueOf(dtype, code)).isNaN();
        assertThat(code >>> 15).isEqualTo(sign >>> 31);
      }
    }
  }

  @Test
  void agreesWithTheConversionsOfTheJdk() throws Throwable {
    assumeTrue(Runtime.version().feature() >= 20, "Float.float16ToFloat came with JDK 20");
    MethodHandles.Lookup lookup = MethodHandles.publicLookup();
    MethodHandle toFloat =
        lookup.findStatic(
            Float.class, "float16ToFloat", MethodType.methodType(float.class, short.class));
    MethodHandle toHalf =
        lookup.findStatic(
            Float.class, "floatToFloat16", MethodType.methodType(short.class, float.class));
    for (int code = 0; code < Codes.COUNT; code++) {
      Float expected = (float) toFloat.invokeExact((short) code);
      assertThat(Half.f16ToFloat((short) code)).as("%04x", code).isEqualTo(expected);
    }
    for (float x : Codes.neighbours(DType.F16)) {
      short expected = (short) toHalf.invokeExact(x);
      assertThat(Half.floatToF16(x)).as("%s", x).isEqualTo(expected);
    }
    for (int bits = 0; bits < 0x7f800000; bits += 0x1003) {
      float x = Float.intBitsToFloat(bits);
      short expected = (short) toHalf.invokeExact(x);
      assertThat(Half.floatToF16(x)).as("%s", x).isEqualTo(expected);
    }
  }
}
