package io.weightloom.linalg;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Linear algebra in plain loops: the textbook's algorithms, accurate and slow, to which the fast
 * providers are held and which is there where they are not. Jacobi rotations throughout (Golub and
 * Van Loan, "Matrix Computations", 4th ed., §8.5, §8.6.3).
 */
final class ReferenceLinAlg implements DenseLinAlg {
  static final String NAME = "reference";

  private static final double EPSILON = Math.ulp(1.0) / 2;
  private static final int SWEEPS = 60;

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public void multiply(double alpha, Matrix a, Op opA, Matrix b, Op opB, double beta, Matrix c) {
    Checks.product(a, opA, b, opB, c);
    Matrix left = opA == Op.AS_IS ? a : a.transposed();
    Matrix right = opB == Op.AS_IS ? b : b.transposed();
    int n = c.columns();
    for (int i = 0; i < c.rows(); i++) {
      double[] sum = new double[n];
      for (int k = 0; k < left.columns(); k++) {
        double x = left.at(i, k);
        for (int j = 0; j < n; j++) {
          sum[j] += x * right.values()[k * n + j];
        }
      }
      for (int j = 0; j < n; j++) {
        double before = beta == 0 ? 0 : beta * c.at(i, j);
        c.values()[i * n + j] = alpha * sum[j] + before;
      }
    }
  }

  @Override
  public void addGram(Matrix rows, Matrix gram) {
    Checks.gram(rows, gram);
    int n = rows.columns();
    for (int r = 0; r < rows.rows(); r++) {
      for (int i = 0; i < n; i++) {
        for (int j = i; j < n; j++) {
          gram.values()[i * n + j] += rows.at(r, i) * rows.at(r, j);
        }
      }
    }
  }

  /** Householder's reflections (Golub and Van Loan, §5.2). */
  @Override
  public Matrix triangle(Matrix a) {
    Checks.finite("QR factor", a);
    Matrix work = a.copy();
    int n = a.columns();
    for (int k = 0; k < Math.min(a.rows() - 1, n); k++) {
      double norm = 0;
      for (int i = k; i < a.rows(); i++) {
        norm = Math.hypot(norm, work.at(i, k));
      }
      if (norm > 0) {
        reflect(work, k, work.at(k, k) > 0 ? -norm : norm);
      }
    }
    return Checks.upper(work);
  }

  /** Turns column {@code k} below the diagonal into zeros, its head into {@code head}. */
  private static void reflect(Matrix work, int k, double head) {
    int n = work.columns();
    double[] v = new double[work.rows() - k];
    for (int i = 0; i < v.length; i++) {
      v[i] = work.at(k + i, k);
    }
    v[0] -= head;
    double half = head * (head - work.at(k, k));
    for (int j = k; j < n; j++) {
      double along = 0;
      for (int i = 0; i < v.length; i++) {
        along += v[i] * work.at(k + i, j);
      }
      for (int i = 0; i < v.length; i++) {
        work.values()[(k + i) * n + j] -= along / half * v[i];
      }
    }
  }

  @Override
  public Svd svd(Matrix a) {
    if (a.rows() < a.columns()) {
      Svd turned = svd(a.transposed());
      return new Svd(turned.vt().transposed(), turned.values(), turned.u().transposed());
    }
    Checks.finite("singular values", a);
    Matrix columns = a.transposed();
    int n = columns.rows();
    double scale = largest(columns);
    if (scale > 0) {
      columns.scale(1 / scale);
    }
    Matrix v = identity(n);
    orthogonalise(columns, v);
    double[] norms = IntStream.range(0, n).mapToDouble(j -> norm(columns, j)).toArray();
    int[] order = order(norms, true);
    Matrix u = Matrix.zeros(n, columns.columns());
    Matrix vt = Matrix.zeros(n, n);
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      int j = order[i];
      values[i] = norms[j] * scale;
      copyRow(v, j, vt, i);
      if (norms[j] > 0) {
        copyRow(columns, j, u, i);
        scaleRow(u, i, 1 / norms[j]);
      } else {
        complete(u, i);
      }
    }
    return new Svd(u.transposed(), values, vt);
  }

  @Override
  public double[] singularValues(Matrix a) {
    return svd(a).values();
  }

  /** One-sided Jacobi: rotates pairs of rows until all are orthogonal, and {@code v} with them. */
  private static void orthogonalise(Matrix rows, Matrix v) {
    boolean rotated = true;
    for (int sweep = 0; rotated && sweep < SWEEPS; sweep++) {
      rotated = false;
      for (int p = 0; p < rows.rows(); p++) {
        for (int q = p + 1; q < rows.rows(); q++) {
          double pp = dot(rows, p, p);
          double qq = dot(rows, q, q);
          double pq = dot(rows, p, q);
          if (Math.abs(pq) > EPSILON * Math.sqrt(pp) * Math.sqrt(qq)) {
            rotate(rows, v, p, q, (qq - pp) / (2 * pq));
            rotated = true;
          }
        }
      }
    }
  }

  private static void rotate(Matrix rows, Matrix v, int p, int q, double cot2) {
    double t = tangent(cot2);
    double c = 1 / Math.sqrt(1 + t * t);
    rotateRows(rows, p, q, c, c * t);
    rotateRows(v, p, q, c, c * t);
  }

  /** The smaller root of t² + 2·cot2·t = 1. */
  private static double tangent(double cot2) {
    double t = 1 / (Math.abs(cot2) + Math.hypot(1, cot2));
    return cot2 < 0 ? -t : t;
  }

  private static void rotateRows(Matrix m, int p, int q, double c, double s) {
    int n = m.columns();
    for (int j = 0; j < n; j++) {
      double x = m.at(p, j);
      double y = m.at(q, j);
      m.values()[p * n + j] = c * x - s * y;
      m.values()[q * n + j] = s * x + c * y;
    }
  }

  /** Fills row {@code i} with a unit vector orthogonal to the rows before it. */
  private static void complete(Matrix u, int i) {
    double[] left = new double[u.columns()];
    Arrays.fill(left, 1);
    for (int r = 0; r < i; r++) {
      for (int j = 0; j < left.length; j++) {
        left[j] -= u.at(r, j) * u.at(r, j);
      }
    }
    int axis = order(left, true)[0];
    u.values()[i * u.columns() + axis] = 1;
    for (int twice = 0; twice < 2; twice++) {
      for (int r = 0; r < i; r++) {
        double along = dot(u, r, i);
        for (int j = 0; j < left.length; j++) {
          u.values()[i * u.columns() + j] -= along * u.at(r, j);
        }
      }
    }
    scaleRow(u, i, 1 / norm(u, i));
  }

  @Override
  public Eigen eigen(Matrix symmetric) {
    Checks.square(symmetric);
    Checks.finite("eigenvalues", symmetric);
    int n = symmetric.rows();
    Matrix a = Matrix.zeros(n, n);
    for (int i = 0; i < n; i++) {
      for (int j = i; j < n; j++) {
        a.values()[i * n + j] = symmetric.at(i, j);
        a.values()[j * n + i] = symmetric.at(i, j);
      }
    }
    Matrix v = identity(n);
    double enough = EPSILON * EPSILON * a.sumOfSquares();
    for (int sweep = 0; offDiagonal(a) > enough; sweep++) {
      if (sweep == SWEEPS) {
        throw Checks.noConvergence("eigenvalues", symmetric, sweep);
      }
      sweep(a, v);
    }
    double[] diagonal = IntStream.range(0, n).mapToDouble(i -> a.at(i, i)).toArray();
    int[] order = order(diagonal, false);
    Matrix vectors = Matrix.zeros(n, n);
    for (int i = 0; i < n; i++) {
      copyRow(v, order[i], vectors, i);
    }
    return new Eigen(Arrays.stream(order).mapToDouble(i -> diagonal[i]).toArray(), vectors);
  }

  @Override
  public double[] eigenvalues(Matrix symmetric) {
    return eigen(symmetric).values();
  }

  private static void sweep(Matrix a, Matrix v) {
    int n = a.rows();
    for (int p = 0; p < n; p++) {
      for (int q = p + 1; q < n; q++) {
        double pq = a.at(p, q);
        if (pq != 0) {
          double t = tangent((a.at(q, q) - a.at(p, p)) / (2 * pq));
          double c = 1 / Math.sqrt(1 + t * t);
          rotateRows(a, p, q, c, c * t);
          rotateColumns(a, p, q, c, c * t);
          a.values()[p * n + q] = 0;
          a.values()[q * n + p] = 0;
          rotateRows(v, p, q, c, c * t);
        }
      }
    }
  }

  private static void rotateColumns(Matrix m, int p, int q, double c, double s) {
    int n = m.columns();
    for (int i = 0; i < m.rows(); i++) {
      double x = m.at(i, p);
      double y = m.at(i, q);
      m.values()[i * n + p] = c * x - s * y;
      m.values()[i * n + q] = s * x + c * y;
    }
  }

  private static double offDiagonal(Matrix a) {
    double sum = 0;
    for (int i = 0; i < a.rows(); i++) {
      for (int j = i + 1; j < a.columns(); j++) {
        sum += 2 * a.at(i, j) * a.at(i, j);
      }
    }
    return sum;
  }

  @Override
  public Optional<Cholesky> cholesky(Matrix spd) {
    Checks.square(spd);
    Checks.finite("Cholesky factor", spd);
    int n = spd.rows();
    Matrix upper = Matrix.zeros(n, n);
    double least = Checks.smallestPivot(spd);
    for (int i = 0; i < n; i++) {
      for (int j = i; j < n; j++) {
        double sum = spd.at(i, j);
        for (int k = 0; k < i; k++) {
          sum -= upper.at(k, i) * upper.at(k, j);
        }
        if (i == j && !(sum > least)) {
          return Optional.empty();
        }
        upper.values()[i * n + j] = i == j ? Math.sqrt(sum) : sum / upper.at(i, i);
      }
    }
    return Optional.of(rows -> substitute(upper, rows));
  }

  private static void substitute(Matrix upper, Matrix rows) {
    int n = upper.rows();
    if (rows.columns() != n) {
      throw new IllegalArgumentException("rows of %s for %d unknowns".formatted(rows, n));
    }
    for (int r = 0; r < rows.rows(); r++) {
      int at = r * n;
      for (int i = 0; i < n; i++) {
        double sum = rows.values()[at + i];
        for (int k = 0; k < i; k++) {
          sum -= upper.at(k, i) * rows.values()[at + k];
        }
        rows.values()[at + i] = sum / upper.at(i, i);
      }
      for (int i = n - 1; i >= 0; i--) {
        double sum = rows.values()[at + i];
        for (int k = i + 1; k < n; k++) {
          sum -= upper.at(i, k) * rows.values()[at + k];
        }
        rows.values()[at + i] = sum / upper.at(i, i);
      }
    }
  }

  private static Matrix identity(int n) {
    Matrix m = Matrix.zeros(n, n);
    for (int i = 0; i < n; i++) {
      m.values()[i * n + i] = 1;
    }
    return m;
  }

  private static double largest(Matrix m) {
    return Arrays.stream(m.values()).map(Math::abs).max().orElse(0);
  }

  private static double dot(Matrix m, int p, int q) {
    double sum = 0;
    for (int j = 0; j < m.columns(); j++) {
      sum += m.at(p, j) * m.at(q, j);
    }
    return sum;
  }

  private static double norm(Matrix m, int row) {
    return Math.sqrt(dot(m, row, row));
  }

  private static void scaleRow(Matrix m, int row, double factor) {
    for (int j = 0; j < m.columns(); j++) {
      m.values()[row * m.columns() + j] *= factor;
    }
  }

  private static void copyRow(Matrix from, int i, Matrix to, int j) {
    System.arraycopy(
        from.values(), i * from.columns(), to.values(), j * to.columns(), from.columns());
  }

  private static int[] order(double[] values, boolean descending) {
    Comparator<Integer> ascending = Comparator.comparingDouble(i -> values[i]);
    return IntStream.range(0, values.length)
        .boxed()
        .sorted(descending ? ascending.reversed() : ascending)
        .mapToInt(Integer::intValue)
        .toArray();
  }
}
