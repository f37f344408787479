package io.weightloom.linalg;

/**
 * The routines of BLAS and LAPACK that {@link LapackLinAlg} is made of, as Fortran has them:
 * column-major matrices without gaps. Results named {@code info} are LAPACK's: 0 is success.
 */
public interface Lapack {

  /** dgemm: {@code c = alpha · op(a) · op(b) + beta · c}, m×n with inner size k. */
  void gemm(
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
      double[] c);

  /**
   * dsyrk: adds the lower triangle of {@code a · aᵀ}, {@code a} being n×k, to that of c; what
   * becomes of the rest of c does not matter.
   */
  void syrk(int n, int k, double[] a, double[] c);

  /** dgelqf of the m×n matrix {@code a}, in place: L in the lower triangle. */
  void gelqf(int m, int n, double[] a);

  /**
   * dgesdd: the thin singular value decomposition of the m×n matrix {@code a}, which is lost.
   *
   * @param s min(m, n) values
   * @param u m×min, or empty where only values are wanted
   * @param vt min×n, or empty
   * @return info
   */
  int gesdd(int m, int n, double[] a, double[] s, double[] u, double[] vt);

  /**
   * dsyevd of the lower triangle of the n×n matrix {@code a}, which becomes the eigenvectors, one a
   * column, or is lost.
   *
   * @param w n values
   * @return info
   */
  int syevd(boolean vectors, int n, double[] a, double[] w);

  /**
   * dpotrf of the lower triangle of {@code a}, in place.
   *
   * @return info
   */
  int potrf(int n, double[] a);

  /** dpotrs: solves for the columns of the n×count matrix {@code b}, in place. */
  void potrs(int n, int count, double[] factor, double[] b);
}
