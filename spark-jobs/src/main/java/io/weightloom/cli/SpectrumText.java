package io.weightloom.cli;

import io.weightloom.spectrum.MatrixSpectrum;
import io.weightloom.spectrum.PowerLaw;
import io.weightloom.spectrum.SpectrumRow;
import io.weightloom.spectrum.SpectrumSummary;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A model's spectra for people: a number for each layer and role, what stands out, the means. */
final class SpectrumText {
  private static final int SHOWN = 6;
  private static final int LEAST_WIDTH = 8;
  private static final double LOW = 2;
  private static final double HIGH = 6;

  private final String model;
  private final List<SpectrumRow> rows;
  private final Value value;
  private final StringBuilder out = new StringBuilder();

  /** What stands in the cells. */
  private record Value(String name, String format, Function<MatrixSpectrum, @Nullable Double> of) {}

  private SpectrumText(String model, List<SpectrumRow> rows) {
    this.model = model;
    this.rows = rows;
    this.value = value(rows);
  }

  static String of(String model, List<SpectrumRow> rows) {
    return new SpectrumText(model, rows).text();
  }

  private static Value value(List<SpectrumRow> rows) {
    MatrixSpectrum any = rows.stream().flatMap(r -> r.found().stream()).findFirst().orElse(null);
    if (any != null && any.loraRank() >= 0) {
      return new Value("rank of the difference", "%.0f", m -> (double) m.loraRank());
    } else if (any != null && any.spectrum() == null) {
      return new Value("σ_max", "%.3g", m -> Math.sqrt(m.largest()));
    }
    return new Value("alpha", "%.2f", m -> alpha(m));
  }

  private static @Nullable Double alpha(MatrixSpectrum m) {
    PowerLaw law = m.powerLaw();
    return law == null ? null : law.alpha();
  }

  private String text() {
    long found = rows.stream().filter(r -> r.found().isPresent()).count();
    line("%s: %d matrices, %d tensors left out", model, found, rows.size() - found);
    grid();
    outside();
    standsOut();
    means();
    leftOut();
    return out.toString();
  }

  private void line(String format, Object... arguments) {
    out.append(String.format(Locale.ROOT, format, arguments).stripTrailing()).append('\n');
  }

  /** Layers from the top, roles from the left; of fused experts the mean. */
  private void grid() {
    Map<Integer, Map<String, List<Double>>> layers = new TreeMap<>();
    Map<String, Integer> roles = new LinkedHashMap<>();
    for (SpectrumRow row : rows) {
      Double cell = row.found().map(m -> value.of.apply(m)).orElse(null);
      if (cell != null && row.layer() >= 0) {
        roles.putIfAbsent(row.role(), Math.max(LEAST_WIDTH, heading(row.role()).length() + 2));
        layers
            .computeIfAbsent(row.layer(), l -> new LinkedHashMap<>())
            .computeIfAbsent(row.role(), r -> new ArrayList<>())
            .add(cell);
      }
    }
    if (layers.isEmpty()) {
      return;
    }
    line("");
    line("%s by layer and role", value.name);
    StringBuilder head = new StringBuilder("layer ");
    roles.forEach((role, width) -> head.append(pad(heading(role), width)));
    line("%s", head);
    layers.forEach(
        (layer, cells) -> {
          StringBuilder text = new StringBuilder(pad(String.valueOf(layer), 5)).append(' ');
          roles.forEach((role, width) -> text.append(pad(cell(cells.get(role)), width)));
          line("%s", text);
        });
  }

  private String cell(@Nullable List<Double> values) {
    if (values == null) {
      return "–";
    }
    double mean = values.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
    return String.format(Locale.ROOT, value.format, mean);
  }

  private static String pad(String text, int width) {
    return " ".repeat(Math.max(1, width - text.length())) + text;
  }

  /** The last part of a role, which tells most of them apart. */
  private static String heading(String role) {
    return role.substring(role.lastIndexOf('.') + 1);
  }

  private void outside() {
    List<SpectrumRow> others =
        rows.stream().filter(r -> r.layer() < 0 && r.found().isPresent()).toList();
    if (others.isEmpty()) {
      return;
    }
    line("");
    line("%s outside the layers", value.name);
    for (SpectrumRow row : others) {
      Double found = row.found().map(m -> value.of.apply(m)).orElse(null);
      line("  %-8s %s", cell(found == null ? null : List.of(found)), row.label());
    }
  }

  private void standsOut() {
    List<SpectrumRow> odd =
        rows.stream()
            .filter(r -> strangeness(r) > 0)
            .sorted(Comparator.comparingDouble(SpectrumText::strangeness).reversed())
            .toList();
    if (!odd.isEmpty()) {
      line("");
      line(
          "alpha outside %.0f to %.0f: %d of them%s",
          LOW, HIGH, odd.size(), odd.size() > SHOWN ? ", the farthest" : "");
      for (SpectrumRow row : odd.subList(0, Math.min(SHOWN, odd.size()))) {
        MatrixSpectrum m = row.found().orElseThrow();
        PowerLaw law = m.powerLaw();
        if (law != null) {
          line(
              "  alpha %6.2f ± %-6.2f tail %-5d stable rank %-8.1f %s",
              law.alpha(), law.sigma(), law.tail(), m.stableRank(), row.label());
        }
      }
    }
    lowest();
  }

  private static double strangeness(SpectrumRow row) {
    Double alpha = row.found().map(SpectrumText::alpha).orElse(null);
    return alpha == null ? 0 : Math.max(LOW / alpha - 1, alpha / HIGH - 1);
  }

  private void lowest() {
    List<SpectrumRow> low =
        rows.stream()
            .filter(r -> r.found().isPresent())
            .sorted(Comparator.comparingDouble(SpectrumText::share))
            .limit(3)
            .toList();
    if (!low.isEmpty()) {
      line("");
      line("lowest stable rank for the size");
      for (SpectrumRow row : low) {
        MatrixSpectrum m = row.found().orElseThrow();
        line("  %8.2f of %-6d %s", m.stableRank(), m.view().smaller(), row.label());
      }
    }
  }

  private static double share(SpectrumRow row) {
    return row.found().map(m -> m.stableRank() / m.view().smaller()).orElse(1.0);
  }

  private void means() {
    Map<String, Double> means = SpectrumSummary.of(rows);
    if (!means.isEmpty()) {
      line("");
      line("means over the matrices");
      means.forEach((name, mean) -> line("  %-18s %.4f", name, mean));
    }
  }

  private void leftOut() {
    Map<String, Long> reasons =
        rows.stream()
            .filter(r -> r.found().isEmpty())
            .collect(
                Collectors.groupingBy(
                    SpectrumRow::reason, LinkedHashMap::new, Collectors.counting()));
    if (!reasons.isEmpty()) {
      line("");
      line("left out");
      reasons.forEach((reason, count) -> line("  %5d %s", count, reason));
    }
  }
}
