package io.weightloom.kernel.vector;

import static io.weightloom.kernel.vector.Species.DOUBLES;
import static io.weightloom.kernel.vector.Species.FLOATS;
import static io.weightloom.kernel.vector.Species.HALF_FLOATS;
import static io.weightloom.kernel.vector.Species.WIDTH;

import io.weightloom.kernel.Kernels;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Counts and sums over the elements of a vector. */
final class Reductions {
  private static final int LANES = Kernels.LANES;
  private static final int MAGNITUDE = 0x7fffffff;
  private static final int INFINITY = 0x7f800000;
  private static final int KEY_BITS = 31;

  private Reductions() {}

  static void histogram(float[] x, int shift, int prefix, int[] bins, int n) {
    if (shift + 16 < KEY_BITS) {
      countMatching(x, shift, prefix, bins, n);
    } else if (prefix == 0) {
      countInto(x, shift, bins, 0, n);
    }
  }

  private static void countInto(float[] x, int shift, int[] bins, int from, int to) {
    for (int i = from; i < to; i++) {
      bins[((Float.floatToRawIntBits(x[i]) & MAGNITUDE) >>> shift) & 0xffff]++;
    }
  }

  /** Few elements have the prefix, so most vectors are left after one comparison. */
  private static void countMatching(float[] x, int shift, int prefix, int[] bins, int n) {
    int high = shift + 16;
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      IntVector key = FloatVector.fromArray(FLOATS, x, i).reinterpretAsInts().and(MAGNITUDE);
      if (key.lanewise(VectorOperators.LSHR, high).compare(VectorOperators.EQ, prefix).anyTrue()) {
        countMatching(x, shift, prefix, bins, i, i + WIDTH);
      }
    }
    countMatching(x, shift, prefix, bins, i, n);
  }

  private static void countMatching(
      float[] x, int shift, int prefix, int[] bins, int from, int to) {
    for (int i = from; i < to; i++) {
      int key = Float.floatToRawIntBits(x[i]) & MAGNITUDE;
      if (key >>> (shift + 16) == prefix) {
        bins[(key >>> shift) & 0xffff]++;
      }
    }
  }

  static int countAtLeast(float[] x, float threshold, int n) {
    if (Float.isNaN(threshold)) {
      return 0;
    }
    int least = threshold > 0 ? Float.floatToRawIntBits(threshold) : 0;
    int upper = FLOATS.loopBound(n);
    int i = 0;
    int count = 0;
    if (upper > 0) {
      // Adds -1 where the key is below the least one, and where it is a NaN's.
      IntVector first = FloatVector.fromArray(FLOATS, x, 0).reinterpretAsInts().and(MAGNITUDE);
      IntVector firstNan = first.lanewise(VectorOperators.NEG).add(INFINITY);
      IntVector without = first.sub(least).or(firstNan).lanewise(VectorOperators.ASHR, 31);
      for (i = WIDTH; i < upper; i += WIDTH) {
        IntVector key = FloatVector.fromArray(FLOATS, x, i).reinterpretAsInts().and(MAGNITUDE);
        IntVector nan = key.lanewise(VectorOperators.NEG).add(INFINITY);
        without = without.add(key.sub(least).or(nan).lanewise(VectorOperators.ASHR, 31));
      }
      count = i + without.reduceLanes(VectorOperators.ADD);
    }
    for (; i < n; i++) {
      count += Math.abs(x[i]) >= threshold ? 1 : 0;
    }
    return count;
  }

  static int countNonZero(float[] x, int n) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    int count = 0;
    if (upper > 0) {
      IntVector first = FloatVector.fromArray(FLOATS, x, 0).reinterpretAsInts().and(MAGNITUDE);
      IntVector zeros = first.sub(1).lanewise(VectorOperators.ASHR, 31);
      for (i = WIDTH; i < upper; i += WIDTH) {
        IntVector key = FloatVector.fromArray(FLOATS, x, i).reinterpretAsInts().and(MAGNITUDE);
        zeros = zeros.add(key.sub(1).lanewise(VectorOperators.ASHR, 31));
      }
      count = i + zeros.reduceLanes(VectorOperators.ADD);
    }
    for (; i < n; i++) {
      count += x[i] != 0 ? 1 : 0;
    }
    return count;
  }

  /** Two accumulators a pass; narrower vectors need more passes to serve all lanes in order. */
  static void sumMagnitudes(float[] x, double[] lanes, int n) {
    int width = DOUBLES.length();
    int upper = n & -LANES;
    for (int lane = 0; lane < LANES; lane += 2 * width) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, lanes, lane + width);
      for (int i = lane; i < upper; i += LANES) {
        FloatVector x0 = FloatVector.fromArray(HALF_FLOATS, x, i);
        FloatVector x1 = FloatVector.fromArray(HALF_FLOATS, x, i + width);
        low =
            low.add(x0.convertShape(VectorOperators.F2D, DOUBLES, 0).lanewise(VectorOperators.ABS));
        high =
            high.add(
                x1.convertShape(VectorOperators.F2D, DOUBLES, 0).lanewise(VectorOperators.ABS));
      }
      low.intoArray(lanes, lane);
      high.intoArray(lanes, lane + width);
    }
    for (int i = upper; i < n; i++) {
      lanes[i & (LANES - 1)] += Math.abs(x[i]);
    }
  }

  static void dot(float[] a, float[] b, double[] lanes, int n) {
    int width = DOUBLES.length();
    int upper = n & -LANES;
    for (int lane = 0; lane < LANES; lane += 2 * width) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, lanes, lane + width);
      for (int i = lane; i < upper; i += LANES) {
        FloatVector a0 = FloatVector.fromArray(HALF_FLOATS, a, i);
        FloatVector a1 = FloatVector.fromArray(HALF_FLOATS, a, i + width);
        FloatVector b0 = FloatVector.fromArray(HALF_FLOATS, b, i);
        FloatVector b1 = FloatVector.fromArray(HALF_FLOATS, b, i + width);
        DoubleVector x0 = (DoubleVector) a0.convertShape(VectorOperators.F2D, DOUBLES, 0);
        DoubleVector x1 = (DoubleVector) a1.convertShape(VectorOperators.F2D, DOUBLES, 0);
        low = low.add(x0.mul(b0.convertShape(VectorOperators.F2D, DOUBLES, 0)));
        high = high.add(x1.mul(b1.convertShape(VectorOperators.F2D, DOUBLES, 0)));
      }
      low.intoArray(lanes, lane);
      high.intoArray(lanes, lane + width);
    }
    for (int i = upper; i < n; i++) {
      lanes[i & (LANES - 1)] += (double) a[i] * b[i];
    }
  }

  static int firstNonFinite(float[] x, int n) {
    int upper = FLOATS.loopBound(n);
    boolean clean = false;
    if (upper > 0) {
      IntVector greatest = FloatVector.fromArray(FLOATS, x, 0).reinterpretAsInts().and(MAGNITUDE);
      for (int i = WIDTH; i < upper; i += WIDTH) {
        IntVector key = FloatVector.fromArray(FLOATS, x, i).reinterpretAsInts().and(MAGNITUDE);
        greatest = greatest.max(key);
      }
      clean = greatest.reduceLanes(VectorOperators.MAX) < INFINITY;
    }
    for (int i = clean ? upper : 0; i < n; i++) {
      if (!Float.isFinite(x[i])) {
        return i;
      }
    }
    return -1;
  }
}
