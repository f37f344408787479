package io.weightloom.linalg;

import io.weightloom.error.WeightloomException;
import io.weightloom.linalg.DenseLinAlg.Op;

/** What all implementations ask of their arguments. */
final class Checks {
  private Checks() {}

  static void product(Matrix a, Op opA, Matrix b, Op opB, Matrix c) {
    int rows = opA == Op.AS_IS ? a.rows() : a.columns();
    int inner = opA == Op.AS_IS ? a.columns() : a.rows();
    int innerB = opB == Op.AS_IS ? b.rows() : b.columns();
    int columns = opB == Op.AS_IS ? b.columns() : b.rows();
    if (inner != innerB || c.rows() != rows || c.columns() != columns) {
      throw new IllegalArgumentException("%s %s times %s %s into %s".formatted(opA, a, opB, b, c));
    }
  }

  static void gram(Matrix rows, Matrix gram) {
    if (gram.rows() != rows.columns() || gram.columns() != rows.columns()) {
      throw new IllegalArgumentException("Gram of %s into %s".formatted(rows, gram));
    }
  }

  static void square(Matrix a) {
    if (a.rows() != a.columns()) {
      throw new IllegalArgumentException(a + " is not square");
    }
  }

  /** NaN makes LAPACK's iterations run forever or return rubbish. */
  static void finite(String what, Matrix a) {
    for (int i = 0; i < a.size(); i++) {
      if (!Double.isFinite(a.values()[i])) {
        throw WeightloomException.input(
            "Cannot compute the %s of a %s: element (%d, %d) is %s (mend the model)"
                .formatted(what, a, i / a.columns(), i % a.columns(), a.values()[i]));
      }
    }
  }

  static WeightloomException noConvergence(String what, Matrix a, int info) {
    return WeightloomException.input(
        "Cannot compute the %s of a %s: the iteration did not converge, code %d (see whether the model is sound)"
            .formatted(what, a, info));
  }

  /** The upper triangle of what a QR factorisation left, without the rows that are all below it. */
  static Matrix upper(Matrix factored) {
    int n = factored.columns();
    Matrix r = Matrix.zeros(Math.min(factored.rows(), n), n);
    for (int i = 0; i < r.rows(); i++) {
      System.arraycopy(factored.values(), i * n + i, r.values(), i * n + i, n - i);
    }
    return r;
  }

  /** Pivots at or below this are rounding errors. */
  static double smallestPivot(Matrix spd) {
    double most = 0;
    for (int i = 0; i < spd.rows(); i++) {
      most = Math.max(most, spd.at(i, i));
    }
    return spd.rows() * Math.ulp(1.0) * most;
  }
}
