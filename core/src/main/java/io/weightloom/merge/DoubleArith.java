package io.weightloom.merge;

import io.weightloom.kernel.CounterRandom;
import io.weightloom.kernel.Kernels;
import io.weightloom.tensor.DType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/** fp64 arithmetic in plain loops, for merges in which an F64 tensor takes part. */
public final class DoubleArith implements Arith<double[]> {
  static final VarHandle DOUBLES =
      MethodHandles.byteArrayViewVarHandle(double[].class, ByteOrder.LITTLE_ENDIAN);

  private final Kernels kernels;
  private final float[] narrow = new float[CAPACITY];

  /** Uses {@code kernels} to convert the narrower dtypes. */
  public DoubleArith(Kernels kernels) {
    this.kernels = kernels;
  }

  @Override
  public double[] vector() {
    return new double[CAPACITY];
  }

  @Override
  public double[][] vectors(int count) {
    return new double[count][CAPACITY];
  }

  @Override
  public double scalar(double s) {
    return s;
  }

  @Override
  public double sum(double[] scalars) {
    return Arrays.stream(scalars).sum();
  }

  @Override
  public boolean roundsEachStep() {
    return false;
  }

  @Override
  public void decode(DType dtype, byte[] src, int offset, double[] dst, int n) {
    if (dtype == DType.F64) {
      for (int i = 0; i < n; i++) {
        dst[i] = (double) DOUBLES.get(src, offset + 8 * i);
      }
      return;
    }
    kernels.decode(dtype, src, offset, narrow, n);
    for (int i = 0; i < n; i++) {
      dst[i] = narrow[i];
    }
  }

  @Override
  public void encode(DType dtype, double[] src, int n, byte[] dst, int offset) {
    if (dtype == DType.F64) {
      for (int i = 0; i < n; i++) {
        DOUBLES.set(dst, offset + 8 * i, src[i]);
      }
      return;
    }
    boolean narrower = dtype != DType.F32;
    for (int i = 0; i < n; i++) {
      narrow[i] = narrower ? roundToOdd(src[i]) : (float) src[i];
    }
    kernels.encode(dtype, narrow, n, dst, offset);
  }

  /**
   * Narrows by von Neumann's rounding, so that the rounding to 16 bits that follows gives what one
   * rounding from fp64 would give (Boldo and Melquiond, "Emulation of FMA and correctly rounded
   * sums: proved algorithms using rounding to odd", 2008).
   */
  static float roundToOdd(double x) {
    float nearest = (float) x;
    if (nearest == x || Double.isNaN(x) || Float.isInfinite(nearest)) {
      return nearest;
    }
    float toZero = Math.abs(nearest) > Math.abs(x) ? towardZero(nearest) : nearest;
    return Float.intBitsToFloat(Float.floatToRawIntBits(toZero) | 1);
  }

  private static float towardZero(float x) {
    return Float.intBitsToFloat(Float.floatToRawIntBits(x) - 1);
  }

  @Override
  public void subtract(double[] a, double[] b, double[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = a[i] - b[i];
    }
  }

  @Override
  public void add(double[] a, double[] b, double[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = a[i] + b[i];
    }
  }

  @Override
  public void scale(double[] x, double s, double[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = s * x[i];
    }
  }

  @Override
  public void divide(double[] a, double[] b, double[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = a[i] / (b[i] == 0 ? 1 : b[i]);
    }
  }

  @Override
  public void divide(double[] x, double s, double[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = x[i] / s;
    }
  }

  @Override
  public void multiply(double[] a, double[] b, double[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = a[i] * b[i];
    }
  }

  @Override
  public void floor(double[] x, double least, double[] out, int n) {
    double bound = least;
    for (int i = 0; i < n; i++) {
      out[i] = Math.max(x[i], bound);
    }
  }

  @Override
  public void shift(double[] x, double s, double[] out, int n) {
    double by = s;
    for (int i = 0; i < n; i++) {
      out[i] = x[i] + by;
    }
  }

  @Override
  public void divideOr(double[] a, double[] b, double[] otherwise, double[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = b[i] == 0 ? otherwise[i] : a[i] / b[i];
    }
  }

  @Override
  public double least(double[] x, int n) {
    double least = Double.POSITIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      least = Math.min(least, x[i]);
    }
    return least;
  }

  @Override
  public void scaleEach(double[] x, double[] factors, double[] out, int n) {
    multiply(x, factors, out, n);
  }

  @Override
  public void divideEach(double[] x, double[] divisors, double[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = x[i] / divisors[i];
    }
  }

  @Override
  public void combine(double[][] xs, double[][] weights, double[] out, int n) {
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (int k = 0; k < xs.length; k++) {
        sum += weights[k][i] * xs[k][i];
      }
      out[i] = sum;
    }
  }

  @Override
  public void dot(double[] a, double[] b, int from, int to, double[] lanes) {
    for (int i = from; i < to; i++) {
      lanes[i & (Kernels.LANES - 1)] += a[i] * b[i];
    }
  }

  @Override
  public void addProducts(double[] a, double[] b, double[] sums, int column, int n) {
    int at = column;
    for (int i = 0; i < n; i++) {
      sums[at] += a[i] * b[i];
      at = at + 1 == sums.length ? 0 : at + 1;
    }
  }

  @Override
  public void weightedSum(double[][] xs, double[] weights, double[] out, int n) {
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (int k = 0; k < xs.length; k++) {
        sum += weights[k] * xs[k][i];
      }
      out[i] = sum;
    }
  }

  @Override
  public void sum(double[][] xs, double[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = sumAt(xs, i);
    }
  }

  private static double sumAt(double[][] xs, int i) {
    double sum = xs[0][i];
    for (int k = 1; k < xs.length; k++) {
      sum += xs[k][i];
    }
    return sum;
  }

  @Override
  public void trim(double[] x, double threshold, int n) {
    for (int i = 0; i < n; i++) {
      if (Math.abs(x[i]) < threshold) {
        x[i] = 0;
      }
    }
  }

  @Override
  public void trimTies(double[] x, double threshold, int quota, int n) {
    int kept = 0;
    for (int i = 0; i < n; i++) {
      double magnitude = Math.abs(x[i]);
      if (magnitude < threshold || (magnitude == threshold && kept >= quota)) {
        x[i] = 0;
      } else if (magnitude == threshold) {
        kept++;
      }
    }
  }

  @Override
  public void electByMass(double[][] xs, double zeroSign, double[] sign, int n) {
    for (int i = 0; i < n; i++) {
      sign[i] = signOf(sumAt(xs, i), zeroSign);
    }
  }

  @Override
  public void electByCount(double[][] xs, double zeroSign, double[] sign, int n) {
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (double[] x : xs) {
        sum += signOf(x[i], 0);
      }
      sign[i] = signOf(sum, zeroSign);
    }
  }

  private static double signOf(double x, double zeroSign) {
    if (x > 0) {
      return 1;
    }
    return x < 0 ? -1 : zeroSign;
  }

  @Override
  public void disjointSum(double[][] xs, double[] sign, double[] out, int n) {
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (double[] x : xs) {
        sum += x[i] * sign[i] > 0 ? x[i] : 0;
      }
      out[i] = sum;
    }
  }

  @Override
  public void disjointMean(double[][] xs, double[] weights, double[] sign, double[] out, int n) {
    for (int i = 0; i < n; i++) {
      double sum = 0;
      double weight = 0;
      for (int k = 0; k < xs.length; k++) {
        boolean agrees = xs[k][i] * sign[i] > 0;
        sum += agrees ? xs[k][i] : 0;
        weight += agrees ? weights[k] : 0;
      }
      out[i] = sum / (weight == 0 ? 1 : weight);
    }
  }

  @Override
  public void disjointMax(double[][] xs, double[] sign, double[] out, int n) {
    for (int i = 0; i < n; i++) {
      double max = 0;
      for (double[] x : xs) {
        max = Math.max(max, x[i] * sign[i]);
      }
      out[i] = max * sign[i];
    }
  }

  @Override
  public void drop(double[] x, long key, long first, long dropBelow, int n) {
    for (int i = 0; i < n; i++) {
      if (CounterRandom.draw(key, first + i) >>> 11 < dropBelow) {
        x[i] = 0;
      }
    }
  }

  @Override
  public void histogram(double[] x, int shift, long prefix, int[] bins, int n) {
    for (int i = 0; i < n; i++) {
      long key = Double.doubleToRawLongBits(x[i]) & Long.MAX_VALUE;
      if (key >>> shift >>> 16 == prefix) {
        bins[(int) (key >>> shift) & 0xffff]++;
      }
    }
  }

  @Override
  public int countAtLeast(double[] x, double threshold, int n) {
    int count = 0;
    for (int i = 0; i < n; i++) {
      count += Math.abs(x[i]) >= threshold ? 1 : 0;
    }
    return count;
  }

  @Override
  public int countNonZero(double[] x, int n) {
    int count = 0;
    for (int i = 0; i < n; i++) {
      count += x[i] != 0 ? 1 : 0;
    }
    return count;
  }

  @Override
  public long sumSigns(double[] x, int n) {
    long sum = 0;
    for (int i = 0; i < n; i++) {
      sum += (x[i] > 0 ? 1 : 0) - (x[i] < 0 ? 1 : 0);
    }
    return sum;
  }

  @Override
  public void sumMagnitudes(double[] x, double[] lanes, int n) {
    for (int i = 0; i < n; i++) {
      lanes[i & (Kernels.LANES - 1)] += Math.abs(x[i]);
    }
  }

  @Override
  public void dot(double[] a, double[] b, double[] lanes, int n) {
    for (int i = 0; i < n; i++) {
      lanes[i & (Kernels.LANES - 1)] += a[i] * b[i];
    }
  }

  @Override
  public void sumPowers(double[] x, double[] sums, int n) {
    for (int i = 0; i < n; i++) {
      int lane = i & (Kernels.LANES - 1);
      double square = x[i] * x[i];
      sums[lane] += Math.abs(x[i]);
      sums[Kernels.LANES + lane] += x[i];
      sums[2 * Kernels.LANES + lane] += square;
      sums[3 * Kernels.LANES + lane] += square * x[i];
      sums[4 * Kernels.LANES + lane] += square * square;
    }
  }

  @Override
  public void range(double[] x, double[] bounds, int n) {
    for (int i = 0; i < n; i++) {
      bounds[0] = Math.min(bounds[0], x[i]);
      bounds[1] = Math.max(bounds[1], x[i]);
    }
  }

  @Override
  public int keepFinite(double[] x, int n) {
    int kept = 0;
    for (int i = 0; i < n; i++) {
      if (Double.isFinite(x[i])) {
        x[kept++] = x[i];
      }
    }
    return kept;
  }

  @Override
  public int firstNonFinite(double[] x, int n) {
    for (int i = 0; i < n; i++) {
      if (!Double.isFinite(x[i])) {
        return i;
      }
    }
    return -1;
  }

  @Override
  public double at(double[] x, int i) {
    return x[i];
  }

  @Override
  public void widen(double[] x, double[] out, int at, int n) {
    System.arraycopy(x, 0, out, at, n);
  }

  @Override
  public void narrow(double[] x, double[] out, int n) {
    System.arraycopy(x, 0, out, 0, n);
  }
}
