package io.weightloom.spectrum;

import io.weightloom.analysis.Column;
import io.weightloom.analysis.Table;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A model in a few numbers: WeightWatcher's summary, the mean of each column over the matrices that
 * have it, each matrix counting once.
 */
public final class SpectrumSummary {
  private static final Map<String, Function<MatrixSpectrum, @Nullable Double>> MEANS = means();

  private SpectrumSummary() {}

  private static Map<String, Function<MatrixSpectrum, @Nullable Double>> means() {
    Map<String, Function<MatrixSpectrum, @Nullable Double>> means = new LinkedHashMap<>();
    means.put("log_norm", m -> Math.log10(m.norm()));
    means.put("alpha", m -> m.powerLaw() == null ? null : m.powerLaw().alpha());
    means.put("alpha_weighted", MatrixSpectrum::alphaWeighted);
    means.put("log_alpha_norm", MatrixSpectrum::logAlphaNorm);
    means.put("log_spectral_norm", m -> Math.log10(m.largest()));
    means.put("stable_rank", MatrixSpectrum::stableRank);
    means.put("mp_softrank", m -> m.bulk() == null ? null : m.bulk().softRank());
    return means;
  }

  /** Name to mean, without what no matrix has. */
  public static Map<String, Double> of(List<SpectrumRow> rows) {
    Map<String, Double> out = new LinkedHashMap<>();
    List<MatrixSpectrum> found = found(rows);
    MEANS.forEach(
        (name, value) -> {
          List<Double> values = new ArrayList<>();
          for (MatrixSpectrum m : found) {
            Double v = value.apply(m);
            if (v != null) {
              values.add(v);
            }
          }
          if (!values.isEmpty()) {
            double sum = values.stream().mapToDouble(Double::doubleValue).sum();
            out.put(name, sum / values.size());
          }
        });
    return out;
  }

  /**
   * The table of summaries, a row a model.
   *
   * @param thresholds WeLore's threshold for each model that has one
   */
  public static Table<Map.Entry<String, List<SpectrumRow>>> table(Map<String, Double> thresholds) {
    List<Column<Map.Entry<String, List<SpectrumRow>>>> columns = new ArrayList<>();
    columns.add(Column.text("model", "the model", e -> e.getKey()));
    columns.add(
        Column.count("matrices", "with a spectrum", e -> (long) found(e.getValue()).size()));
    columns.add(
        Column.count(
            "skipped",
            "rows without one",
            e -> e.getValue().stream().filter(r -> r.found().isEmpty()).count()));
    for (String name : MEANS.keySet()) {
      columns.add(
          Column.number(
              name, "mean of " + name + " over the matrices", e -> of(e.getValue()).get(name)));
    }
    columns.add(
        Column.number(
            "welore_threshold", "WeLore's threshold t, if asked", e -> thresholds.get(e.getKey())));
    return new Table<>("spectrum_summary", 1, "a model's spectra in a few numbers", columns);
  }

  private static List<MatrixSpectrum> found(List<SpectrumRow> rows) {
    return rows.stream().flatMap(r -> r.found().stream()).toList();
  }
}
