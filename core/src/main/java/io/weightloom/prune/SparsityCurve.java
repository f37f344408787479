package io.weightloom.prune;

import io.weightloom.analysis.Column;
import io.weightloom.analysis.Table;
import io.weightloom.stats.MagnitudeHistogram;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What magnitude pruning would take at each sparsity, without pruning: the curves beside the knee
 * of essential sparsity, which only an evaluation can find.
 */
public final class SparsityCurve {

  /** The tensor's name in the rows of the whole model. */
  public static final String MODEL = "*";

  /**
   * A point of a curve.
   *
   * @param tensor the tensor, or {@link #MODEL}
   * @param sparsity the share pruned
   * @param threshold the largest magnitude pruned, NaN if nothing is
   * @param keptL1 the share of Σ|w| that is kept
   * @param keptL2 the share of Σw² that is kept
   * @param induced the share pruned of this tensor if the model had this sparsity by one threshold
   */
  public record Point(
      String tensor,
      double sparsity,
      double threshold,
      double keptL1,
      double keptL2,
      double induced) {}

  /** The points as a table. */
  public static final Table<Point> TABLE =
      new Table<>(
          "sparsity_curve",
          1,
          "one row a tensor and sparsity: what pruning by magnitude would take",
          List.of(
              Column.text(
                  "tensor", "name; * for all pruned tensors by one threshold", Point::tensor),
              Column.number("sparsity", "share of the weights pruned, 0 to 1", Point::sparsity),
              Column.number("threshold", "largest magnitude pruned", Point::threshold),
              Column.number("kept_l1", "share of the sum of magnitudes kept", Point::keptL1),
              Column.number("kept_l2", "share of the sum of squares kept", Point::keptL2),
              Column.number(
                  "induced",
                  "share pruned of the tensor by the model's threshold at this sparsity; weights"
                      + " that equal it count in proportion",
                  Point::induced)));

  private SparsityCurve() {}

  /**
   * The curves of some tensors, and of all together.
   *
   * @param tensors histograms by tensor; sums over F32 and F64 are as coarse as their bins
   * @param levels points of a curve, at equal distances from 0 on
   */
  public static List<Point> of(Map<String, MagnitudeHistogram> tensors, int levels) {
    MagnitudeHistogram all =
        tensors.values().stream().reduce(MagnitudeHistogram.EMPTY, MagnitudeHistogram::merge);
    List<Point> points = new ArrayList<>();
    double[] thresholds = new double[levels];
    double[] shares = new double[levels];
    List<Point> ofAll = curve(MODEL, all, levels, null, null);
    for (int i = 0; i < levels; i++) {
      thresholds[i] = ofAll.get(i).threshold();
      shares[i] = tieShare(all, ofAll.get(i));
    }
    tensors.forEach(
        (name, histogram) -> points.addAll(curve(name, histogram, levels, thresholds, shares)));
    points.addAll(ofAll);
    return points;
  }

  /** Of the weights that equal the threshold, the share that is pruned. */
  private static double tieShare(MagnitudeHistogram all, Point point) {
    long pruned = Counting.FLOOR.pruned(point.sparsity(), all.finite());
    long below = 0;
    for (int b = 0; b < all.bins(); b++) {
      if (all.magnitude(b) == point.threshold()) {
        return (double) (pruned - below) / all.count(b);
      }
      below += all.count(b);
    }
    return 0;
  }

  private static List<Point> curve(
      String name,
      MagnitudeHistogram h,
      int levels,
      double @org.jspecify.annotations.Nullable [] thresholds,
      double @org.jspecify.annotations.Nullable [] shares) {
    double l1 = 0;
    double l2 = 0;
    for (int b = 0; b < h.bins(); b++) {
      l1 += h.count(b) * h.magnitude(b);
      l2 += h.count(b) * h.magnitude(b) * h.magnitude(b);
    }
    List<Point> points = new ArrayList<>();
    int bin = 0;
    long inBin = 0;
    long done = 0;
    double goneL1 = 0;
    double goneL2 = 0;
    double threshold = Double.NaN;
    for (int i = 0; i < levels; i++) {
      double sparsity = (double) i / levels;
      long pruned = Counting.FLOOR.pruned(sparsity, h.finite());
      while (done < pruned) {
        long here = Math.min(pruned - done, h.count(bin) - inBin);
        threshold = h.magnitude(bin);
        goneL1 += here * threshold;
        goneL2 += here * threshold * threshold;
        done += here;
        inBin += here;
        if (inBin == h.count(bin)) {
          bin++;
          inBin = 0;
        }
      }
      points.add(
          new Point(
              name,
              sparsity,
              threshold,
              l1 == 0 ? 1 : 1 - goneL1 / l1,
              l2 == 0 ? 1 : 1 - goneL2 / l2,
              thresholds == null || shares == null
                  ? (double) pruned / Math.max(1, h.finite())
                  : induced(h, thresholds[i], shares[i])));
    }
    return points;
  }

  private static double induced(MagnitudeHistogram h, double threshold, double share) {
    double gone = 0;
    for (int b = 0; b < h.bins() && h.magnitude(b) <= threshold; b++) {
      gone += h.magnitude(b) == threshold ? share * h.count(b) : h.count(b);
    }
    return gone / Math.max(1, h.finite());
  }
}
