package io.weightloom.kernel;

import io.weightloom.tensor.DType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** The plain loops: the oracle that other implementations are tested against, and the fallback. */
final class ScalarKernels implements Kernels {
  private static final VarHandle SHORTS =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle FLOATS =
      MethodHandles.byteArrayViewVarHandle(float[].class, ByteOrder.LITTLE_ENDIAN);

  @Override
  public String name() {
    return "scalar";
  }

  @Override
  public void decode(DType dtype, byte[] src, int offset, float[] dst, int n) {
    switch (dtype) {
      case BF16 -> {
        for (int i = 0; i < n; i++) {
          dst[i] = Half.bf16ToFloat((short) SHORTS.get(src, offset + 2 * i));
        }
      }
      case F16 -> {
        for (int i = 0; i < n; i++) {
          dst[i] = Half.f16ToFloat((short) SHORTS.get(src, offset + 2 * i));
        }
      }
      case F32 -> {
        for (int i = 0; i < n; i++) {
          dst[i] = (float) FLOATS.get(src, offset + 4 * i);
        }
      }
      default -> throw new IllegalArgumentException("not an fp32 work type: " + dtype);
    }
  }

  @Override
  public void encode(DType dtype, float[] src, int n, byte[] dst, int offset) {
    switch (dtype) {
      case BF16 -> {
        for (int i = 0; i < n; i++) {
          SHORTS.set(dst, offset + 2 * i, Half.floatToBf16(src[i]));
        }
      }
      case F16 -> {
        for (int i = 0; i < n; i++) {
          SHORTS.set(dst, offset + 2 * i, Half.floatToF16(src[i]));
        }
      }
      case F32 -> {
        for (int i = 0; i < n; i++) {
          FLOATS.set(dst, offset + 4 * i, src[i]);
        }
      }
      default -> throw new IllegalArgumentException("not an fp32 work type: " + dtype);
    }
  }

  @Override
  public void round(DType dtype, float[] x, int n) {
    switch (dtype) {
      case BF16 -> {
        for (int i = 0; i < n; i++) {
          x[i] = Half.bf16ToFloat(Half.floatToBf16(x[i]));
        }
      }
      case F16 -> {
        for (int i = 0; i < n; i++) {
          x[i] = Half.f16ToFloat(Half.floatToF16(x[i]));
        }
      }
      case F32 -> {}
      default -> throw new IllegalArgumentException("not an fp32 work type: " + dtype);
    }
  }

  @Override
  public void subtract(float[] a, float[] b, float[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = a[i] - b[i];
    }
  }

  @Override
  public void add(float[] a, float[] b, float[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = a[i] + b[i];
    }
  }

  @Override
  public void scale(float[] x, float s, float[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = s * x[i];
    }
  }

  @Override
  public void divide(float[] a, float[] b, float[] out, int n) {
    for (int i = 0; i < n; i++) {
      out[i] = a[i] / (b[i] == 0 ? 1 : b[i]);
    }
  }

  @Override
  public void weightedSum(float[][] xs, float[] weights, float[] out, int n) {
    for (int i = 0; i < n; i++) {
      float sum = 0;
      for (int k = 0; k < xs.length; k++) {
        sum += weights[k] * xs[k][i];
      }
      out[i] = sum;
    }
  }

  @Override
  public void trim(float[] x, float threshold, int n) {
    for (int i = 0; i < n; i++) {
      if (Math.abs(x[i]) < threshold) {
        x[i] = 0;
      }
    }
  }

  @Override
  public void electByMass(float[][] xs, float zeroSign, float[] sign, int n) {
    for (int i = 0; i < n; i++) {
      float sum = xs[0][i];
      for (int k = 1; k < xs.length; k++) {
        sum += xs[k][i];
      }
      sign[i] = signOf(sum, zeroSign);
    }
  }

  @Override
  public void electByCount(float[][] xs, float zeroSign, float[] sign, int n) {
    for (int i = 0; i < n; i++) {
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

  @Override
  public void disjointSum(float[][] xs, float[] sign, float[] out, int n) {
    for (int i = 0; i < n; i++) {
      float sum = 0;
      for (float[] x : xs) {
        sum += x[i] * sign[i] > 0 ? x[i] : 0;
      }
      out[i] = sum;
    }
  }

  @Override
  public void disjointWeight(float[][] xs, float[] weights, float[] sign, float[] out, int n) {
    for (int i = 0; i < n; i++) {
      float sum = 0;
      for (int k = 0; k < xs.length; k++) {
        sum += xs[k][i] * sign[i] > 0 ? weights[k] : 0;
      }
      out[i] = sum;
    }
  }

  @Override
  public void disjointMean(float[][] xs, float[] weights, float[] sign, float[] out, int n) {
    for (int i = 0; i < n; i++) {
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

  @Override
  public void disjointMax(float[][] xs, float[] sign, float[] out, int n) {
    for (int i = 0; i < n; i++) {
      float max = 0;
      for (float[] x : xs) {
        float agreeing = x[i] * sign[i];
        max = agreeing > max ? agreeing : max;
      }
      out[i] = max * sign[i];
    }
  }

  @Override
  public void drop(float[] x, long key, long first, long dropBelow, int n) {
    for (int i = 0; i < n; i++) {
      if (CounterRandom.draw(key, first + i) >>> 11 < dropBelow) {
        x[i] = 0;
      }
    }
  }

  @Override
  public void histogram(float[] x, int shift, int prefix, int[] bins, int n) {
    for (int i = 0; i < n; i++) {
      int key = Float.floatToRawIntBits(x[i]) & 0x7fffffff;
      // A long, for Java takes shift distances modulo 32: 31 >> 32 must be 0, not 31.
      if ((long) key >>> (shift + 16) == prefix) {
        bins[(key >>> shift) & 0xffff]++;
      }
    }
  }

  @Override
  public int countAtLeast(float[] x, float threshold, int n) {
    int count = 0;
    for (int i = 0; i < n; i++) {
      count += Math.abs(x[i]) >= threshold ? 1 : 0;
    }
    return count;
  }

  @Override
  public int countNonZero(float[] x, int n) {
    int count = 0;
    for (int i = 0; i < n; i++) {
      count += x[i] != 0 ? 1 : 0;
    }
    return count;
  }

  @Override
  public void sumMagnitudes(float[] x, double[] lanes, int n) {
    for (int i = 0; i < n; i++) {
      lanes[i & (LANES - 1)] += Math.abs(x[i]);
    }
  }

  @Override
  public void dot(float[] a, float[] b, double[] lanes, int n) {
    for (int i = 0; i < n; i++) {
      lanes[i & (LANES - 1)] += (double) a[i] * b[i];
    }
  }

  @Override
  public void sumPowers(float[] x, double[] sums, int n) {
    for (int i = 0; i < n; i++) {
      int lane = i & (LANES - 1);
      double value = x[i];
      double square = value * value;
      sums[lane] += Math.abs(value);
      sums[LANES + lane] += value;
      sums[2 * LANES + lane] += square;
      sums[3 * LANES + lane] += square * value;
      sums[4 * LANES + lane] += square * square;
    }
  }

  @Override
  public void range(float[] x, float[] bounds, int n) {
    int min = ordered(bounds[0]);
    int max = ordered(bounds[1]);
    for (int i = 0; i < n; i++) {
      int key = ordered(x[i]);
      min = Math.min(min, key);
      max = Math.max(max, key);
    }
    bounds[0] = Float.intBitsToFloat(min ^ (min >> 31 & 0x7fffffff));
    bounds[1] = Float.intBitsToFloat(max ^ (max >> 31 & 0x7fffffff));
  }

  /** Integers in the order of the values. */
  private static int ordered(float x) {
    int bits = Float.floatToRawIntBits(x);
    return bits ^ (bits >> 31 & 0x7fffffff);
  }

  @Override
  public int firstNonFinite(float[] x, int n) {
    for (int i = 0; i < n; i++) {
      if (!Float.isFinite(x[i])) {
        return i;
      }
    }
    return -1;
  }
}
