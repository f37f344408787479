package io.weightloom.prune;

import com.google.auto.service.AutoService;
import io.weightloom.error.WeightloomException;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.MatrixRows;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Prunes linear layers and mends what is left, so that their outputs on the calibration inputs
 * change least (Frantar and Alistarh, 2023, "SparseGPT: Massive Language Models Can Be Accurately
 * Pruned in One-Shot", algorithm 1). From a Gram matrix of each layer's inputs {@code H = XXᵀ +
 * damp · mean(diag) · I}, {@code UᵀU = H⁻¹}: in blocks of columns the weights of least {@code
 * w²/U_jj²} go, over all rows of the block, or N of each M in a row; what each takes away is made
 * good by the columns behind it.
 *
 * <p>The Gram matrices are those of the dense model: the reference computes them anew behind each
 * layer that it has pruned.
 */
@AutoService(MergeMethod.class)
public final class SparseGpt implements MatrixPruning {
  private static final String DAMP = "damp";
  private static final String BLOCK = "block";
  private static final String PATTERN = "pattern";
  private static final String UPDATE = "update";
  private static final String ERROR = "error";

  private static final MethodSpec SPEC =
      new MethodSpec(
          "sparsegpt",
          "SparseGPT",
          "prunes linear layers by their inputs' Gram matrices and mends the weights that stay",
          "https://arxiv.org/abs/2301.00774",
          BaseRule.DONOR,
          1,
          1,
          List.of(
              PruneParams.SPARSITY.orElse(0.5),
              PruneParams.COUNT,
              ParamSpec.extension(
                  PATTERN,
                  List.of("unstructured", "nm"),
                  "the sparsity over all rows of a block, or n of each m in a row"),
              ParamSpec.extension(
                  "n", 2, new Range(1, true, 1024), "weights kept of each group, for pattern: nm"),
              ParamSpec.extension(
                  "m", 4, new Range(1, true, 1024), "weights of a group, for pattern: nm"),
              ParamSpec.extension(
                  BLOCK, 128, new Range(1, true, 65536), "columns whose mask is chosen at once"),
              ParamSpec.extension(
                  DAMP,
                  0.01,
                  new Range(0, true, 100),
                  "added to the Gram matrix' diagonal, in shares of its mean"),
              ParamSpec.extension(
                  UPDATE,
                  List.of("all", "mask"),
                  "write mended weights, or the weights as they were under the same mask"),
              ParamSpec.extension(
                  ERROR,
                  List.of("none", "relative"),
                  "record tr(ΔHΔᵀ)/tr(WHWᵀ) of what is written; changes nothing in it"),
              PruneParams.TARGETS,
              Lacking.PARAM,
              PruneParams.OUTPUT),
          List.of(Hessian.table(true)),
          List.of(
              new Variant("exact", "exactly ⌊s·n⌋ of each block", Map.of()),
              new Variant(
                  "reference",
                  "the paper's code: all that do not exceed a threshold of the block",
                  PruneParams.counts("beyond")),
              new Variant(
                  "modelopt",
                  "NVIDIA ModelOpt: 2:4, a damp of 0.1, weights not mended",
                  Map.of(PATTERN, "nm", DAMP, 0.1, UPDATE, "mask"))));

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Optional<String> problem(Params p) {
    Optional<String> notWhole = p.notWhole(BLOCK);
    if (notWhole.isPresent() || !p.choice(PATTERN).equals("nm")) {
      return notWhole;
    }
    double block = p.number(BLOCK);
    double m = p.number("m");
    return NmGroups.problem(p.number("n"), m)
        .or(
            () ->
                block % m == 0
                    ? Optional.empty()
                    : Optional.of(
                        "block: %.0f is no multiple of m: %.0f (choose a multiple)"
                            .formatted(block, m)));
  }

  @Override
  public boolean isMatrix(TensorMerge tensor) {
    return MatrixPruning.super.isMatrix(tensor) && Lacking.hasTable(tensor, Hessian.GRAMS);
  }

  @Override
  public long workBytes(TensorMerge matrix) {
    long m = matrix.output().shape().dims().get(0);
    long n = matrix.output().shape().dims().get(1);
    return Double.BYTES * (3 * m * n + 3 * n * n);
  }

  @Override
  public int reads(TensorMerge matrix) {
    return 3;
  }

  @Override
  public Map<String, Object> merge(TensorMerge tensor, MatrixRows rows, DenseLinAlg linAlg) {
    Params p = tensor.params();
    Matrix weights = rows.readAll(0);
    Matrix hessian = Hessian.checked(tensor, rows.gram(Hessian.GRAMS, 0));
    int dead = prepare(hessian, weights, p.number(DAMP));
    Matrix upper =
        InverseFactor.of(hessian, linAlg)
            .orElseThrow(
                () ->
                    WeightloomException.input(
                        "Cannot prune %s: its Gram matrix is not positive definite with a damp of %s (raise weightloom: {damp: …}, or compute it from more inputs)"
                            .formatted(tensor.output().name(), p.number(DAMP))));
    boolean[] kept = new boolean[weights.size()];
    double loss = prune(tensor, weights, upper, kept, linAlg);
    Map<String, Object> decisions = new LinkedHashMap<>();
    long count = 0;
    for (boolean k : kept) {
      count += k ? 1 : 0;
    }
    decisions.put("pruned", kept.length - count);
    decisions.put("loss", loss);
    if (dead > 0) {
      decisions.put("dead_inputs", dead);
    }
    if (p.choice(UPDATE).equals("mask")) {
      weights = masked(rows, kept);
    }
    if (p.choice(ERROR).equals("relative")) {
      Matrix dense = rows.readAll(0);
      Matrix gram = Hessian.checked(tensor, rows.gram(Hessian.GRAMS, 0));
      decisions.put("relative_error", Hessian.relativeError(dense, weights, gram, linAlg));
    }
    rows.writeAll(PruneParams.isMask(p) ? ones(weights, kept) : weights);
    return decisions;
  }

  private static Matrix masked(MatrixRows rows, boolean[] kept) {
    Matrix weights = rows.readAll(0);
    for (int i = 0; i < kept.length; i++) {
      weights.values()[i] = kept[i] ? weights.values()[i] : 0;
    }
    return weights;
  }

  private static Matrix ones(Matrix shape, boolean[] kept) {
    for (int i = 0; i < kept.length; i++) {
      shape.values()[i] = kept[i] ? 1 : 0;
    }
    return shape;
  }

  /** Inputs that were never active take no part: their weights are 0. Then the damp is added. */
  private static int prepare(Matrix hessian, Matrix weights, double damp) {
    int n = hessian.rows();
    double[] h = hessian.values();
    int dead = 0;
    double trace = 0;
    for (int j = 0; j < n; j++) {
      if (h[j * n + j] == 0) {
        h[j * n + j] = 1;
        dead++;
        for (int i = 0; i < weights.rows(); i++) {
          weights.values()[i * n + j] = 0;
        }
      }
      trace += h[j * n + j];
    }
    for (int j = 0; j < n; j++) {
      h[j * n + j] += damp * trace / n;
    }
    return dead;
  }

  /** Block after block; gives the sum of the errors. */
  private static double prune(
      TensorMerge tensor, Matrix weights, Matrix upper, boolean[] kept, DenseLinAlg linAlg) {
    int n = weights.columns();
    int width = (int) tensor.params().number(BLOCK);
    double loss = 0;
    for (int first = 0; first < n; first += width) {
      int columns = Math.min(width, n - first);
      SparseGptBlock block = new SparseGptBlock(tensor, weights, upper, kept, first, columns);
      loss += block.prune();
      int behind = first + columns;
      if (behind < n) {
        Matrix rest = InverseFactor.part(weights, 0, weights.rows(), behind, n - behind);
        linAlg.multiply(
            -1,
            block.errors(),
            Op.AS_IS,
            InverseFactor.part(upper, first, columns, behind, n - behind),
            Op.AS_IS,
            1,
            rest);
        for (int i = 0; i < weights.rows(); i++) {
          System.arraycopy(
              rest.values(), i * rest.columns(), weights.values(), i * n + behind, n - behind);
        }
      }
    }
    return loss;
  }
}
