package io.weightloom.cli;

import io.weightloom.plot.Axis;
import io.weightloom.plot.Series;
import io.weightloom.plot.Svg;
import io.weightloom.spectrum.MatrixSpectrum;
import io.weightloom.spectrum.PowerLaw;
import io.weightloom.spectrum.Spectrum;
import io.weightloom.spectrum.SpectrumRow;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Pictures of spectra: alpha by depth, densities with their fits, the decay of singular values. */
final class SpectrumPlots {
  private static final int BINS = 100;
  private static final int MOST = 8;

  private SpectrumPlots() {}

  /**
   * Names of files and SVG texts.
   *
   * @param rows of one model
   * @param chosen how many densities at most; the farthest from the usual alphas are shown
   */
  static Map<String, String> of(String model, List<SpectrumRow> rows, int chosen) {
    Map<String, String> out = new LinkedHashMap<>();
    List<Series> depth = byDepth(rows);
    if (!depth.isEmpty()) {
      out.put(
          "alpha-by-depth",
          Svg.lines("alpha by depth, " + model, Axis.linear("layer"), Axis.linear("alpha"), depth));
    }
    List<SpectrumRow> shown = chosen(rows, chosen);
    for (SpectrumRow row : shown) {
      MatrixSpectrum matrix = row.found().orElseThrow();
      out.put("esd-" + row.label(), density(row, matrix));
    }
    if (!shown.isEmpty()) {
      out.put("decay", decay(model, shown));
    }
    return out;
  }

  private static List<Series> byDepth(List<SpectrumRow> rows) {
    Map<String, TreeMap<Integer, Double>> roles = new LinkedHashMap<>();
    for (SpectrumRow row : rows) {
      PowerLaw law = row.found().map(MatrixSpectrum::powerLaw).orElse(null);
      if (law != null && row.layer() >= 0 && row.slice() < 0) {
        roles.computeIfAbsent(row.role(), r -> new TreeMap<>()).put(row.layer(), law.alpha());
      }
    }
    return roles.entrySet().stream()
        .limit(MOST)
        .map(
            e ->
                new Series(
                    e.getKey(),
                    e.getValue().keySet().stream().mapToDouble(Integer::doubleValue).toArray(),
                    e.getValue().values().stream().mapToDouble(Double::doubleValue).toArray()))
        .toList();
  }

  private static List<SpectrumRow> chosen(List<SpectrumRow> rows, int count) {
    return rows.stream()
        .filter(r -> r.spectrum().isPresent() && r.found().orElseThrow().powerLaw() != null)
        .sorted(Comparator.comparingDouble(SpectrumPlots::usual))
        .limit(count)
        .toList();
  }

  /** Below 0 the farther alpha is from the middle of 2 to 6. */
  private static double usual(SpectrumRow row) {
    PowerLaw law = row.found().map(MatrixSpectrum::powerLaw).orElse(null);
    return law == null ? 0 : -Math.abs(Math.log(law.alpha() / 3.5));
  }

  /** A histogram over log λ as a density over λ, and the power law over its tail. */
  private static String density(SpectrumRow row, MatrixSpectrum matrix) {
    PowerLaw law = java.util.Objects.requireNonNull(matrix.powerLaw());
    Spectrum spectrum = row.spectrum().orElseThrow();
    double[] values = spectrum.above(spectrum.largest() * 1e-12);
    double low = Math.log(values[0]);
    double step = (Math.log(spectrum.largest()) - low) / BINS;
    double[] counts = new double[BINS];
    for (double v : values) {
      counts[(int) Math.min(BINS - 1, (Math.log(v) - low) / step)]++;
    }
    List<Double> x = new ArrayList<>();
    List<Double> y = new ArrayList<>();
    List<Double> fitX = new ArrayList<>();
    List<Double> fitY = new ArrayList<>();
    double share = (double) spectrum.atLeast(law.xmin()) / values.length;
    for (int b = 0; b < BINS && step > 0; b++) {
      double middle = Math.exp(low + (b + 0.5) * step);
      double width = Math.exp(low + (b + 1) * step) - Math.exp(low + b * step);
      if (counts[b] > 0) {
        x.add(middle);
        y.add(counts[b] / values.length / width);
      }
      if (middle >= law.xmin()) {
        fitX.add(middle);
        fitY.add(
            share * (law.alpha() - 1) / law.xmin() * Math.pow(middle / law.xmin(), -law.alpha()));
      }
    }
    String title = "%s: alpha %.2f, xmin %.3g".formatted(row.label(), law.alpha(), law.xmin());
    return Svg.points(
        title,
        Axis.log("λ"),
        Axis.log("density"),
        List.of(series("eigenvalues", x, y), series("power law", fitX, fitY)));
  }

  private static Series series(String name, List<Double> x, List<Double> y) {
    return new Series(
        name,
        x.stream().mapToDouble(Double::doubleValue).toArray(),
        y.stream().mapToDouble(Double::doubleValue).toArray());
  }

  private static String decay(String model, List<SpectrumRow> rows) {
    List<Series> series = new ArrayList<>();
    for (SpectrumRow row : rows.subList(0, Math.min(MOST, rows.size()))) {
      double[] sigmas = row.spectrum().orElseThrow().sigmas();
      double[] x = new double[sigmas.length];
      double[] y = new double[sigmas.length];
      for (int i = 0; i < sigmas.length; i++) {
        x[i] = (i + 1.0) / sigmas.length;
        y[i] = sigmas[sigmas.length - 1 - i] / sigmas[sigmas.length - 1];
      }
      series.add(new Series(row.label(), x, y));
    }
    return Svg.lines(
        "decay of singular values, " + model,
        Axis.linear("share of the rank"),
        Axis.log("σ/σ_max"),
        series);
  }
}
