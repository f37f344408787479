package io.weightloom.linalg.openblas;

import static org.bytedeco.openblas.global.openblas.CblasColMajor;
import static org.bytedeco.openblas.global.openblas.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas.CblasTrans;

import io.weightloom.linalg.Crew;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.openblas.global.openblas;

/**
 * A large symmetric product a·aᵀ in tiles of columns, which follow from its size alone, for whoever
 * has a core to spare.
 */
final class GramTiles {
  private static final int TILE = 256;

  private GramTiles() {}

  /** Adds the lower triangle of {@code a · aᵀ}, {@code a} being n×k, to that of {@code c}. */
  static void add(int n, int k, double[] a, double[] c) {
    try (DoublePointer factor = new DoublePointer((long) n * k);
        DoublePointer sum = new DoublePointer((long) n * n)) {
      factor.put(a, 0, n * k);
      sum.put(c, 0, n * n);
      Crew.forEach(-Math.floorDiv(-n, TILE), i -> columns(n, k, factor, sum, i * TILE));
      sum.get(c, 0, n * n);
    }
  }

  private static void columns(int n, int k, DoublePointer a, DoublePointer c, int first) {
    int count = Math.min(TILE, n - first);
    openblas.cblas_dgemm(
        CblasColMajor,
        CblasNoTrans,
        CblasTrans,
        n - first,
        count,
        k,
        1,
        a.getPointer(first),
        n,
        a.getPointer(first),
        n,
        1,
        c.getPointer(first + (long) first * n),
        n);
  }
}
