package io.weightloom.cli;

import io.weightloom.plot.Axis;
import io.weightloom.plot.Palette;
import io.weightloom.plot.Series;
import io.weightloom.plot.Svg;
import io.weightloom.stats.LogHistogram;
import io.weightloom.stats.TensorReport;
import io.weightloom.stats.TensorStats;
import io.weightloom.tensor.TensorName;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The pictures of {@code stats}: role by layer, and how magnitudes are spread. */
final class StatsPlots {
  private static final int MOST_LINES = 8;

  private StatsPlots() {}

  /** Pictures by their names, without an ending. */
  static Map<String, String> of(String model, List<TensorReport> reports) {
    List<TensorStats> all =
        reports.stream().map(TensorReport::stats).flatMap(Stream::ofNullable).toList();
    List<TensorStats> layered =
        all.stream().filter(s -> TensorName.layer(s.tensor().name()).isPresent()).toList();
    Map<String, String> plots = new LinkedHashMap<>();
    if (!layered.isEmpty()) {
      List<String> roles =
          layered.stream().map(s -> TensorName.role(s.tensor().name())).distinct().toList();
      List<Integer> layers =
          layered.stream()
              .map(s -> TensorName.layer(s.tensor().name()).orElseThrow().index())
              .distinct()
              .sorted()
              .toList();
      List<String> numbers = layers.stream().map(String::valueOf).toList();
      plots.put(
          "rms",
          Svg.heatmap(
              model + ": log10 of the RMS",
              roles,
              numbers,
              StatsText.grid(layered, roles, layers, s -> Math.log10(s.rms())),
              Palette.SEQUENTIAL));
      plots.put(
          "kurtosis",
          Svg.heatmap(
              model + ": log10 of the excess kurtosis plus 2",
              roles,
              numbers,
              StatsText.grid(layered, roles, layers, s -> Math.log10(s.moments().kurtosis() + 2)),
              Palette.SEQUENTIAL));
      plots.put(
          "zeros",
          Svg.heatmap(
              model + ": share of zeros",
              roles,
              numbers,
              StatsText.grid(
                  layered, roles, layers, s -> (double) s.counts().zeros() / s.counts().elements()),
              Palette.SEQUENTIAL,
              0,
              1));
    }
    plots.put("magnitudes", magnitudes(model, all));
    return plots;
  }

  private static String magnitudes(String model, List<TensorStats> all) {
    Map<String, double[]> byRole = new LinkedHashMap<>();
    for (TensorStats stats : all) {
      double[] sums =
          byRole.computeIfAbsent(
              TensorName.role(stats.tensor().name()), r -> new double[LogHistogram.BINS]);
      for (int bin = 0; bin < sums.length; bin++) {
        sums[bin] +=
            stats.logHistogram().negative().get(bin) + stats.logHistogram().positive().get(bin);
      }
    }
    int[] range = range(byRole);
    List<Series> series = new ArrayList<>();
    byRole.entrySet().stream()
        .sorted((a, b) -> Double.compare(total(b.getValue()), total(a.getValue())))
        .limit(MOST_LINES)
        .forEach(e -> series.add(series(e.getKey(), e.getValue(), range)));
    return Svg.lines(
        model + ": magnitudes, in bins of a quarter decade",
        Axis.linear("log10 |w|"),
        Axis.linear("share of the role's elements"),
        series);
  }

  private static double total(double[] sums) {
    double total = 0;
    for (double sum : sums) {
      total += sum;
    }
    return total;
  }

  /** The bins that some role has more than a thousandth of its elements in, with one beside. */
  private static int[] range(Map<String, double[]> byRole) {
    int low = LogHistogram.BINS;
    int high = -1;
    for (double[] sums : byRole.values()) {
      double few = total(sums) / 1000;
      for (int bin = 0; bin < sums.length; bin++) {
        if (sums[bin] > few) {
          low = Math.min(low, bin);
          high = Math.max(high, bin);
        }
      }
    }
    return new int[] {Math.max(0, low - 1), Math.min(LogHistogram.BINS - 1, high + 1)};
  }

  private static Series series(String role, double[] sums, int[] range) {
    int n = Math.max(0, range[1] - range[0] + 1);
    double total = total(sums);
    double[] x = new double[n];
    double[] y = new double[n];
    for (int i = 0; i < n; i++) {
      x[i] = LogHistogram.begin(range[0] + i) + 0.5 / LogHistogram.PER_DECADE;
      y[i] = sums[range[0] + i] / total;
    }
    return new Series(role, x, y);
  }
}
