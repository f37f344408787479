package io.weightloom.bench;

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

/**
 * Whole merges of a block of 1 MiB per model, BF16 in and out, chunk by chunk; an operation is a
 * byte of the block read or written.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class MergeBench {
  private static final int ELEMENTS = 1 << 19;
  private static final int BYTES = 2 * ELEMENTS * (Buffers.MODELS + 1);

  /** The provider. */
  @Param({"vector", "scalar"})
  public String provider = "vector";

  /** Elements in a chunk. */
  @Param({"1024"})
  public int chunk = 1024;

  private final byte[][] models = new byte[Buffers.MODELS][];
  private final byte[] merged = new byte[2 * ELEMENTS];
  private final float[] shares = {0.4f, 0.3f, 0.2f, 0.1f};
  private Kernels kernels = Providers.named(provider);
  private float[][] inputs = new float[Buffers.MODELS][chunk];
  private float[][] deltas = new float[Buffers.MODELS - 1][chunk];
  private float[] sign = new float[chunk];
  private float[] weight = new float[chunk];
  private float[] out = new float[chunk];

  /** Takes the provider and the chunk of the parameters. */
  @Setup
  public void setUp() {
    kernels = Providers.named(provider);
    Random random = new Random(1);
    for (int k = 0; k < models.length; k++) {
      models[k] = Buffers.stored(random, DType.BF16, ELEMENTS, kernels);
    }
    inputs = new float[Buffers.MODELS][chunk];
    deltas = new float[Buffers.MODELS - 1][chunk];
    sign = new float[chunk];
    weight = new float[chunk];
    out = new float[chunk];
  }

  /** Four models, one weighted sum. */
  @Benchmark
  @OperationsPerInvocation(BYTES)
  public void linear() {
    for (int at = 0; at < ELEMENTS; at += chunk) {
      for (int k = 0; k < inputs.length; k++) {
        kernels.decode(DType.BF16, models[k], 2 * at, inputs[k], chunk);
      }
      kernels.weightedSum(inputs, shares, out, chunk);
      kernels.encode(DType.BF16, out, chunk, merged, 2 * at);
    }
  }

  /** A base and three task vectors: trim, scale, elect, mean of those that agree. */
  @Benchmark
  @OperationsPerInvocation(BYTES)
  public void ties() {
    for (int at = 0; at < ELEMENTS; at += chunk) {
      elect(at);
      kernels.disjointMean(deltas, shares, sign, out, chunk);
      emit(at);
    }
  }

  /** The same from the separate sum, weight and division. */
  @Benchmark
  @OperationsPerInvocation(BYTES)
  public void tiesInThreePasses() {
    for (int at = 0; at < ELEMENTS; at += chunk) {
      elect(at);
      kernels.disjointSum(deltas, sign, out, chunk);
      kernels.disjointWeight(deltas, shares, sign, weight, chunk);
      kernels.divide(out, weight, out, chunk);
      emit(at);
    }
  }

  private void elect(int at) {
    float[] base = inputs[0];
    kernels.decode(DType.BF16, models[0], 2 * at, base, chunk);
    for (int k = 0; k < deltas.length; k++) {
      float[] delta = deltas[k];
      kernels.decode(DType.BF16, models[k + 1], 2 * at, delta, chunk);
      kernels.subtract(delta, base, delta, chunk);
      kernels.trim(delta, 0.01f, chunk);
      kernels.scale(delta, shares[k], delta, chunk);
    }
    kernels.electByMass(deltas, 0, sign, chunk);
  }

  private void emit(int at) {
    kernels.add(inputs[0], out, out, chunk);
    kernels.encode(DType.BF16, out, chunk, merged, 2 * at);
  }
}
