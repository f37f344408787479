package io.weightloom.merge.taskvector;

import io.weightloom.kernel.CounterRandom;
import java.io.Serializable;
import java.util.Arrays;

/**
 * A mask that is made of the ranks that magnitudes have in their row, a run along the last
 * dimension; of equal magnitudes the one with the lower index is the larger (Breadcrumbs) or comes
 * first in ascending order (DELLA).
 *
 * @param kind what the ranks mean
 * @param densities share or mean probability to keep, by model; 1 keeps all
 * @param margins γ or ε by model
 * @param inverse whether what is kept is divided by the probability that it had
 */
public record RowMask(Kind kind, double[] densities, double[] margins, boolean inverse)
    implements Serializable {

  private static final long serialVersionUID = 1;

  /** What the ranks of a row of n mean. */
  public enum Kind {
    /** Nothing is masked. */
    NONE,
    /**
     * Drops the ⌊γ·n⌋ largest and keeps the ⌊d·n⌋ largest of the rest (Breadcrumbs' own code,
     * {@code remove_first}).
     */
    BELOW_OUTLIERS,
    /** Keeps the ⌊d·n⌋ largest and of these drops the ⌊γ·n⌋ largest. */
    WITHOUT_OUTLIERS,
    /**
     * Keeps with a probability that grows with the rank from d − ε to d + ε (MAGPRUNE of DELLA,
     * Deep et al., 2024, §3.1).
     */
    RANDOM
  }

  /** Masks nothing. */
  public static RowMask none(int models) {
    return new RowMask(Kind.NONE, TaskVectorRule.ones(models), new double[models], false);
  }

  boolean masks() {
    return kind != Kind.NONE && Arrays.stream(densities).anyMatch(d -> d < 1);
  }

  boolean isRandom() {
    return kind == Kind.RANDOM && masks();
  }

  boolean masks(int model) {
    return kind != Kind.NONE && densities[model] < 1;
  }

  /**
   * Replaces the magnitudes of one row by what its elements are to be divided by; 0 drops.
   *
   * @param x holds the row at {@code from}
   * @param sorted scratch of at least {@code n}
   * @param seen scratch of at least {@code n}
   * @param key of the model's random numbers
   * @param first flat index of the row's first element
   */
  void divisors(
      int model, double[] x, int from, int n, double[] sorted, int[] seen, long key, long first) {
    System.arraycopy(x, from, sorted, 0, n);
    Arrays.sort(sorted, 0, n);
    Arrays.fill(seen, 0, n, 0);
    for (int i = 0; i < n; i++) {
      int smaller = lowerBound(sorted, n, x[from + i]);
      int equalBefore = seen[smaller]++;
      x[from + i] =
          kind == Kind.RANDOM
              ? drawn(model, smaller + equalBefore, n, key, first + i)
              : kept(model, n - count(sorted, n, smaller) + equalBefore, n);
    }
  }

  /** The elements up to the last that equals the one at {@code at}. */
  private static int count(double[] sorted, int n, int at) {
    return lowerBound(sorted, n, Math.nextUp(sorted[at]));
  }

  private static int lowerBound(double[] sorted, int n, double x) {
    int low = 0;
    int high = n;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (sorted[middle] < x) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /**
   * @param larger how many come before it in descending order
   */
  private double kept(int model, int larger, int n) {
    int outliers = (int) (margins[model] * n);
    int kept = (int) (densities[model] * n);
    int end = kind == Kind.BELOW_OUTLIERS ? outliers + kept : kept;
    return larger >= outliers && larger < end ? 1 : 0;
  }

  /** Of a row of one element the rank says nothing: it is kept with probability d. */
  private double drawn(int model, int rank, int n, long key, long index) {
    double epsilon = margins[model];
    double share = n == 1 ? 0.5 : rank / (n - 1.0);
    double probability = densities[model] - epsilon + 2 * epsilon * share;
    boolean drops =
        CounterRandom.draw(key, index) >>> 11 < CounterRandom.dropBelow(1 - probability);
    return drops ? 0 : inverse ? probability : 1;
  }
}
