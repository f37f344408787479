package io.weightloom.bench;

import io.weightloom.kernel.Kernels;
import io.weightloom.stats.BlockArithmetic;
import io.weightloom.stats.BlockData;
import io.weightloom.stats.BlockPairs;
import io.weightloom.stats.BlockStats;
import io.weightloom.stats.Gram;
import io.weightloom.stats.MagnitudeHistogram;
import io.weightloom.tensor.DType;
import java.util.List;
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

/** What SQL functions do with a BF16 block of 1 MiB; an operation is a byte read or written. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class BlockBench {
  static final int BYTES = 1 << 20;

  /** The provider. */
  @Param({"vector", "scalar"})
  public String provider = "vector";

  private final BlockData a = block(1);
  private final BlockData b = block(2);
  private final BlockStats stats = BlockStats.of(a, Providers.named("scalar"));
  private BlockStats merged = BlockStats.EMPTY;
  private Kernels kernels = Providers.named(provider);

  private static BlockData block(long seed) {
    Kernels scalar = Providers.named("scalar");
    return BlockData.of(
        DType.BF16, Buffers.stored(new Random(seed), DType.BF16, BYTES / 2, scalar));
  }

  /** Takes the provider of the parameter. */
  @Setup
  public void setUp() {
    kernels = Providers.named(provider);
  }

  @Benchmark
  @OperationsPerInvocation(BYTES)
  public double l2() {
    return BlockStats.l2(a, kernels);
  }

  @Benchmark
  @OperationsPerInvocation(BYTES)
  public BlockStats stats() {
    return BlockStats.of(a, kernels);
  }

  @Benchmark
  @OperationsPerInvocation(BYTES)
  public byte[] histogram() {
    return MagnitudeHistogram.of(a, kernels).toBytes();
  }

  @Benchmark
  @OperationsPerInvocation(2 * BYTES)
  public double dot() {
    return BlockPairs.dot(a, b, kernels);
  }

  @Benchmark
  @OperationsPerInvocation(2 * BYTES)
  public Gram gram() {
    return Gram.of(List.of(a, b), kernels);
  }

  @Benchmark
  @OperationsPerInvocation(3 * BYTES)
  public byte[] subtract() {
    return BlockArithmetic.subtract(a, b, DType.BF16, kernels);
  }

  @Benchmark
  @OperationsPerInvocation(2 * BYTES)
  public byte[] trim() {
    return BlockArithmetic.trim(a, 0.2, kernels);
  }

  /** Each merge of a block's statistics, as if it took so long as a byte. */
  @Benchmark
  public BlockStats merge() {
    merged = merged.merge(stats);
    return merged;
  }
}
