package io.weightloom.merge;

import io.weightloom.kernel.Kernels;
import io.weightloom.tensor.DType;

/** fp32 arithmetic over {@link Kernels}, accurate or rounding each step to a 16-bit type. */
public final class FloatArith implements Arith<float[]> {
  private final Kernels kernels;
  private final DType rounded;
  private final boolean stepwise;
  private final boolean wideSums;
  private final float[] scratch = new float[CAPACITY];

  private FloatArith(Kernels kernels, DType rounded, boolean stepwise, boolean wideSums) {
    this.kernels = kernels;
    this.rounded = rounded;
    this.stepwise = stepwise;
    this.wideSums = wideSums;
  }

  /** No rounding but fp32's own; sums over models in fp64 if {@code wideSums}. */
  public static FloatArith accurate(Kernels kernels, boolean wideSums) {
    return new FloatArith(kernels, DType.F32, false, wideSums);
  }

  /** Rounds each step to {@code dtype}: BF16, F16 or F32. */
  public static FloatArith rounding(Kernels kernels, DType dtype) {
    return new FloatArith(kernels, dtype, true, false);
  }

  @Override
  public float[] vector() {
    return new float[CAPACITY];
  }

  @Override
  public float[][] vectors(int count) {
    return new float[count][CAPACITY];
  }

  @Override
  public double scalar(double s) {
    if (!stepwise) {
      return s;
    }
    scratch[0] = (float) s;
    round(scratch, 1);
    return scratch[0];
  }

  @Override
  public double sum(double[] scalars) {
    float sum = 0;
    for (double s : scalars) {
      sum += (float) s;
    }
    return scalar(sum);
  }

  @Override
  public boolean roundsEachStep() {
    return stepwise;
  }

  private void round(float[] x, int n) {
    if (rounded != DType.F32) {
      kernels.round(rounded, x, n);
    }
  }

  @Override
  public void decode(DType dtype, byte[] src, int offset, float[] dst, int n) {
    if (dtype == DType.F64) {
      narrow(src, offset, dst, n);
    } else {
      kernels.decode(dtype, src, offset, dst, n);
    }
    if (dtype != rounded) {
      round(dst, n);
    }
  }

  @Override
  public void encode(DType dtype, float[] src, int n, byte[] dst, int offset) {
    if (dtype != DType.F64) {
      kernels.encode(dtype, src, n, dst, offset);
      return;
    }
    for (int i = 0; i < n; i++) {
      DoubleArith.DOUBLES.set(dst, offset + 8 * i, (double) src[i]);
    }
  }

  private void narrow(byte[] src, int offset, float[] dst, int n) {
    boolean narrower = rounded != DType.F32;
    for (int i = 0; i < n; i++) {
      double value = (double) DoubleArith.DOUBLES.get(src, offset + 8 * i);
      dst[i] = narrower ? DoubleArith.roundToOdd(value) : (float) value;
    }
  }

  @Override
  public void subtract(float[] a, float[] b, float[] out, int n) {
    kernels.subtract(a, b, out, n);
    round(out, n);
  }

  @Override
  public void add(float[] a, float[] b, float[] out, int n) {
    kernels.add(a, b, out, n);
    round(out, n);
  }

  @Override
  public void scale(float[] x, double s, float[] out, int n) {
    kernels.scale(x, (float) s, out, n);
    round(out, n);
  }

  @Override
  public void divide(float[] a, float[] b, float[] out, int n) {
    kernels.divide(a, b, out, n);
    round(out, n);
  }

  @Override
  public void divide(float[] x, double s, float[] out, int n) {
    float divisor = (float) s;
    for (int i = 0; i < n; i++) {
      out[i] = x[i] / divisor;
    }
    round(out, n);
  }

  @Override
  public void multiply(float[] a, float[] b, float[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = a[i] * b[i];
    }
    round(out, n);
  }

  @Override
  public void floor(float[] x, double least, float[] out, int n) {
    float bound = (float) least;
    for (int i = 0; i < n; i++) {
      out[i] = Math.max(x[i], bound);
    }
    round(out, n);
  }

  @Override
  public void shift(float[] x, double s, float[] out, int n) {
    float by = (float) s;
    for (int i = 0; i < n; i++) {
      out[i] = x[i] + by;
    }
    round(out, n);
  }

  @Override
  public void divideOr(float[] a, float[] b, float[] otherwise, float[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = b[i] == 0 ? otherwise[i] : a[i] / b[i];
    }
    round(out, n);
  }

  @Override
  public double least(float[] x, int n) {
    float least = Float.POSITIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      least = Math.min(least, x[i]);
    }
    return least;
  }

  @Override
  public void scaleEach(float[] x, double[] factors, float[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = (float) factors[i] * x[i];
    }
    round(out, n);
  }

  @Override
  public void divideEach(float[] x, double[] divisors, float[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = x[i] / (float) divisors[i];
    }
    round(out, n);
  }

  @Override
  public void combine(float[][] xs, double[][] weights, float[] out, int n) {
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (int k = 0; k < xs.length; k++) {
        sum += weights[k][i] * xs[k][i];
      }
      out[i] = (float) sum;
    }
    round(out, n);
  }

  @Override
  public void dot(float[] a, float[] b, int from, int to, double[] lanes) {
    if (from == 0) {
      kernels.dot(a, b, lanes, to);
      return;
    }
    for (int i = from; i < to; i++) {
      lanes[i & (Kernels.LANES - 1)] += (double) a[i] * b[i];
    }
  }

  @Override
  public void addProducts(float[] a, float[] b, double[] sums, int column, int n) {
    int at = column;
    for (int i = 0; i < n; i++) {
      sums[at] += (double) a[i] * b[i];
      at = at + 1 == sums.length ? 0 : at + 1;
    }
  }

  @Override
  public void weightedSum(float[][] xs, double[] weights, float[] out, int n) {
    if (rounded != DType.F32) {
      roundedWeightedSum(xs, weights, out, n);
    } else if (wideSums) {
      wideWeightedSum(xs, weights, out, n);
    } else {
      kernels.weightedSum(xs, narrow(weights), out, n);
    }
  }

  private void roundedWeightedSum(float[][] xs, double[] weights, float[] out, int n) {
    float[] sum = scratch;
    for (int k = 0; k < xs.length; k++) {
      float[] product = products(xs.length)[k];
      kernels.scale(xs[k], (float) weights[k], product, n);
      round(product, n);
    }
    kernels.weightedSum(products(xs.length), ones(xs.length), sum, n);
    round(sum, n);
    System.arraycopy(sum, 0, out, 0, n);
  }

  private static void wideWeightedSum(float[][] xs, double[] weights, float[] out, int n) {
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (int k = 0; k < xs.length; k++) {
        sum += weights[k] * xs[k][i];
      }
      out[i] = (float) sum;
    }
  }

  @Override
  public void sum(float[][] xs, float[] out, int n) {
    kernels.weightedSum(xs, ones(xs.length), out, n);
    round(out, n);
  }

  @Override
  public void trim(float[] x, double threshold, int n) {
    kernels.trim(x, (float) threshold, n);
  }

  @Override
  public void trimTies(float[] x, double threshold, int quota, int n) {
    float equal = (float) threshold;
    int kept = 0;
    for (int i = 0; i < n; i++) {
      float magnitude = Math.abs(x[i]);
      if (magnitude < equal || (magnitude == equal && kept >= quota)) {
        x[i] = 0;
      } else if (magnitude == equal) {
        kept++;
      }
    }
  }

  @Override
  public void electByMass(float[][] xs, double zeroSign, float[] sign, int n) {
    kernels.electByMass(xs, (float) zeroSign, sign, n);
  }

  @Override
  public void electByCount(float[][] xs, double zeroSign, float[] sign, int n) {
    kernels.electByCount(xs, (float) zeroSign, sign, n);
  }

  @Override
  public void disjointSum(float[][] xs, float[] sign, float[] out, int n) {
    kernels.disjointSum(xs, sign, out, n);
    round(out, n);
  }

  @Override
  public void disjointMean(float[][] xs, double[] weights, float[] sign, float[] out, int n) {
    if (!roundsEachStep()) {
      kernels.disjointMean(xs, narrow(weights), sign, out, n);
      return;
    }
    float[] weight = scratch;
    kernels.disjointWeight(xs, narrow(weights), sign, weight, n);
    round(weight, n);
    disjointSum(xs, sign, out, n);
    divide(out, weight, out, n);
  }

  @Override
  public void disjointMax(float[][] xs, float[] sign, float[] out, int n) {
    kernels.disjointMax(xs, sign, out, n);
  }

  @Override
  public void drop(float[] x, long key, long first, long dropBelow, int n) {
    kernels.drop(x, key, first, dropBelow, n);
  }

  @Override
  public void histogram(float[] x, int shift, long prefix, int[] bins, int n) {
    kernels.histogram(x, shift, (int) prefix, bins, n);
  }

  @Override
  public int countAtLeast(float[] x, double threshold, int n) {
    return kernels.countAtLeast(x, (float) threshold, n);
  }

  @Override
  public int countNonZero(float[] x, int n) {
    return kernels.countNonZero(x, n);
  }

  @Override
  public long sumSigns(float[] x, int n) {
    long sum = 0;
    for (int i = 0; i < n; i++) {
      sum += (x[i] > 0 ? 1 : 0) - (x[i] < 0 ? 1 : 0);
    }
    return sum;
  }

  @Override
  public void sumMagnitudes(float[] x, double[] lanes, int n) {
    kernels.sumMagnitudes(x, lanes, n);
  }

  @Override
  public void dot(float[] a, float[] b, double[] lanes, int n) {
    kernels.dot(a, b, lanes, n);
  }

  @Override
  public void sumPowers(float[] x, double[] sums, int n) {
    kernels.sumPowers(x, sums, n);
  }

  @Override
  public void range(float[] x, double[] bounds, int n) {
    float[] narrow = narrow(bounds);
    kernels.range(x, narrow, n);
    bounds[0] = narrow[0];
    bounds[1] = narrow[1];
  }

  @Override
  public int keepFinite(float[] x, int n) {
    int kept = 0;
    for (int i = 0; i < n; i++) {
      if (Float.isFinite(x[i])) {
        x[kept++] = x[i];
      }
    }
    return kept;
  }

  @Override
  public int firstNonFinite(float[] x, int n) {
    return kernels.firstNonFinite(x, n);
  }

  @Override
  public double at(float[] x, int i) {
    return x[i];
  }

  @Override
  public void widen(float[] x, double[] out, int at, int n) {
    for (int i = 0; i < n; i++) {
      out[at + i] = x[i];
    }
  }

  @Override
  public void narrow(double[] x, float[] out, int n) {
    boolean narrower = !stepwise && !wideSums;
    for (int i = 0; i < n; i++) {
      out[i] = narrower ? DoubleArith.roundToOdd(x[i]) : (float) x[i];
    }
    round(out, n);
  }

  private float[][] products = new float[0][];
  private float[] ones = new float[0];

  private float[][] products(int count) {
    if (products.length != count) {
      products = vectors(count);
    }
    return products;
  }

  private float[] ones(int count) {
    if (ones.length != count) {
      ones = new float[count];
      java.util.Arrays.fill(ones, 1);
    }
    return ones;
  }

  private static float[] narrow(double[] weights) {
    float[] narrow = new float[weights.length];
    for (int k = 0; k < narrow.length; k++) {
      narrow[k] = (float) weights[k];
    }
    return narrow;
  }
}
