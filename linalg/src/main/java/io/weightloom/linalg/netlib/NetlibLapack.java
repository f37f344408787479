package io.weightloom.linalg.netlib;

import dev.ludovic.netlib.blas.BLAS;
import io.weightloom.linalg.Lapack;
import java.lang.reflect.Method;
import java.util.Optional;
import org.netlib.lapack.Dgelqf;
import org.netlib.lapack.Dgesdd;
import org.netlib.lapack.Dlamch;
import org.netlib.lapack.Dpotrf;
import org.netlib.lapack.Dpotrs;
import org.netlib.lapack.Dsyevd;
import org.netlib.util.intW;

/**
 * Products by dev.ludovic.netlib, in vector registers where it can; factorisations by netlib's
 * LAPACK as f2j translated it to Java, which brings its own plain BLAS.
 *
 * <p>The products' instance is asked for by name: netlib's factory first tries to load native
 * libraries and prints what came of it, and a switch against that would be one for Spark's MLlib
 * too.
 */
final class NetlibLapack implements Lapack {
  private static final String MODULE = "jdk.incubator.vector";
  private static final String PACKAGE = "dev.ludovic.netlib.blas.";

  /**
   * Asked for while this class is initialised, by one thread while all others wait: dlamch finds
   * the machine's constants at its first call and keeps them in static fields, and marks them as
   * found before they are. A second thread's first factorisation would go on with an epsilon of
   * zero, which no iteration reaches. They are the only state that the routines below share.
   */
  private static final double EPSILON = Dlamch.dlamch("E");

  private final BLAS blas;

  private NetlibLapack(BLAS blas) {
    this.blas = blas;
  }

  /**
   * The routines.
   *
   * @throws ReflectiveOperationException if netlib is not there, or not as it was
   */
  static NetlibLapack load() throws ReflectiveOperationException {
    boolean vector = ModuleLayer.boot().findModule(MODULE).isPresent();
    String name = PACKAGE + (vector ? "VectorBLAS" : "Java11BLAS");
    Method factory = Class.forName(name).getMethod("getInstance");
    factory.setAccessible(true);
    if (EPSILON != Math.ulp(1.0) / 2) {
      throw new ClassNotFoundException("netlib takes the machine's epsilon for " + EPSILON);
    }
    Class.forName("org.netlib.lapack.Dgesdd");
    return new NetlibLapack(
        Optional.ofNullable((BLAS) factory.invoke(null))
            .orElseThrow(() -> new ClassNotFoundException(name + " gives no instance")));
  }

  String describe() {
    return blas.getClass().getSimpleName() + " and LAPACK translated to Java";
  }

  private static String op(boolean transpose) {
    return transpose ? "T" : "N";
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
    blas.dgemm(op(transposeA), op(transposeB), m, n, k, alpha, a, lda, b, ldb, beta, c, m);
  }

  /** As a product, twice the work: its dsyrk is a plain loop, several times slower than that. */
  @Override
  public void syrk(int n, int k, double[] a, double[] c) {
    blas.dgemm("N", "T", n, n, k, 1, a, n, a, n, 1, c, n);
  }

  @Override
  public void gelqf(int m, int n, double[] a) {
    double[] tau = new double[Math.min(m, n)];
    intW info = new intW(0);
    double[] size = new double[1];
    Dgelqf.dgelqf(m, n, a, 0, m, tau, 0, size, 0, -1, info);
    double[] work = new double[(int) size[0]];
    Dgelqf.dgelqf(m, n, a, 0, m, tau, 0, work, 0, work.length, info);
  }

  @Override
  public int gesdd(int m, int n, double[] a, double[] s, double[] u, double[] vt) {
    int k = Math.min(m, n);
    boolean vectors = u.length > 0;
    String job = vectors ? "S" : "N";
    double[] left = vectors ? u : new double[1];
    double[] right = vectors ? vt : new double[1];
    int ldu = vectors ? m : 1;
    int ldvt = vectors ? k : 1;
    int[] iwork = new int[8 * k];
    intW info = new intW(0);
    double[] size = new double[1];
    Dgesdd.dgesdd(
        job, m, n, a, 0, m, s, 0, left, 0, ldu, right, 0, ldvt, size, 0, -1, iwork, 0, info);
    double[] work = new double[(int) size[0]];
    Dgesdd.dgesdd(
        job,
        m,
        n,
        a,
        0,
        m,
        s,
        0,
        left,
        0,
        ldu,
        right,
        0,
        ldvt,
        work,
        0,
        work.length,
        iwork,
        0,
        info);
    return info.val;
  }

  @Override
  public int syevd(boolean vectors, int n, double[] a, double[] w) {
    String job = vectors ? "V" : "N";
    intW info = new intW(0);
    double[] size = new double[1];
    int[] isize = new int[1];
    Dsyevd.dsyevd(job, "L", n, a, 0, n, w, 0, size, 0, -1, isize, 0, -1, info);
    double[] work = new double[(int) size[0]];
    int[] iwork = new int[Math.max(1, isize[0])];
    Dsyevd.dsyevd(job, "L", n, a, 0, n, w, 0, work, 0, work.length, iwork, 0, iwork.length, info);
    return info.val;
  }

  @Override
  public int potrf(int n, double[] a) {
    intW info = new intW(0);
    Dpotrf.dpotrf("L", n, a, 0, n, info);
    return info.val;
  }

  @Override
  public void potrs(int n, int count, double[] factor, double[] b) {
    Dpotrs.dpotrs("L", n, count, factor, 0, n, b, 0, n, new intW(0));
  }
}
