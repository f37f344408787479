package io.weightloom.linalg;

import java.util.Arrays;
import java.util.Optional;

/**
 * {@link DenseLinAlg} over BLAS and LAPACK. A row-major matrix is the column-major one of its
 * transpose, so nothing is transposed: {@code aᵀ = v · diag(s) · uᵀ} in LAPACK's eyes is {@code a =
 * u · diag(s) · vᵀ} in ours.
 */
public final class LapackLinAlg implements DenseLinAlg {
  private static final double[] NONE = {};

  private final String name;
  private final Lapack lapack;

  /** Calls these routines, which are thread-safe. */
  public LapackLinAlg(String name, Lapack lapack) {
    this.name = name;
    this.lapack = lapack;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void multiply(double alpha, Matrix a, Op opA, Matrix b, Op opB, double beta, Matrix c) {
    Checks.product(a, opA, b, opB, c);
    int inner = opA == Op.AS_IS ? a.columns() : a.rows();
    if (c.size() == 0 || inner == 0) {
      for (int i = 0; i < c.size(); i++) {
        c.values()[i] = beta == 0 ? 0 : beta * c.values()[i];
      }
      return;
    }
    lapack.gemm(
        opB == Op.TRANSPOSED,
        opA == Op.TRANSPOSED,
        c.columns(),
        c.rows(),
        inner,
        alpha,
        b.values(),
        Math.max(1, b.columns()),
        a.values(),
        Math.max(1, a.columns()),
        beta,
        c.values());
  }

  @Override
  public void addGram(Matrix rows, Matrix gram) {
    Checks.gram(rows, gram);
    if (rows.size() > 0) {
      lapack.syrk(rows.columns(), rows.rows(), rows.values(), gram.values());
    }
  }

  @Override
  public Matrix triangle(Matrix a) {
    Checks.finite("QR factor", a);
    int n = a.columns();
    Matrix work = a.copy();
    if (a.size() > 0) {
      lapack.gelqf(n, a.rows(), work.values());
    }
    return Checks.upper(work);
  }

  @Override
  public Svd svd(Matrix a) {
    int k = Math.min(a.rows(), a.columns());
    Svd svd = new Svd(Matrix.zeros(a.rows(), k), new double[k], Matrix.zeros(k, a.columns()));
    svd(a, svd.values(), svd.vt().values(), svd.u().values());
    return svd;
  }

  @Override
  public double[] singularValues(Matrix a) {
    double[] values = new double[Math.min(a.rows(), a.columns())];
    svd(a, values, NONE, NONE);
    return values;
  }

  private void svd(Matrix a, double[] values, double[] vt, double[] u) {
    Checks.finite("singular values", a);
    if (a.size() == 0) {
      return;
    }
    int info = lapack.gesdd(a.columns(), a.rows(), a.copy().values(), values, vt, u);
    if (info != 0) {
      throw Checks.noConvergence("singular values", a, info);
    }
  }

  @Override
  public Eigen eigen(Matrix symmetric) {
    Matrix vectors = symmetric.copy();
    return new Eigen(eigen(symmetric, true, vectors), vectors);
  }

  @Override
  public double[] eigenvalues(Matrix symmetric) {
    return eigen(symmetric, false, symmetric.copy());
  }

  private double[] eigen(Matrix symmetric, boolean vectors, Matrix work) {
    Checks.square(symmetric);
    Checks.finite("eigenvalues", symmetric);
    double[] values = new double[symmetric.rows()];
    if (values.length > 0) {
      int info = lapack.syevd(vectors, values.length, work.values(), values);
      if (info != 0) {
        throw Checks.noConvergence("eigenvalues", symmetric, info);
      }
    }
    return values;
  }

  @Override
  public Optional<Cholesky> cholesky(Matrix spd) {
    Checks.square(spd);
    Checks.finite("Cholesky factor", spd);
    int n = spd.rows();
    double[] factor = Arrays.copyOf(spd.values(), n * n);
    if (n > 0 && lapack.potrf(n, factor) != 0) {
      return Optional.empty();
    }
    double least = Checks.smallestPivot(spd);
    for (int i = 0; i < n; i++) {
      double pivot = factor[i * n + i];
      if (pivot * pivot <= least) {
        return Optional.empty();
      }
    }
    return Optional.of(rows -> solve(n, factor, rows));
  }

  private void solve(int n, double[] factor, Matrix rows) {
    if (rows.columns() != n) {
      throw new IllegalArgumentException("rows of %s for %d unknowns".formatted(rows, n));
    }
    if (rows.size() > 0) {
      lapack.potrs(n, rows.rows(), factor, rows.values());
    }
  }
}
