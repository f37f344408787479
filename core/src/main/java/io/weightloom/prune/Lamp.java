package io.weightloom.prune;

import io.weightloom.stats.MagnitudeHistogram;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Layer-adaptive magnitude-based pruning (Lee et al., 2021, "Layer-adaptive Sparsity for the
 * Magnitude-based Pruning"): a weight's score is its square over the sum of the squares of all that
 * are not smaller in its tensor, itself included; one threshold for the model says how many of each
 * tensor stay. Scores that equal the threshold stay.
 */
public final class Lamp {

  /** The bins of a tensor, with the sum of squares of all that is larger. */
  private record Layer(String name, double[] squares, double[] above, long[] counts) {
    static Layer of(String name, MagnitudeHistogram histogram) {
      int bins = histogram.bins();
      double[] squares = new double[bins];
      double[] above = new double[bins];
      long[] counts = new long[bins];
      double sum = 0;
      for (int b = bins - 1; b >= 0; b--) {
        squares[b] = histogram.magnitude(b) * histogram.magnitude(b);
        counts[b] = histogram.count(b);
        above[b] = sum;
        sum += counts[b] * squares[b];
      }
      return new Layer(name, squares, above, counts);
    }

    /** How many scores are not below 1/x: of r equal ones left the score is m²/(A + r·m²). */
    long reaching(double x) {
      long reaching = 0;
      for (int b = squares.length - 1; b >= 0 && squares[b] > 0; b--) {
        double r = Math.floor(x - above[b] / squares[b]);
        if (r < 1) {
          break; // Smaller weights have smaller scores.
        }
        reaching += (long) Math.min(r, (double) counts[b]);
      }
      return reaching;
    }
  }

  private Lamp() {}

  /**
   * The weights pruned of each tensor.
   *
   * @param tensors histograms of magnitudes by tensor; exact ones give exact counts
   * @param sparsity of all together, from 0 to 1
   */
  public static Map<String, Long> pruned(Map<String, MagnitudeHistogram> tensors, double sparsity) {
    List<Layer> layers = new ArrayList<>();
    long all = 0;
    for (Map.Entry<String, MagnitudeHistogram> t : tensors.entrySet()) {
      layers.add(Layer.of(t.getKey(), t.getValue()));
      all += t.getValue().finite();
    }
    long survivors = (long) Math.rint(all * (1 - sparsity));
    double x = survivors == 0 ? 0 : threshold(layers, survivors);
    Map<String, Long> pruned = new LinkedHashMap<>();
    for (Layer layer : layers) {
      pruned.put(layer.name(), java.util.Arrays.stream(layer.counts()).sum() - layer.reaching(x));
    }
    return pruned;
  }

  /** The least x for which enough scores reach 1/x, by halving the doubles between. */
  private static double threshold(List<Layer> layers, long survivors) {
    long low = Double.doubleToRawLongBits(0);
    long high = Double.doubleToRawLongBits(Double.MAX_VALUE);
    while (low < high) {
      long middle = (low + high) >>> 1;
      double x = Double.longBitsToDouble(middle);
      long reaching = layers.stream().mapToLong(l -> l.reaching(x)).sum();
      if (reaching >= survivors) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return Double.longBitsToDouble(low);
  }
}
