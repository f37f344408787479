package io.weightloom.kernel.vector;

import io.weightloom.kernel.Kernels;
import io.weightloom.tensor.DType;

/** The SIMD loops, sorted by theme in the classes of this package. */
public final class VectorKernels implements Kernels {

  /** Called by name. */
  public VectorKernels() {}

  @Override
  public String name() {
    return "vector";
  }

  @Override
  public void decode(DType dtype, byte[] src, int offset, float[] dst, int n) {
    switch (dtype) {
      case BF16 -> Conversions.decodeBf16(src, offset, dst, n);
      case F16 -> Conversions.decodeF16(src, offset, dst, n);
      case F32 -> Conversions.decodeF32(src, offset, dst, n);
      default -> throw notAWorkType(dtype);
    }
  }

  @Override
  public void encode(DType dtype, float[] src, int n, byte[] dst, int offset) {
    switch (dtype) {
      case BF16 -> Conversions.encodeBf16(src, n, dst, offset);
      case F16 -> Conversions.encodeF16(src, n, dst, offset);
      case F32 -> Conversions.encodeF32(src, n, dst, offset);
      default -> throw notAWorkType(dtype);
    }
  }

  @Override
  public void round(DType dtype, float[] x, int n) {
    switch (dtype) {
      case BF16 -> Conversions.roundBf16(x, n);
      case F16 -> Conversions.roundF16(x, n);
      case F32 -> {}
      default -> throw notAWorkType(dtype);
    }
  }

  private static IllegalArgumentException notAWorkType(DType dtype) {
    return new IllegalArgumentException("not an fp32 work type: " + dtype);
  }

  @Override
  public void subtract(float[] a, float[] b, float[] out, int n) {
    Elementwise.subtract(a, b, out, n);
  }

  @Override
  public void add(float[] a, float[] b, float[] out, int n) {
    Elementwise.add(a, b, out, n);
  }

  @Override
  public void scale(float[] x, float s, float[] out, int n) {
    Elementwise.scale(x, s, out, n);
  }

  @Override
  public void divide(float[] a, float[] b, float[] out, int n) {
    Elementwise.divide(a, b, out, n);
  }

  @Override
  public void trim(float[] x, float threshold, int n) {
    Elementwise.trim(x, threshold, n);
  }

  @Override
  public void drop(float[] x, long key, long first, long dropBelow, int n) {
    Elementwise.drop(x, key, first, dropBelow, n);
  }

  @Override
  public void weightedSum(float[][] xs, float[] weights, float[] out, int n) {
    Consensus.weightedSum(xs, weights, out, n);
  }

  @Override
  public void electByMass(float[][] xs, float zeroSign, float[] sign, int n) {
    Consensus.electByMass(xs, zeroSign, sign, n);
  }

  @Override
  public void electByCount(float[][] xs, float zeroSign, float[] sign, int n) {
    Consensus.electByCount(xs, zeroSign, sign, n);
  }

  @Override
  public void disjointSum(float[][] xs, float[] sign, float[] out, int n) {
    Consensus.disjointSum(xs, sign, out, n);
  }

  @Override
  public void disjointWeight(float[][] xs, float[] weights, float[] sign, float[] out, int n) {
    Consensus.disjointWeight(xs, weights, sign, out, n);
  }

  @Override
  public void disjointMean(float[][] xs, float[] weights, float[] sign, float[] out, int n) {
    Consensus.disjointMean(xs, weights, sign, out, n);
  }

  @Override
  public void disjointMax(float[][] xs, float[] sign, float[] out, int n) {
    Consensus.disjointMax(xs, sign, out, n);
  }

  @Override
  public void histogram(float[] x, int shift, int prefix, int[] bins, int n) {
    Reductions.histogram(x, shift, prefix, bins, n);
  }

  @Override
  public int countAtLeast(float[] x, float threshold, int n) {
    return Reductions.countAtLeast(x, threshold, n);
  }

  @Override
  public int countNonZero(float[] x, int n) {
    return Reductions.countNonZero(x, n);
  }

  @Override
  public void sumMagnitudes(float[] x, double[] lanes, int n) {
    Reductions.sumMagnitudes(x, lanes, n);
  }

  @Override
  public void dot(float[] a, float[] b, double[] lanes, int n) {
    Reductions.dot(a, b, lanes, n);
  }

  @Override
  public void sumPowers(float[] x, double[] sums, int n) {
    Reductions.sumPowers(x, sums, n);
  }

  @Override
  public void range(float[] x, float[] bounds, int n) {
    Reductions.range(x, bounds, n);
  }

  @Override
  public int firstNonFinite(float[] x, int n) {
    return Reductions.firstNonFinite(x, n);
  }
}
