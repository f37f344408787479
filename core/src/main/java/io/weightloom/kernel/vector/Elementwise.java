package io.weightloom.kernel.vector;

import static io.weightloom.kernel.vector.Species.FLOATS;
import static io.weightloom.kernel.vector.Species.HALF_FLOATS;
import static io.weightloom.kernel.vector.Species.HALF_INTS;
import static io.weightloom.kernel.vector.Species.LONGS;
import static io.weightloom.kernel.vector.Species.WIDTH;

import io.weightloom.kernel.CounterRandom;
import java.util.stream.LongStream;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;

/** Operations on one or two vectors, element by element. */
final class Elementwise {
  /** What the counter gains from element to element. */
  private static final long[] STEPS =
      LongStream.range(0, LONGS.length()).map(i -> i * CounterRandom.GAMMA).toArray();

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
    LongVector steps = LongVector.fromArray(LONGS, STEPS, 0);
    int upper = LONGS.loopBound(n);
    int i = 0;
    for (; i < upper; i += LONGS.length()) {
      LongVector counter = steps.add(key + (first + i + 1) * CounterRandom.GAMMA);
      LongVector a =
          counter.lanewise(VectorOperators.LSHR, 30).lanewise(VectorOperators.XOR, counter);
      LongVector b = a.mul(CounterRandom.MIX_1);
      LongVector c = b.lanewise(VectorOperators.LSHR, 27).lanewise(VectorOperators.XOR, b);
      LongVector d = c.mul(CounterRandom.MIX_2);
      LongVector draw = d.lanewise(VectorOperators.LSHR, 31).lanewise(VectorOperators.XOR, d);
      LongVector dropped =
          draw.lanewise(VectorOperators.LSHR, 11).sub(below).lanewise(VectorOperators.ASHR, 63);
      IntVector mask = (IntVector) dropped.convertShape(VectorOperators.L2I, HALF_INTS, 0);
      FloatVector.fromArray(HALF_FLOATS, x, i)
          .reinterpretAsInts()
          .lanewise(VectorOperators.AND_NOT, mask)
          .reinterpretAsFloats()
          .intoArray(x, i);
    }
    for (; i < n; i++) {
      if (CounterRandom.draw(key, first + i) >>> 11 < below) {
        x[i] = 0;
      }
    }
  }
}
