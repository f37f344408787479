package io.weightloom.prune;

import io.weightloom.error.WeightloomException;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.SideTable;
import io.weightloom.merge.TensorMerge;

/** A layer's Gram matrix of inputs, looked at before it is believed. */
final class Hessian {
  static final String GRAMS = "grams";

  /** Of the larger of two elements that should be equal; Gram matrices come in fp32 and bf16. */
  private static final double TOLERANCE = 1e-2;

  private Hessian() {}

  static SideTable table(boolean required) {
    return new SideTable(
        GRAMS,
        SideTable.Per.MERGE,
        SideTable.Layout.GRAM,
        required,
        true,
        Double.NEGATIVE_INFINITY,
        "Gram matrix Σ x·xᵀ of the layer's inputs, at any scale; the upper triangle is enough");
  }

  /**
   * Makes a Gram matrix symmetric, from its upper triangle.
   *
   * @throws WeightloomException if the two triangles differ, or the diagonal is negative or zero
   */
  static Matrix checked(TensorMerge tensor, Matrix gram) {
    int n = gram.rows();
    double[] g = gram.values();
    boolean isTriangle = isUpper(gram);
    double trace = 0;
    for (int i = 0; i < n; i++) {
      if (g[i * n + i] < 0) {
        throw wrong(tensor, "element (%d, %d) is %s".formatted(i, i, g[i * n + i]));
      }
      trace += g[i * n + i];
      for (int j = i + 1; j < n; j++) {
        double upper = g[i * n + j];
        double lower = g[j * n + i];
        double scale = Math.sqrt(Math.max(0, g[i * n + i]) * Math.max(0, g[j * n + j]));
        if (!isTriangle && Math.abs(upper - lower) > TOLERANCE * scale) {
          throw wrong(
              tensor, "element (%d, %d) is %s, (%d, %d) is %s".formatted(i, j, upper, j, i, lower));
        }
        g[j * n + i] = upper;
      }
    }
    if (trace == 0) {
      throw wrong(tensor, "its diagonal is 0 throughout");
    }
    return gram;
  }

  /** tr(ΔHΔᵀ)/tr(WHWᵀ), Δ being the change of W; overwrites W. */
  static double relativeError(Matrix dense, Matrix changed, Matrix gram, DenseLinAlg linAlg) {
    double whole = trace(dense, linAlg.multiply(dense, Op.AS_IS, gram, Op.AS_IS));
    dense.add(-1, changed);
    return trace(dense, linAlg.multiply(dense, Op.AS_IS, gram, Op.AS_IS)) / whole;
  }

  private static double trace(Matrix a, Matrix b) {
    double sum = 0;
    for (int i = 0; i < a.size(); i++) {
      sum += a.values()[i] * b.values()[i];
    }
    return sum;
  }

  private static boolean isUpper(Matrix gram) {
    for (int i = 1; i < gram.rows(); i++) {
      for (int j = 0; j < i; j++) {
        if (gram.at(i, j) != 0) {
          return false;
        }
      }
    }
    return true;
  }

  private static WeightloomException wrong(TensorMerge tensor, String why) {
    return WeightloomException.input(
        "Cannot prune %s: its table of %s is no Gram matrix, %s (compute it as Σ x·xᵀ over the inputs x of the layer)"
            .formatted(tensor.output().name(), GRAMS, why));
  }
}
