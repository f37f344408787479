package io.weightloom.bench;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.compare.CompareScan;
import io.weightloom.compare.CompareSketch;
import io.weightloom.compare.TensorComparison;
import io.weightloom.compare.Top;
import io.weightloom.stats.Reading;
import io.weightloom.stats.TensorScan;
import io.weightloom.stats.TensorSketch;
import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.Collections;
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

/** One read of a 4096 by 4096 matrix, the conclusion included; an operation is an element. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class StatsBench {
  static final int SIDE = 4096;
  static final int ELEMENTS = SIDE * SIDE;
  private static final int MODELS = 3;

  /** The stored type. */
  @Param({"BF16", "F16", "F32"})
  public DType dtype = DType.BF16;

  private final byte[][] blocks = new byte[MODELS][];

  /** Makes a block of each model. */
  @Setup
  public void setUp() {
    int n = new TensorScan().blockElements();
    for (int k = 0; k < MODELS; k++) {
      blocks[k] = Buffers.stored(new Random(k), dtype, n, Providers.named("scalar"));
    }
  }

  private List<TensorSpec> specs(int models) {
    return Collections.nCopies(models, new TensorSpec("w", dtype, Shape.of(SIDE, SIDE)));
  }

  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public Reading stats() {
    TensorScan scan = new TensorScan();
    List<TensorSpec> tensors = specs(1);
    TensorSketch sketch = scan.open(tensors);
    BlockCut cut = BlockCut.of(tensors.get(0), scan.blockElements());
    for (long i = 0; i < cut.blocks(); i++) {
      sketch.add(new AlignedBlock(tensors, cut.block(i), blocks));
    }
    return scan.conclude(tensors, sketch);
  }

  /** An operation is an element of each of three models. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public TensorComparison compare() {
    CompareScan scan = new CompareScan(true, Top.NONE);
    List<TensorSpec> tensors = specs(MODELS);
    CompareSketch sketch = scan.open(tensors);
    BlockCut cut = BlockCut.of(tensors.get(0), scan.blockElements());
    for (long i = 0; i < cut.blocks(); i++) {
      sketch.add(new AlignedBlock(tensors, cut.block(i), blocks));
    }
    return scan.conclude(tensors, sketch);
  }
}
