package io.weightloom.kernel;

import io.weightloom.tensor.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.NavigableMap;
import java.util.TreeMap;

/** The 65,536 codes of the 16-bit formats, and their values by definition. */
final class Codes {
  static final int COUNT = 1 << 16;

  private Codes() {}

  /** Each code once, little-endian. */
  static byte[] all() {
    ByteBuffer codes = ByteBuffer.allocate(2 * COUNT).order(ByteOrder.LITTLE_ENDIAN);
    for (int code = 0; code < COUNT; code++) {
      codes.putShort((short) code);
    }
    return codes.array();
  }

  /** The value of a code: fields, powers and nothing else. */
  static double valueOf(DType dtype, int code) {
    int mantissaBits = dtype == DType.BF16 ? 7 : 10;
    int exponentBits = 15 - mantissaBits;
    int bias = (1 << (exponentBits - 1)) - 1;
    int exponent = (code & 0x7fff) >>> mantissaBits;
    double fraction = (code & ((1 << mantissaBits) - 1)) * Math.pow(2, -mantissaBits);
    double sign = code < 0x8000 ? 1 : -1;
    if (exponent == (1 << exponentBits) - 1) {
      return fraction == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
    }
    return exponent == 0
        ? sign * fraction * Math.pow(2, 1.0 - bias)
        : sign * (1 + fraction) * Math.pow(2, exponent - bias);
  }

  /** The finite magnitudes and, as if it were one more, the first power that is too large. */
  static NavigableMap<Double, Integer> magnitudes(DType dtype) {
    TreeMap<Double, Integer> codes = new TreeMap<>();
    int infinity = dtype == DType.BF16 ? 0x7f80 : 0x7c00;
    for (int code = 0; code < infinity; code++) {
      codes.put(valueOf(dtype, code), code);
    }
    codes.put(dtype == DType.BF16 ? 0x1p128 : 0x1p16, infinity);
    return codes;
  }

  /** All values, all points half way between two, and the floats next to those, of both signs. */
  static float[] neighbours(DType dtype) {
    Double[] grid = magnitudes(dtype).keySet().toArray(Double[]::new);
    float[] near = new float[12 * (grid.length - 1)];
    int at = 0;
    for (int i = 0; i + 1 < grid.length; i++) {
      for (double exact : new double[] {grid[i], (grid[i] + grid[i + 1]) / 2}) {
        float x = (float) exact;
        for (float y : new float[] {x, Math.nextUp(x), Math.nextDown(x)}) {
          near[at++] = y;
          near[at++] = -y;
        }
      }
    }
    return near;
  }
}
