package io.weightloom.prune;

import io.weightloom.error.WeightloomException;
import io.weightloom.stats.MagnitudeHistogram;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The layer plan of least total distortion at a sparsity, by dynamic programming over layers and
 * the weights pruned so far (Xu et al., 2023, "Efficient Joint Optimization of Layer-Adaptive
 * Weight Pruning in Deep Neural Networks"). The weights are counted in {@value #UNITS} units, so
 * that a model of any size takes the same time; what the units prune too much is given back where a
 * weight costs most, so that exactly ⌊s·n⌋ are pruned.
 */
public final class DistortionPlan {

  /** Units that the weights of the model are counted in. */
  static final int UNITS = 20_000;

  /**
   * What pruning a layer costs.
   *
   * @param name the tensor
   * @param elements its weights
   * @param pruned weights pruned at each level, ascending, the first 0
   * @param distortion the cost of each level
   */
  public record Curve(String name, long elements, long[] pruned, double[] distortion) {
    public Curve {
      if (pruned.length != distortion.length || pruned.length == 0 || pruned[0] != 0) {
        throw new IllegalArgumentException(name + " has no curve that begins at 0");
      }
    }

    /** Σ w² of what is pruned, at so many levels of equal distance: what no data is needed for. */
    public static Curve ofMagnitudes(String name, MagnitudeHistogram histogram, int levels) {
      long n = histogram.finite();
      long[] pruned = new long[levels + 1];
      double[] distortion = new double[levels + 1];
      int bin = 0;
      long taken = 0;
      double sum = 0;
      for (int level = 1; level <= levels; level++) {
        pruned[level] = Math.round((double) level / levels * n);
        long open = pruned[level] - pruned[level - 1];
        while (open > 0) {
          long here = Math.min(open, histogram.count(bin) - taken);
          sum += here * histogram.magnitude(bin) * histogram.magnitude(bin);
          open -= here;
          taken += here;
          if (taken == histogram.count(bin)) {
            bin++;
            taken = 0;
          }
        }
        distortion[level] = sum;
      }
      return new Curve(name, n, pruned, distortion);
    }
  }

  private DistortionPlan() {}

  /**
   * The weights pruned of each tensor.
   *
   * @param sparsity of all together, from 0 to 1
   * @throws WeightloomException if no levels of the curves reach it
   */
  public static Map<String, Long> pruned(List<Curve> curves, double sparsity) {
    long all = curves.stream().mapToLong(Curve::elements).sum();
    double unit = Math.max(1, (double) all / UNITS);
    long target = Counting.FLOOR.pruned(sparsity, all);
    int wanted = (int) Math.ceil(target / unit);
    double[] best = new double[wanted + 1];
    Arrays.fill(best, Double.POSITIVE_INFINITY);
    best[0] = 0;
    int[][] levels = new int[curves.size()][];
    for (int c = 0; c < levels.length; c++) {
      levels[c] = new int[wanted + 1];
      best = next(best, curves.get(c), unit, levels[c]);
    }
    if (Double.isInfinite(best[wanted])) {
      throw WeightloomException.input(
          "Cannot plan a sparsity of %s: the distortion curves do not reach it (give them higher levels)"
              .formatted(sparsity));
    }
    int[] chosen = new int[levels.length];
    int at = wanted;
    for (int c = levels.length - 1; c >= 0; c--) {
      chosen[c] = levels[c][at];
      at = Math.max(0, at - units(curves.get(c), chosen[c], unit));
    }
    return exact(curves, chosen, target);
  }

  /** Counted down, so that so many units are at least so many weights. */
  private static int units(Curve curve, int level, double unit) {
    return (int) (curve.pruned()[level] / unit);
  }

  /** What as many units cost at least with one layer more; of equal costs the lowest level. */
  private static double[] next(double[] best, Curve curve, double unit, int[] levels) {
    double[] next = new double[best.length];
    Arrays.fill(next, Double.POSITIVE_INFINITY);
    for (int level = 0; level < curve.pruned().length; level++) {
      int units = units(curve, level, unit);
      double distortion = curve.distortion()[level];
      for (int at = 0; at < best.length; at++) {
        double cost = best[Math.max(0, at - units)] + distortion;
        if (cost < next[at]) {
          next[at] = cost;
          levels[at] = level;
        }
      }
    }
    return next;
  }

  /** Gives back what is pruned too much, first where a weight of the last level costs most. */
  private static Map<String, Long> exact(List<Curve> curves, int[] chosen, long target) {
    long surplus = -target;
    for (int c = 0; c < chosen.length; c++) {
      surplus += curves.get(c).pruned()[chosen[c]];
    }
    long[] pruned = new long[chosen.length];
    Arrays.setAll(pruned, c -> curves.get(c).pruned()[chosen[c]]);
    int[] level = chosen.clone();
    while (surplus > 0) {
      int dearest = -1;
      for (int c = 0; c < level.length; c++) {
        if (level[c] > 0
            && (dearest < 0
                || slope(curves.get(c), level[c]) > slope(curves.get(dearest), level[dearest]))) {
          dearest = c;
        }
      }
      long floor = curves.get(dearest).pruned()[level[dearest] - 1];
      long back = Math.min(surplus, pruned[dearest] - floor);
      pruned[dearest] -= back;
      surplus -= back;
      level[dearest]--;
    }
    Map<String, Long> plan = new LinkedHashMap<>();
    for (int c = 0; c < pruned.length; c++) {
      plan.put(curves.get(c).name(), pruned[c]);
    }
    return plan;
  }

  private static double slope(Curve curve, int level) {
    long weights = curve.pruned()[level] - curve.pruned()[level - 1];
    return (curve.distortion()[level] - curve.distortion()[level - 1]) / Math.max(1, weights);
  }
}
