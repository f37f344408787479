package io.weightloom.bench;

import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.Gram;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.linalg.Matrix;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Time of each operation of dense linear algebra on a square matrix, by provider. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class LinAlgBench {

  @Param({"netlib", "openblas"})
  public String provider = "";

  @Param({"512", "1024"})
  public int n;

  private DenseLinAlg linAlg = LinAlgRegistry.reference();
  private Matrix a = Matrix.zeros(0, 0);
  private Matrix spd = a;

  @Setup
  public void fill() {
    linAlg = LinAlgRegistry.named(provider);
    SplittableRandom random = new SplittableRandom(1);
    a = Matrix.zeros(n, n);
    Arrays.setAll(a.values(), i -> random.nextDouble() + random.nextDouble() - 1);
    spd = new Gram(linAlg, n).add(a).matrix();
  }

  @Benchmark
  public Matrix product() {
    return linAlg.multiply(a, Op.AS_IS, a, Op.TRANSPOSED);
  }

  @Benchmark
  public Matrix gram() {
    return new Gram(linAlg, n).add(a).matrix();
  }

  @Benchmark
  public Matrix triangle() {
    return linAlg.triangle(a);
  }

  @Benchmark
  public DenseLinAlg.Svd svd() {
    return linAlg.svd(a);
  }

  @Benchmark
  public double[] singularValues() {
    return linAlg.singularValues(a);
  }

  @Benchmark
  public DenseLinAlg.Eigen eigen() {
    return linAlg.eigen(spd);
  }

  @Benchmark
  public Matrix solve() {
    return linAlg.solve(spd, a).orElseThrow();
  }
}
