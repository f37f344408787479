package io.weightloom.kernel.vector;

import static io.weightloom.kernel.vector.Species.FLOATS;
import static io.weightloom.kernel.vector.Species.LONGS;
import static io.weightloom.kernel.vector.Species.WIDTH;

import io.weightloom.kernel.CounterRandom;
import java.util.stream.LongStream;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;

/** Operations on one or two vectors, element by element. */
final class Elementwise {
  /** What the counter gains from pair to pair. */
  private static final long[] STEPS =
      LongStream.range(0, LONGS.length()).map(i -> 2 * i * CounterRandom.GAMMA).toArray();

  /** AVX-512 multiplies {@code long}s; what stands in for it elsewhere loses to plain loops. */
  private static final boolean FAST_MULTIPLY = LONGS.vectorBitSize() >= 512;

  private Elementwise() {}

  static void subtract(float[] a, float[] b, float[] out, int n) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      FloatVector x = FloatVector.fromArray(FLOATS, a, i);
      x.sub(FloatVector.fromArray(FLOATS, b, i)).intoArray(out, i);
    }
    for (; i < n; i++) {
      out[i] = a[i] - b[i];
    }
  }

  static void add(float[] a, float[] b, float[] out, int n) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      FloatVector x = FloatVector.fromArray(FLOATS, a, i);
      x.add(FloatVector.fromArray(FLOATS, b, i)).intoArray(out, i);
    }
    for (; i < n; i++) {
      out[i] = a[i] + b[i];
    }
  }

  static void scale(float[] x, float s, float[] out, int n) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      FloatVector.fromArray(FLOATS, x, i).mul(s).intoArray(out, i);
    }
    for (; i < n; i++) {
      out[i] = s * x[i];
    }
  }

  static void divide(float[] a, float[] b, float[] out, int n) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      FloatVector by = FloatVector.fromArray(FLOATS, b, i);
      FloatVector safe = by.blend(1, by.compare(VectorOperators.EQ, 0));
      FloatVector.fromArray(FLOATS, a, i).div(safe).intoArray(out, i);
    }
    for (; i < n; i++) {
      out[i] = a[i] / (b[i] == 0 ? 1 : b[i]);
    }
  }

  static void trim(float[] x, float threshold, int n) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      FloatVector v = FloatVector.fromArray(FLOATS, x, i);
      v.blend(0, v.abs().compare(VectorOperators.LT, threshold)).intoArray(x, i);
    }
    for (; i < n; i++) {
      if (Math.abs(x[i]) < threshold) {
        x[i] = 0;
      }
    }
  }

  static void drop(float[] x, long key, long first, long dropBelow, int n) {
    // Within these bounds the subtraction below cannot overflow, and nothing else changes.
    long below = Math.max(0, Math.min(dropBelow, 1L << 53));
    int i = FAST_MULTIPLY ? dropPairs(x, key, first, below, n) : 0;
    for (; i < n; i++) {
      if (CounterRandom.draw(key, first + i) >>> 11 < below) {
        x[i] = 0;
      }
    }
  }

  /** Takes two neighbours as one {@code long}, so that masks need no change of shape. */
  private static int dropPairs(float[] x, long key, long first, long below, int n) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      LongVector even =
          LongVector.fromArray(LONGS, STEPS, 0).add(key + (first + i + 1) * CounterRandom.GAMMA);
      LongVector odd = even.add(CounterRandom.GAMMA);
      even = even.lanewise(VectorOperators.LSHR, 30).lanewise(VectorOperators.XOR, even);
      odd = odd.lanewise(VectorOperators.LSHR, 30).lanewise(VectorOperators.XOR, odd);
      even = even.mul(CounterRandom.MIX_1);
      odd = odd.mul(CounterRandom.MIX_1);
      even = even.lanewise(VectorOperators.LSHR, 27).lanewise(VectorOperators.XOR, even);
      odd = odd.lanewise(VectorOperators.LSHR, 27).lanewise(VectorOperators.XOR, odd);
      even = even.mul(CounterRandom.MIX_2);
      odd = odd.mul(CounterRandom.MIX_2);
      even = even.lanewise(VectorOperators.LSHR, 31).lanewise(VectorOperators.XOR, even);
      odd = odd.lanewise(VectorOperators.LSHR, 31).lanewise(VectorOperators.XOR, odd);
      // Negative, and so all ones after the shift, where the element stays.
      even = even.lanewise(VectorOperators.LSHR, 11).neg().add(below - 1);
      odd = odd.lanewise(VectorOperators.LSHR, 11).neg().add(below - 1);
      LongVector low = even.lanewise(VectorOperators.ASHR, 63).lanewise(VectorOperators.LSHR, 32);
      LongVector high = odd.lanewise(VectorOperators.ASHR, 63).lanewise(VectorOperators.LSHL, 32);
      FloatVector.fromArray(FLOATS, x, i)
          .reinterpretAsLongs()
          .and(low.or(high))
          .reinterpretAsFloats()
          .intoArray(x, i);
    }
    return i;
  }
}
