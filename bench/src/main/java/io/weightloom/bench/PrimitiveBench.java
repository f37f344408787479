package io.weightloom.bench;

import io.weightloom.kernel.CounterRandom;
import io.weightloom.kernel.Kernels;
import io.weightloom.tensor.DType;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Each kernel over one chunk; an operation is a byte read or written. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class PrimitiveBench {
  static final int N = 1024;

  /** The provider. */
  @Param({"vector", "scalar"})
  public String provider = "vector";

  private final Random random = new Random(1);
  private final float[][] xs = Buffers.models(random, N);
  private final float[] a = xs[0];
  private final float[] b = xs[1];
  private final float[] inPlace = Buffers.weights(random, N);
  private final float[] shares = {0.4f, 0.3f, 0.2f, 0.1f};
  private final float[] sign = new float[N];
  private final float[] out = new float[N];
  private final double[] lanes = new double[Kernels.LANES];
  private final double[] powers = new double[Kernels.POWERS * Kernels.LANES];
  private final float[] bounds = {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
  private final int[] bins = new int[Kernels.BINS];
  private final byte[] stored = new byte[4 * N];
  private Kernels kernels = Providers.named(provider);

  /** Takes the provider of the parameter. */
  @Setup
  public void setUp() {
    kernels = Providers.named(provider);
    kernels.electByMass(xs, 0, sign, N);
    kernels.encode(DType.BF16, a, N, stored, 0);
  }

  @Benchmark
  @OperationsPerInvocation(6 * N)
  public void decodeBf16() {
    kernels.decode(DType.BF16, stored, 0, out, N);
  }

  @Benchmark
  @OperationsPerInvocation(6 * N)
  public void decodeF16() {
    kernels.decode(DType.F16, stored, 0, out, N);
  }

  @Benchmark
  @OperationsPerInvocation(8 * N)
  public void decodeF32() {
    kernels.decode(DType.F32, stored, 0, out, N);
  }

  @Benchmark
  @OperationsPerInvocation(6 * N)
  public void encodeBf16() {
    kernels.encode(DType.BF16, a, N, stored, 0);
  }

  @Benchmark
  @OperationsPerInvocation(6 * N)
  public void encodeF16() {
    kernels.encode(DType.F16, a, N, stored, 0);
  }

  @Benchmark
  @OperationsPerInvocation(8 * N)
  public void encodeF32() {
    kernels.encode(DType.F32, a, N, stored, 0);
  }

  @Benchmark
  @OperationsPerInvocation(8 * N)
  public void roundBf16() {
    kernels.round(DType.BF16, inPlace, N);
  }

  @Benchmark
  @OperationsPerInvocation(8 * N)
  public void roundF16() {
    kernels.round(DType.F16, inPlace, N);
  }

  @Benchmark
  @OperationsPerInvocation(12 * N)
  public void subtract() {
    kernels.subtract(a, b, out, N);
  }

  @Benchmark
  @OperationsPerInvocation(12 * N)
  public void add() {
    kernels.add(a, b, out, N);
  }

  @Benchmark
  @OperationsPerInvocation(8 * N)
  public void scale() {
    kernels.scale(a, 1.5f, out, N);
  }

  @Benchmark
  @OperationsPerInvocation(12 * N)
  public void divide() {
    kernels.divide(a, sign, out, N);
  }

  @Benchmark
  @OperationsPerInvocation(20 * N)
  public void weightedSum() {
    kernels.weightedSum(xs, shares, out, N);
  }

  @Benchmark
  @OperationsPerInvocation(8 * N)
  public void trim() {
    kernels.trim(inPlace, 0.01f, N);
  }

  @Benchmark
  @OperationsPerInvocation(20 * N)
  public void electByMass() {
    kernels.electByMass(xs, 0, out, N);
  }

  @Benchmark
  @OperationsPerInvocation(20 * N)
  public void electByCount() {
    kernels.electByCount(xs, 0, out, N);
  }

  @Benchmark
  @OperationsPerInvocation(24 * N)
  public void disjointSum() {
    kernels.disjointSum(xs, sign, out, N);
  }

  @Benchmark
  @OperationsPerInvocation(24 * N)
  public void disjointWeight() {
    kernels.disjointWeight(xs, shares, sign, out, N);
  }

  @Benchmark
  @OperationsPerInvocation(24 * N)
  public void disjointMean() {
    kernels.disjointMean(xs, shares, sign, out, N);
  }

  @Benchmark
  @OperationsPerInvocation(24 * N)
  public void disjointMax() {
    kernels.disjointMax(xs, sign, out, N);
  }

  @Benchmark
  @OperationsPerInvocation(8 * N)
  public void drop() {
    kernels.drop(inPlace, 42, 7, CounterRandom.dropBelow(0.5), N);
  }

  @Benchmark
  @OperationsPerInvocation(4 * N)
  public void histogramFirstPass() {
    kernels.histogram(a, 15, 0, bins, N);
  }

  @Benchmark
  @OperationsPerInvocation(4 * N)
  public void histogramSecondPass() {
    kernels.histogram(a, 0, 0x3c5d, bins, N);
  }

  @Benchmark
  @OperationsPerInvocation(4 * N)
  public int countAtLeast() {
    return kernels.countAtLeast(a, 0.01f, N);
  }

  @Benchmark
  @OperationsPerInvocation(4 * N)
  public int countNonZero() {
    return kernels.countNonZero(a, N);
  }

  @Benchmark
  @OperationsPerInvocation(4 * N)
  public void sumMagnitudes() {
    kernels.sumMagnitudes(a, lanes, N);
  }

  @Benchmark
  @OperationsPerInvocation(8 * N)
  public void dot() {
    kernels.dot(a, b, lanes, N);
  }

  @Benchmark
  @OperationsPerInvocation(4 * N)
  public void sumPowers() {
    kernels.sumPowers(a, powers, N);
  }

  @Benchmark
  @OperationsPerInvocation(4 * N)
  public void range() {
    kernels.range(a, bounds, N);
  }

  @Benchmark
  @OperationsPerInvocation(4 * N)
  public int firstNonFinite() {
    return kernels.firstNonFinite(a, N);
  }
}
