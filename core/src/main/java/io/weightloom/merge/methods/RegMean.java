package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.error.WeightloomException;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Cholesky;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.MatrixMethod;
import io.weightloom.merge.MatrixRows;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.SideTable;
import io.weightloom.merge.SideTable.Layout;
import io.weightloom.merge.SideTable.Per;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.matrix.MatrixParams;
import io.weightloom.merge.matrix.Rest;
import io.weightloom.merge.matrix.TaskMatrices;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Merges linear layers so that their outputs on each model's own inputs change least: {@code W = (Σ
 * cₖ·Wₖ·Gₖ)·(Σ cₖ·Gₖ)⁻¹}, {@code Gₖ} the Gram matrix of the inputs that layer has seen in model k,
 * its off-diagonal elements reduced (Jin et al., 2023, "Dataless Knowledge Fusion by Merging
 * Weights of Language Models", eq. 2 and §4.2). Weights are rows of outputs, as PyTorch has them.
 *
 * <p>Where ΣG is singular to rounding (an input that was never active), a ridge makes each Gram
 * matrix definite, the smallest of 10⁻¹⁰, 10⁻⁸, … of ΣG's mean diagonal that is enough: columns
 * that no model has used are then averaged.
 */
@AutoService(MergeMethod.class)
public final class RegMean implements MatrixMethod {
  private static final String GRAMS = "grams";
  private static final double[] RIDGES = {0, 1e-10, 1e-8, 1e-6, 1e-4};

  private static final MethodSpec SPEC =
      new MethodSpec(
          "regmean",
          "RegMean",
          "merges linear layers by least squares on their inputs' Gram matrices",
          "https://arxiv.org/abs/2212.09849",
          BaseRule.DONOR,
          1,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.perModel("weight", "factor of the model's Gram matrix").orElse(1),
              ParamSpec.extension(
                  "off_diagonal",
                  1,
                  new Range(0, true, 1),
                  "factor of the Gram matrices' off-diagonal elements")),
          List.of(
              new SideTable(
                  GRAMS,
                  Per.MODEL,
                  Layout.GRAM,
                  true,
                  true,
                  Double.NEGATIVE_INFINITY,
                  "Gram matrices of each layer's inputs; weights without one are averaged")),
          List.of(
              new Variant("reference", "the paper's own code, nothing reduced", Map.of()),
              new Variant(
                  "fusionbench", "FusionBench's code for CLIP", Map.of("off_diagonal", 0.95))));

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public boolean isMatrix(TensorMerge tensor) {
    return tensor.firstSide(GRAMS) >= 0;
  }

  @Override
  public MergeState rest(MergeScope scope) {
    double[] weights = scope.tensors().get(0).params().numbers("weight");
    double sum = Arrays.stream(weights).sum();
    return new Rest.Models(Arrays.stream(weights).map(w -> w / sum).toArray());
  }

  @Override
  public Optional<String> problem(Params params) {
    return Arrays.stream(params.numbers("weight")).allMatch(w -> w > 0)
        ? Optional.empty()
        : Optional.of("regmean needs weights above 0 (change the weights)");
  }

  @Override
  public long workBytes(TensorMerge matrix) {
    long m = MatrixParams.rows(matrix);
    long n = MatrixParams.columns(matrix);
    return Double.BYTES * (m * n + 3 * n * n);
  }

  @Override
  public int reads(TensorMerge matrix) {
    return 1 + RIDGES.length;
  }

  @Override
  public Map<String, Object> merge(TensorMerge matrix, MatrixRows rows, DenseLinAlg linAlg) {
    int n = rows.columns();
    double[] weights = matrix.params().numbers("weight");
    Matrix sum = Matrix.zeros(n, n);
    Matrix right = Matrix.zeros(rows.rows(), n);
    for (int k = 0; k < rows.models(); k++) {
      Matrix gram = rows.gram(GRAMS, k);
      reduceOffDiagonal(gram, matrix.params().number("off_diagonal"));
      gram.scale(weights[k]);
      sum.add(1, gram);
      rows.eachBlock(
          k,
          (first, block) -> {
            Matrix part = TaskMatrices.rowsOf(right, first, block.rows());
            linAlg.multiply(1, block, Op.AS_IS, gram, Op.AS_IS, 1, part);
            TaskMatrices.put(part, right, first);
          });
    }
    double ridge = solve(matrix, rows, sum, right, linAlg);
    rows.writeAll(right);
    return ridge == 0 ? Map.of() : Map.of("ridge", ridge);
  }

  /** Turns {@code right} into {@code right · sum⁻¹}; gives the ridge that it took. */
  private static double solve(
      TensorMerge matrix, MatrixRows rows, Matrix sum, Matrix right, DenseLinAlg linAlg) {
    double[] weights = matrix.params().numbers("weight");
    double diagonal = meanDiagonal(sum);
    double before = 0;
    for (double share : RIDGES) {
      double ridge = share * diagonal;
      addRidge(rows, weights, ridge - before, sum, right);
      before = ridge;
      Optional<Cholesky> factor = linAlg.cholesky(sum);
      if (factor.isPresent()) {
        factor.get().solve(right);
        return ridge;
      }
    }
    throw WeightloomException.input(
        "Cannot merge %s by regmean: the sum of the Gram matrices is not positive definite, its mean diagonal is %s (see how they were computed)"
            .formatted(matrix.output().name(), diagonal));
  }

  /** As if this much times the identity were added to each model's Gram matrix. */
  private static void addRidge(
      MatrixRows rows, double[] weights, double ridge, Matrix sum, Matrix right) {
    if (ridge == 0) {
      return;
    }
    for (int k = 0; k < weights.length; k++) {
      double each = ridge * weights[k];
      rows.eachBlock(k, (first, block) -> addAt(each, block, right, first));
    }
    double all = ridge * Arrays.stream(weights).sum();
    for (int i = 0; i < sum.rows(); i++) {
      sum.values()[i * sum.columns() + i] += all;
    }
  }

  private static void addAt(double factor, Matrix block, Matrix all, int first) {
    for (int i = 0; i < block.size(); i++) {
      all.values()[first * all.columns() + i] += factor * block.values()[i];
    }
  }

  private static double meanDiagonal(Matrix sum) {
    double total = 0;
    for (int i = 0; i < sum.rows(); i++) {
      total += sum.at(i, i);
    }
    return total / sum.rows();
  }

  private static void reduceOffDiagonal(Matrix gram, double factor) {
    int n = gram.columns();
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        gram.values()[i * n + j] *= i == j ? 1 : factor;
      }
    }
  }
}
