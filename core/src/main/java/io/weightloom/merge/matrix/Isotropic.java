package io.weightloom.merge.matrix;

import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.DenseLinAlg.Svd;
import io.weightloom.linalg.Matrix;
import io.weightloom.linalg.StackedQr;
import java.util.Arrays;
import java.util.Map;

/**
 * The sum x of the task vectors with all its singular values replaced by their mean.
 *
 * <p>A tall x is never gathered. Its triangle r, found from row blocks, has x's singular values and
 * right vectors, and {@code u·vᵀ = x · v·diag(1/σ)·vᵀ} is one product a row block. The error is
 * ε·σ₁/σ in the direction of σ: that of the problem itself, for the nearest isometry to a perturbed
 * x is as far off. Through {@code xᵀx} it would be ε·(σ₁/σ)². A wide x is gathered.
 */
public final class Isotropic {
  private final TaskMatrices tasks;
  private final DenseLinAlg linAlg;

  public Isotropic(TaskMatrices tasks, DenseLinAlg linAlg) {
    this.tasks = tasks;
    this.linAlg = linAlg;
  }

  /**
   * Writes θ₀ + λ·mean(σ)·u·vᵀ.
   *
   * @return the mean, and the number of directions that are not zero to rounding
   */
  public Map<String, Object> write(double lambda) {
    return tasks.rows() > tasks.columns() ? tall(lambda) : wide(lambda);
  }

  private Map<String, Object> tall(double lambda) {
    StackedQr qr = new StackedQr(linAlg, tasks.columns());
    tasks.sumBlocks((first, block) -> qr.add(block));
    Svd svd = linAlg.svd(qr.triangle());
    int rank = Polar.rank(svd, tasks.rows());
    double mean = mean(svd);
    double[] inverse = new double[svd.values().length];
    Arrays.setAll(inverse, i -> i < rank ? mean / svd.values()[i] : 0);
    Matrix scaled = svd.vt().copy();
    scaled.scaleRows(inverse);
    Matrix right = linAlg.multiply(svd.vt(), Op.TRANSPOSED, scaled, Op.AS_IS);
    tasks.sumBlocks(
        (first, block) ->
            tasks.write(lambda, first, linAlg.multiply(block, Op.AS_IS, right, Op.AS_IS)));
    return Map.of("mean_singular_value", mean, "rank", rank);
  }

  private Map<String, Object> wide(double lambda) {
    Svd svd = linAlg.svd(tasks.sum());
    double mean = mean(svd);
    Polar polar = Polar.of(svd, linAlg);
    polar.factor().scale(mean);
    tasks.write(lambda, polar.factor());
    return Map.of("mean_singular_value", mean, "rank", polar.rank());
  }

  /** Zeros included. */
  private static double mean(Svd svd) {
    return Arrays.stream(svd.values()).average().orElse(0);
  }

  /** Bytes held for an m×n matrix. */
  public static long bytes(long m, long n) {
    long blocks = TaskMatrices.blockBytes(m, n) * 2;
    return blocks
        + (m > n
            ? StackedQr.bytes(n) + Subspace.svdBytes(n, n)
            : Double.BYTES * m * n + Polar.bytes(m, n));
  }
}
