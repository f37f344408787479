package io.weightloom.kernel.vector;

import static io.weightloom.kernel.vector.Species.FLOATS;
import static io.weightloom.kernel.vector.Species.WIDTH;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Operations over the same element of several models, added in the order of the models. */
final class Consensus {

  private Consensus() {}

  static void weightedSum(float[][] xs, float[] weights, float[] out, int n) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      FloatVector sum = FloatVector.fromArray(FLOATS, xs[0], i).mul(weights[0]);
      for (int k = 1; k < xs.length; k++) {
        sum = sum.add(FloatVector.fromArray(FLOATS, xs[k], i).mul(weights[k]));
      }
      sum.intoArray(out, i);
    }
    for (; i < n; i++) {
      float sum = weights[0] * xs[0][i];
      for (int k = 1; k < xs.length; k++) {
        sum += weights[k] * xs[k][i];
      }
      out[i] = sum;
    }
  }

  static void electByMass(float[][] xs, float zeroSign, float[] sign, int n) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      FloatVector sum = FloatVector.fromArray(FLOATS, xs[0], i);
      for (int k = 1; k < xs.length; k++) {
        sum = sum.add(FloatVector.fromArray(FLOATS, xs[k], i));
      }
      signOf(sum, zeroSign).intoArray(sign, i);
    }
    for (; i < n; i++) {
      float sum = xs[0][i];
      for (int k = 1; k < xs.length; k++) {
        sum += xs[k][i];
      }
      sign[i] = signOf(sum, zeroSign);
    }
  }

  static void electByCount(float[][] xs, float zeroSign, float[] sign, int n) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      FloatVector sum = FloatVector.zero(FLOATS);
      for (int k = 0; k < xs.length; k++) {
        sum = sum.add(signOf(FloatVector.fromArray(FLOATS, xs[k], i), 0));
      }
      signOf(sum, zeroSign).intoArray(sign, i);
    }
    for (; i < n; i++) {
      float sum = 0;
      for (float[] x : xs) {
        sum += signOf(x[i], 0);
      }
      sign[i] = signOf(sum, zeroSign);
    }
  }

  private static FloatVector signOf(FloatVector x, float zeroSign) {
    return FloatVector.broadcast(FLOATS, zeroSign)
        .blend(1, x.compare(VectorOperators.GT, 0))
        .blend(-1, x.compare(VectorOperators.LT, 0));
  }

  private static float signOf(float x, float zeroSign) {
    if (x > 0) {
      return 1;
    }
    return x < 0 ? -1 : zeroSign;
  }

  static void disjointSum(float[][] xs, float[] sign, float[] out, int n) {
    FloatVector zero = FloatVector.zero(FLOATS);
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      FloatVector elected = FloatVector.fromArray(FLOATS, sign, i);
      FloatVector sum = zero;
      for (int k = 0; k < xs.length; k++) {
        FloatVector x = FloatVector.fromArray(FLOATS, xs[k], i);
        sum = sum.add(zero.blend(x, x.mul(elected).compare(VectorOperators.GT, 0)));
      }
      sum.intoArray(out, i);
    }
    for (; i < n; i++) {
      float sum = 0;
      for (float[] x : xs) {
        sum += x[i] * sign[i] > 0 ? x[i] : 0;
      }
      out[i] = sum;
    }
  }

  static void disjointWeight(float[][] xs, float[] weights, float[] sign, float[] out, int n) {
    FloatVector zero = FloatVector.zero(FLOATS);
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      FloatVector elected = FloatVector.fromArray(FLOATS, sign, i);
      FloatVector sum = zero;
      for (int k = 0; k < xs.length; k++) {
        FloatVector x = FloatVector.fromArray(FLOATS, xs[k], i);
        sum = sum.add(zero.blend(weights[k], x.mul(elected).compare(VectorOperators.GT, 0)));
      }
      sum.intoArray(out, i);
    }
    for (; i < n; i++) {
      float sum = 0;
      for (int k = 0; k < xs.length; k++) {
        sum += xs[k][i] * sign[i] > 0 ? weights[k] : 0;
      }
      out[i] = sum;
    }
  }

  static void disjointMax(float[][] xs, float[] sign, float[] out, int n) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      FloatVector elected = FloatVector.fromArray(FLOATS, sign, i);
      FloatVector max = FloatVector.zero(FLOATS);
      for (int k = 0; k < xs.length; k++) {
        FloatVector agreeing = FloatVector.fromArray(FLOATS, xs[k], i).mul(elected);
        max = max.blend(agreeing, agreeing.compare(VectorOperators.GT, max));
      }
      max.mul(elected).intoArray(out, i);
    }
    for (; i < n; i++) {
      float max = 0;
      for (float[] x : xs) {
        float agreeing = x[i] * sign[i];
        max = agreeing > max ? agreeing : max;
      }
      out[i] = max * sign[i];
    }
  }
}
