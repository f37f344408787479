package io.weightloom.stats;

import io.weightloom.tensor.DType;
import java.io.Serializable;
import java.util.List;

/**
 * A binary floating-point format that weights may be cast into, to nearest and ties to even.
 *
 * @param dtype the format
 * @param precision bits of the significand, the hidden one included
 * @param leastExponent exponent of the least normal number
 * @param max the greatest finite number
 * @param overflow the least magnitude that lies nearer to what follows {@code max}
 * @param overflowKept whether that magnitude itself is still rounded to {@code max}
 */
public record FloatFormat(
    DType dtype,
    int precision,
    int leastExponent,
    double max,
    double overflow,
    boolean overflowKept)
    implements Serializable {
  private static final long serialVersionUID = 1;

  /** Formats that one asks about before a cast, the widest first. */
  public static final List<FloatFormat> TARGETS =
      List.of(
          new FloatFormat(DType.BF16, 8, -126, 0x1.fep127, 0x1.ffp127, false),
          new FloatFormat(DType.F16, 11, -14, 65504, 65520, false),
          new FloatFormat(DType.F8_E4M3, 4, -6, 448, 464, true),
          new FloatFormat(DType.F8_E5M2, 3, -14, 57344, 61440, false));

  /** The magnitude up to which all but 0 become 0: half of the least denormal number. */
  double underflow() {
    return Math.scalb(1.0, leastExponent - precision);
  }

  boolean overflows(double x) {
    double magnitude = Math.abs(x);
    return magnitude > overflow || (magnitude == overflow && !overflowKept);
  }

  boolean underflows(double x) {
    return x != 0 && Math.abs(x) <= underflow();
  }

  /** Whether the format has exactly this finite value. */
  boolean holds(double x) {
    int quantum = Math.max(Math.getExponent(x), leastExponent) - (precision - 1);
    double units = x * Double.longBitsToDouble((long) (Double.MAX_EXPONENT - quantum) << 52);
    return Math.abs(x) <= max && units == Math.rint(units);
  }

  /**
   * Whether the format has a value of this exponent with so many significant bits, in range or not.
   */
  boolean resolves(int exponent, int significantBits) {
    return significantBits <= precision - Math.max(0, leastExponent - exponent);
  }
}
