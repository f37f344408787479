package io.weightloom.linalg.openblas;

import static org.bytedeco.openblas.global.openblas.CblasColMajor;
import static org.bytedeco.openblas.global.openblas.CblasLower;
import static org.bytedeco.openblas.global.openblas.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas.CblasTrans;
import static org.bytedeco.openblas.global.openblas.LAPACK_COL_MAJOR;

import io.weightloom.linalg.Lapack;
import org.bytedeco.openblas.global.openblas;

/**
 * The routines as OpenBLAS has them. The threads of a merge are Spark's tasks: OpenBLAS gets one
 * thread a call, whatever {@code OPENBLAS_NUM_THREADS} says, for a second pool of threads only
 * fights the first over the cores, and changes the order of sums with their number. Idle cores are
 * for a {@link io.weightloom.linalg.Crew}, which does neither.
 */
final class OpenBlasLapack implements Lapack {
  static final int COLUMNS = LAPACK_COL_MAJOR;
  private static final byte LOWER = 'L';

  /** From here on two stages win. */
  private static final int TWO_STAGES = 512;

  /** From here on a product is worth cutting. */
  private static final int TILED = 1024;

  /** Squares of what lies between do not leave fp64; LAPACK scales what does not. */
  private static final double TINY = 1e-120;

  private static final double HUGE = 1e120;

  static {
    openblas.blas_set_num_threads(1);
  }

  static String describe() {
    int threads = openblas.blas_get_num_threads();
    return "%s, %d thread%s a call"
        .formatted(vendor(openblas.blas_get_vendor()), threads, threads == 1 ? "" : "s");
  }

  /** JavaCPP takes MKL in OpenBLAS's place where its jar is there. */
  private static String vendor(int vendor) {
    return switch (vendor) {
      case 2 -> "OpenBLAS";
      case 3 -> "MKL";
      default -> "a BLAS that does not say its name";
    };
  }

  private static int op(boolean transpose) {
    return transpose ? CblasTrans : CblasNoTrans;
  }

  @Override
  public void gemm(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      double alpha,
      double[] a,
      int lda,
      double[] b,
      int ldb,
      double beta,
      double[] c) {
    openblas.cblas_dgemm(
        CblasColMajor, op(transposeA), op(transposeB), m, n, k, alpha, a, lda, b, ldb, beta, c, m);
  }

  @Override
  public void syrk(int n, int k, double[] a, double[] c) {
    if (n >= TILED) {
      GramTiles.add(n, k, a, c);
    } else {
      openblas.cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, n, k, 1, a, n, 1, c, n);
    }
  }

  @Override
  public void gelqf(int m, int n, double[] a) {
    require(openblas.LAPACKE_dgelqf(COLUMNS, m, n, a, m, new double[Math.min(m, n)]), "dgelqf");
  }

  @Override
  public int gesdd(int m, int n, double[] a, double[] s, double[] u, double[] vt) {
    boolean vectors = u.length > 0;
    int k = Math.min(m, n);
    return info(
        openblas.LAPACKE_dgesdd(
            COLUMNS,
            (byte) (vectors ? 'S' : 'N'),
            m,
            n,
            a,
            m,
            s,
            vectors ? u : new double[1],
            vectors ? m : 1,
            vectors ? vt : new double[1],
            vectors ? k : 1),
        "dgesdd");
  }

  @Override
  public int syevd(boolean vectors, int n, double[] a, double[] w) {
    if (!vectors && n >= TWO_STAGES && isOrdinary(n, a)) {
      return eigenvalues(n, a, w);
    }
    return info(
        openblas.LAPACKE_dsyevd(COLUMNS, (byte) (vectors ? 'V' : 'N'), LOWER, n, a, n, w),
        "dsyevd");
  }

  private static boolean isOrdinary(int n, double[] a) {
    double most = 0;
    for (int j = 0; j < n; j++) {
      for (int i = j; i < n; i++) {
        most = Math.max(most, Math.abs(a[j * n + i]));
      }
    }
    return most > TINY && most < HUGE;
  }

  /** In two stages, as {@link BandReduction} says. */
  private static int eigenvalues(int n, double[] a, double[] w) {
    double[] below = new double[n - 1];
    try (BandReduction reduction = new BandReduction(n, a)) {
      reduction.band().toTridiagonal(w, below);
    }
    return info(openblas.LAPACKE_dsterf(n, w, below), "dsterf");
  }

  @Override
  public int potrf(int n, double[] a) {
    return info(openblas.LAPACKE_dpotrf(COLUMNS, LOWER, n, a, n), "dpotrf");
  }

  @Override
  public void potrs(int n, int count, double[] factor, double[] b) {
    require(openblas.LAPACKE_dpotrs(COLUMNS, LOWER, n, count, factor, n, b, n), "dpotrs");
  }

  static void require(int info, String routine) {
    if (info(info, routine) != 0) {
      throw new IllegalStateException(routine + " answered " + info);
    }
  }

  /** LAPACKE allocates work space outside of the heap: −1010 is that it could not. */
  private static int info(int info, String routine) {
    if (info == -1010 || info == -1011) {
      throw new OutOfMemoryError(routine + " found no memory outside of the heap");
    }
    if (info < 0) {
      throw new IllegalArgumentException(routine + " refused its argument " + -info);
    }
    return info;
  }
}
