package io.weightloom.merge.matrix;

import io.weightloom.kernel.KernelRegistry;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.Arith;
import io.weightloom.merge.DoubleArith;
import java.util.Arrays;
import java.util.List;

/** TIES on gathered matrices: trim, elect by mass, disjoint mean. */
public final class Coordinates {
  private Coordinates() {}

  /**
   * Merges.
   *
   * @param parts one a model, of equal size; trimmed in place
   * @param keep share of each part that is kept: all not below the k-th smallest magnitude, k = n −
   *     ⌊keep·n⌋
   */
  public static Matrix merge(List<Matrix> parts, double keep) {
    Matrix first = parts.get(0);
    Matrix merged = Matrix.zeros(first.rows(), first.columns());
    DoubleArith arith = new DoubleArith(KernelRegistry.scalar());
    double[] ones = new double[parts.size()];
    Arrays.fill(ones, 1);
    double[] thresholds = parts.stream().mapToDouble(p -> threshold(p, keep)).toArray();
    double[][] chunks = arith.vectors(parts.size());
    double[] sign = arith.vector();
    double[] out = arith.vector();
    for (int at = 0; at < merged.size(); at += Arith.CAPACITY) {
      int n = Math.min(Arith.CAPACITY, merged.size() - at);
      for (int k = 0; k < chunks.length; k++) {
        System.arraycopy(parts.get(k).values(), at, chunks[k], 0, n);
        arith.trim(chunks[k], thresholds[k], n);
      }
      arith.electByMass(chunks, 1, sign, n);
      arith.disjointMean(chunks, ones, sign, out, n);
      System.arraycopy(out, 0, merged.values(), at, n);
    }
    return merged;
  }

  private static double threshold(Matrix part, double keep) {
    int n = part.size();
    int rank = n - (int) (keep * n);
    if (rank <= 0) {
      return 0;
    }
    double[] magnitudes = new double[n];
    Arrays.setAll(magnitudes, i -> Math.abs(part.values()[i]));
    Arrays.sort(magnitudes);
    return magnitudes[rank - 1];
  }
}
