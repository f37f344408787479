package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.error.WeightloomException;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Eigen;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.Gram;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.MatrixRows;
import io.weightloom.merge.MatrixRows.BlockUse;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.matrix.Adam;
import io.weightloom.merge.matrix.MatrixParams;
import io.weightloom.merge.matrix.TaskMatrices;
import io.weightloom.merge.matrix.TaskMatrixMethod;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Looks for the merged task vector M that interferes least: minimises {@code Σ ‖(M − τₖ)·τₖᵀ‖² /
 * ‖τₖ‖²} (Cheng et al., 2025, "Whoever Started the Interference Should End It: Guiding Data-Free
 * Model Merging via Task Vectors", eq. 9). With {@code Gₖ = τₖᵀτₖ / ‖τₖ‖²} the loss is a quadratic
 * whose gradient is {@code 2·(M·ΣGₖ − Στₖ·Gₖ)} and whose smallest minimiser is {@code
 * (Στₖ·Gₖ)·(ΣGₖ)⁺}. The paper's code takes a few hundred steps of Adam from {@code Στₖ}, which end
 * far from that.
 */
@AutoService(MergeMethod.class)
public final class Wudi implements TaskMatrixMethod {

  /** Eigenvalues of ΣGₖ below this share of the largest are rounding errors of its sums. */
  private static final double NEGLIGIBLE = 1e-12;

  private static final MethodSpec SPEC =
      new MethodSpec(
          "wudi",
          "WUDI merging",
          "minimises the interference of the merged task vector with each task's",
          "https://arxiv.org/abs/2503.08099",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              MatrixParams.LAMBDA,
              ParamSpec.extension(
                  "solver", List.of("adam", "closed_form"), "steps of Adam, or the minimiser"),
              ParamSpec.extension(
                  "iterations", 300, new Range(0, true, 1e6), "steps of Adam, a whole number"),
              ParamSpec.extension(
                  "learning_rate",
                  1e-5,
                  new Range(0, false, Double.POSITIVE_INFINITY),
                  "Adam's step"),
              MatrixParams.matrices("layers"),
              MatrixParams.rest("base")),
          List.of(
              new Variant("reference", "the paper's own code", Map.of()),
              new Variant(
                  "fusionbench",
                  "FusionBench's code: all matrices, 400 steps, the rest averaged",
                  Map.of("iterations", 400.0, "matrices", "all", "rest", "mean")),
              new Variant(
                  "closed_form",
                  "the minimiser itself, as RegMean has it",
                  Map.of("solver", "closed_form"))));

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Optional<String> problem(Params params) {
    return params.notWhole("iterations");
  }

  @Override
  public long workBytes(TensorMerge matrix) {
    long m = MatrixParams.rows(matrix);
    long n = MatrixParams.columns(matrix);
    long solver = closed(matrix.params()) ? 5 * n * n : 4 * m * n;
    return 2 * TaskMatrices.blockBytes(m, n) + Double.BYTES * (m * n + 2 * n * n + solver);
  }

  /** The base is read with each reading of a task vector, and for the output. */
  @Override
  public int reads(TensorMerge matrix) {
    return 2 * matrix.inputs().size() + 1;
  }

  private static boolean closed(Params params) {
    return params.choice("solver").equals("closed_form");
  }

  @Override
  public Map<String, Object> merge(TensorMerge matrix, MatrixRows rows, DenseLinAlg linAlg) {
    TaskMatrices tasks = new TaskMatrices(rows);
    Params params = matrix.params();
    Matrix merged =
        closed(params)
            ? Loss.of(tasks, (first, block) -> {}, linAlg).minimiser(linAlg)
            : descended(tasks, params, linAlg);
    tasks.write(params.number("lambda"), merged);
    return Map.of();
  }

  private static Matrix descended(TaskMatrices tasks, Params params, DenseLinAlg linAlg) {
    Matrix sum = Matrix.zeros(tasks.rows(), tasks.columns());
    Loss loss = Loss.of(tasks, (first, block) -> TaskMatrices.add(block, sum, first), linAlg);
    return loss.descended(
        sum, (int) params.number("iterations"), params.number("learning_rate"), linAlg);
  }

  /**
   * The quadratic.
   *
   * @param weights ΣGₖ
   * @param target Στₖ·Gₖ
   */
  record Loss(Matrix weights, Matrix target) {

    /**
     * A task vector of zeros has nothing to interfere with.
     *
     * @param seen gets each block of rows of each task vector once
     */
    static Loss of(TaskMatrices tasks, BlockUse seen, DenseLinAlg linAlg) {
      int n = tasks.columns();
      Matrix weights = Matrix.zeros(n, n);
      Matrix target = Matrix.zeros(tasks.rows(), n);
      Gram gram = new Gram(linAlg, n);
      for (int k = 0; k < tasks.models(); k++) {
        gram.clear();
        tasks.blocks(
            k,
            (first, block) -> {
              gram.add(block);
              seen.of(first, block);
            });
        Matrix g = gram.matrix();
        double size = trace(g);
        if (!Double.isFinite(size)) {
          throw WeightloomException.input(
              "Cannot merge by wudi: the task vector of model %d holds NaN or an infinity (mend the model)"
                  .formatted(k + 1));
        }
        if (size > 0) {
          g.scale(1 / size);
          weights.add(1, g);
          tasks.blocks(k, (first, block) -> addProduct(block, g, target, first, linAlg));
        }
      }
      return new Loss(weights, target);
    }

    private static void addProduct(
        Matrix block, Matrix g, Matrix target, int first, DenseLinAlg linAlg) {
      Matrix rows = TaskMatrices.rowsOf(target, first, block.rows());
      linAlg.multiply(1, block, Op.AS_IS, g, Op.AS_IS, 1, rows);
      TaskMatrices.put(rows, target, first);
    }

    private static double trace(Matrix g) {
      double sum = 0;
      for (int i = 0; i < g.rows(); i++) {
        sum += g.at(i, i);
      }
      return sum;
    }

    /** The minimiser of smallest norm. */
    Matrix minimiser(DenseLinAlg linAlg) {
      Eigen eigen = linAlg.eigen(weights);
      double[] values = eigen.values();
      double least = NEGLIGIBLE * Math.max(0, values[values.length - 1]);
      double[] inverse = Arrays.stream(values).map(v -> v > least ? 1 / v : 0).toArray();
      Matrix along = linAlg.multiply(target, Op.AS_IS, eigen.vectors(), Op.TRANSPOSED);
      eigen.vectors().scaleRows(inverse);
      return linAlg.multiply(along, Op.AS_IS, eigen.vectors(), Op.AS_IS);
    }

    /** Where Adam comes to from {@code start}, which is overwritten. */
    Matrix descended(Matrix start, int iterations, double learningRate, DenseLinAlg linAlg) {
      Adam adam = new Adam(start, learningRate);
      Matrix gradient = Matrix.zeros(start.rows(), start.columns());
      for (int i = 0; i < iterations; i++) {
        TaskMatrices.put(target, gradient, 0);
        linAlg.multiply(2, start, Op.AS_IS, weights, Op.AS_IS, -2, gradient);
        adam.step(gradient);
      }
      return start;
    }
  }
}
