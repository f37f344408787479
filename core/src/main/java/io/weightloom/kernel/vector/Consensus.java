package io.weightloom.kernel.vector;

import static io.weightloom.kernel.vector.Species.FLOATS;
import static io.weightloom.kernel.vector.Species.WIDTH;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Operations over the same element of several models, added in the order of the models. Two vectors
 * are under way at once, so that finding a model's array is paid for half as often.
 *
 * <p>Here and in {@link Reductions} an accumulator begins with the first values and not with zero:
 * C2 of JDK 17 keeps a loop variable in memory when it may come from a constant vector as well as
 * from a computed one.
 */
final class Consensus {
  private static final int STEP = 2 * WIDTH;

  private Consensus() {}

  static void weightedSum(float[][] xs, float[] weights, float[] out, int n) {
    int upper = n - n % STEP;
    int i = 0;
    for (; i < upper; i += STEP) {
      float[] first = xs[0];
      FloatVector sum0 = FloatVector.fromArray(FLOATS, first, i).mul(weights[0]).add(0);
      FloatVector sum1 = FloatVector.fromArray(FLOATS, first, i + WIDTH).mul(weights[0]).add(0);
      for (int k = 1; k < xs.length; k++) {
        float[] x = xs[k];
        sum0 = sum0.add(FloatVector.fromArray(FLOATS, x, i).mul(weights[k]));
        sum1 = sum1.add(FloatVector.fromArray(FLOATS, x, i + WIDTH).mul(weights[k]));
      }
      sum0.intoArray(out, i);
      sum1.intoArray(out, i + WIDTH);
    }
    for (; i < n; i++) {
      float sum = 0;
      for (int k = 0; k < xs.length; k++) {
        sum += weights[k] * xs[k][i];
      }
      out[i] = sum;
    }
  }

  static void electByMass(float[][] xs, float zeroSign, float[] sign, int n) {
    FloatVector otherwise = FloatVector.broadcast(FLOATS, zeroSign);
    int upper = n - n % STEP;
    int i = 0;
    for (; i < upper; i += STEP) {
      float[] first = xs[0];
      FloatVector sum0 = FloatVector.fromArray(FLOATS, first, i);
      FloatVector sum1 = FloatVector.fromArray(FLOATS, first, i + WIDTH);
      for (int k = 1; k < xs.length; k++) {
        float[] x = xs[k];
        sum0 = sum0.add(FloatVector.fromArray(FLOATS, x, i));
        sum1 = sum1.add(FloatVector.fromArray(FLOATS, x, i + WIDTH));
      }
      otherwise
          .blend(1, sum0.compare(VectorOperators.GT, 0))
          .blend(-1, sum0.compare(VectorOperators.LT, 0))
          .intoArray(sign, i);
      otherwise
          .blend(1, sum1.compare(VectorOperators.GT, 0))
          .blend(-1, sum1.compare(VectorOperators.LT, 0))
          .intoArray(sign, i + WIDTH);
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
    FloatVector otherwise = FloatVector.broadcast(FLOATS, zeroSign);
    FloatVector zero = FloatVector.zero(FLOATS);
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      FloatVector first = FloatVector.fromArray(FLOATS, xs[0], i);
      FloatVector sum = zero.blend(1, first.compare(VectorOperators.GT, 0));
      sum = sum.sub(zero.blend(1, first.compare(VectorOperators.LT, 0)));
      for (int k = 1; k < xs.length; k++) {
        FloatVector x = FloatVector.fromArray(FLOATS, xs[k], i);
        sum = sum.add(zero.blend(1, x.compare(VectorOperators.GT, 0)));
        sum = sum.sub(zero.blend(1, x.compare(VectorOperators.LT, 0)));
      }
      otherwise
          .blend(1, sum.compare(VectorOperators.GT, 0))
          .blend(-1, sum.compare(VectorOperators.LT, 0))
          .intoArray(sign, i);
    }
    for (; i < n; i++) {
      float sum = 0;
      for (float[] x : xs) {
        sum += signOf(x[i], 0);
      }
      sign[i] = signOf(sum, zeroSign);
    }
  }

  private static float signOf(float x, float zeroSign) {
    if (x > 0) {
      return 1;
    }
    return x < 0 ? -1 : zeroSign;
  }

  static void disjointSum(float[][] xs, float[] sign, float[] out, int n) {
    FloatVector zero = FloatVector.zero(FLOATS);
    int upper = n - n % STEP;
    int i = 0;
    for (; i < upper; i += STEP) {
      FloatVector elected0 = FloatVector.fromArray(FLOATS, sign, i);
      FloatVector elected1 = FloatVector.fromArray(FLOATS, sign, i + WIDTH);
      FloatVector first0 = FloatVector.fromArray(FLOATS, xs[0], i);
      FloatVector first1 = FloatVector.fromArray(FLOATS, xs[0], i + WIDTH);
      FloatVector sum0 = zero.blend(first0, first0.mul(elected0).compare(VectorOperators.GT, 0));
      FloatVector sum1 = zero.blend(first1, first1.mul(elected1).compare(VectorOperators.GT, 0));
      for (int k = 1; k < xs.length; k++) {
        float[] x = xs[k];
        FloatVector x0 = FloatVector.fromArray(FLOATS, x, i);
        FloatVector x1 = FloatVector.fromArray(FLOATS, x, i + WIDTH);
        sum0 = sum0.add(zero.blend(x0, x0.mul(elected0).compare(VectorOperators.GT, 0)));
        sum1 = sum1.add(zero.blend(x1, x1.mul(elected1).compare(VectorOperators.GT, 0)));
      }
      sum0.intoArray(out, i);
      sum1.intoArray(out, i + WIDTH);
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
    int upper = n - n % STEP;
    int i = 0;
    for (; i < upper; i += STEP) {
      FloatVector elected0 = FloatVector.fromArray(FLOATS, sign, i);
      FloatVector elected1 = FloatVector.fromArray(FLOATS, sign, i + WIDTH);
      FloatVector first0 = FloatVector.fromArray(FLOATS, xs[0], i).mul(elected0);
      FloatVector first1 = FloatVector.fromArray(FLOATS, xs[0], i + WIDTH).mul(elected1);
      FloatVector sum0 = zero.blend(weights[0], first0.compare(VectorOperators.GT, 0));
      FloatVector sum1 = zero.blend(weights[0], first1.compare(VectorOperators.GT, 0));
      for (int k = 1; k < xs.length; k++) {
        float[] x = xs[k];
        float w = weights[k];
        FloatVector p0 = FloatVector.fromArray(FLOATS, x, i).mul(elected0);
        FloatVector p1 = FloatVector.fromArray(FLOATS, x, i + WIDTH).mul(elected1);
        sum0 = sum0.add(zero.blend(w, p0.compare(VectorOperators.GT, 0)));
        sum1 = sum1.add(zero.blend(w, p1.compare(VectorOperators.GT, 0)));
      }
      sum0.intoArray(out, i);
      sum1.intoArray(out, i + WIDTH);
    }
    for (; i < n; i++) {
      float sum = 0;
      for (int k = 0; k < xs.length; k++) {
        sum += xs[k][i] * sign[i] > 0 ? weights[k] : 0;
      }
      out[i] = sum;
    }
  }

  static void disjointMean(float[][] xs, float[] weights, float[] sign, float[] out, int n) {
    FloatVector zero = FloatVector.zero(FLOATS);
    int upper = n - n % STEP;
    int i = 0;
    for (; i < upper; i += STEP) {
      FloatVector elected0 = FloatVector.fromArray(FLOATS, sign, i);
      FloatVector elected1 = FloatVector.fromArray(FLOATS, sign, i + WIDTH);
      FloatVector first0 = FloatVector.fromArray(FLOATS, xs[0], i);
      FloatVector first1 = FloatVector.fromArray(FLOATS, xs[0], i + WIDTH);
      VectorMask<Float> with0 = first0.mul(elected0).compare(VectorOperators.GT, 0);
      VectorMask<Float> with1 = first1.mul(elected1).compare(VectorOperators.GT, 0);
      FloatVector sum0 = zero.blend(first0, with0);
      FloatVector sum1 = zero.blend(first1, with1);
      FloatVector weight0 = zero.blend(weights[0], with0);
      FloatVector weight1 = zero.blend(weights[0], with1);
      for (int k = 1; k < xs.length; k++) {
        float[] x = xs[k];
        float w = weights[k];
        FloatVector x0 = FloatVector.fromArray(FLOATS, x, i);
        FloatVector x1 = FloatVector.fromArray(FLOATS, x, i + WIDTH);
        VectorMask<Float> agrees0 = x0.mul(elected0).compare(VectorOperators.GT, 0);
        VectorMask<Float> agrees1 = x1.mul(elected1).compare(VectorOperators.GT, 0);
        sum0 = sum0.add(zero.blend(x0, agrees0));
        sum1 = sum1.add(zero.blend(x1, agrees1));
        weight0 = weight0.add(zero.blend(w, agrees0));
        weight1 = weight1.add(zero.blend(w, agrees1));
      }
      sum0.div(weight0.blend(1, weight0.compare(VectorOperators.EQ, 0))).intoArray(out, i);
      sum1.div(weight1.blend(1, weight1.compare(VectorOperators.EQ, 0))).intoArray(out, i + WIDTH);
    }
    for (; i < n; i++) {
      float sum = 0;
      float weight = 0;
      for (int k = 0; k < xs.length; k++) {
        boolean agrees = xs[k][i] * sign[i] > 0;
        sum += agrees ? xs[k][i] : 0;
        weight += agrees ? weights[k] : 0;
      }
      out[i] = sum / (weight == 0 ? 1 : weight);
    }
  }

  static void disjointMax(float[][] xs, float[] sign, float[] out, int n) {
    int upper = FLOATS.loopBound(n);
    int i = 0;
    for (; i < upper; i += WIDTH) {
      FloatVector elected = FloatVector.fromArray(FLOATS, sign, i);
      FloatVector zero = FloatVector.zero(FLOATS);
      FloatVector first = FloatVector.fromArray(FLOATS, xs[0], i).mul(elected);
      FloatVector max = zero.blend(first, first.compare(VectorOperators.GT, 0));
      for (int k = 1; k < xs.length; k++) {
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
