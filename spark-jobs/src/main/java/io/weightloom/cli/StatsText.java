package io.weightloom.cli;

import io.weightloom.job.Units;
import io.weightloom.stats.FloatFormat;
import io.weightloom.stats.TensorReport;
import io.weightloom.stats.TensorStats;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorName;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/** What {@code stats} tells people of a model: its roles, and what is worth a look. */
final class StatsText {
  private static final int MOST_FINDINGS = 15;
  private static final double SPARSE = 0.1;
  private static final double HEAVY = 20;
  private static final double OUTLYING_COLUMNS = 20;
  private static final long LEAST_COLUMNS = 16;

  private final List<TensorReport> reports;
  private final List<TensorStats> known = new ArrayList<>();

  private StatsText(List<TensorReport> reports) {
    this.reports = reports;
    for (TensorReport report : reports) {
      TensorStats stats = report.stats();
      if (stats != null) {
        known.add(stats);
      }
    }
  }

  /** The page on a model. */
  static String of(String model, List<TensorReport> reports) {
    StatsText text = new StatsText(reports);
    return text.head(model) + "\n" + text.roles() + text.findings();
  }

  private long sum(ToLongFunction<TensorStats> count) {
    return known.stream().mapToLong(count).sum();
  }

  private String head(String model) {
    Map<DType, Long> elements = new EnumMap<>(DType.class);
    reports.forEach(r -> elements.merge(r.tensor().dtype(), r.tensor().elements(), Long::sum));
    List<String> types = new ArrayList<>();
    elements.forEach((dtype, n) -> types.add(dtype + " " + Units.count(n)));
    long all = sum(s -> s.counts().elements());
    return "%s: %s elements in %d tensors (%s)%n  zero %s, denormal %s, NaN %d, ±∞ %d%n"
        .formatted(
            model,
            Units.count(reports.stream().mapToLong(r -> r.tensor().elements()).sum()),
            reports.size(),
            String.join(", ", types),
            TextTable.percent((double) sum(s -> s.counts().zeros()) / all),
            TextTable.percent((double) sum(s -> s.counts().denormals()) / all),
            sum(s -> s.counts().nans()),
            sum(s -> s.counts().infinities()));
  }

  private String roles() {
    Map<String, List<TensorStats>> byRole = new LinkedHashMap<>();
    for (TensorStats stats : known) {
      byRole
          .computeIfAbsent(TensorName.role(stats.tensor().name()), r -> new ArrayList<>())
          .add(stats);
    }
    TextTable table =
        new TextTable(
            1,
            "role",
            "tensors",
            "elements",
            "RMS",
            "max/RMS",
            "kurtosis",
            "GGD ν",
            "zero",
            "bits");
    byRole.forEach(
        (role, all) ->
            table.row(
                role,
                String.valueOf(all.size()),
                Units.count(all.stream().mapToLong(s -> s.counts().elements()).sum()),
                TextTable.number(TextTable.median(all, TensorStats::rms)),
                TextTable.number(TextTable.median(all, s -> s.linf() / s.rms())),
                TextTable.number(TextTable.median(all, s -> s.moments().kurtosis())),
                TextTable.number(TextTable.median(all, s -> s.shape().fit().shape())),
                TextTable.percent(
                    (double) all.stream().mapToLong(s -> s.counts().zeros()).sum()
                        / all.stream().mapToLong(s -> s.counts().elements()).sum()),
                TextTable.number(TextTable.median(all, s -> s.entropy().code()))));
    return table.text() + "  (medians over the layers of a role; bits: entropy of an element)\n";
  }

  /** Findings by how much they matter. */
  private String findings() {
    Map<Integer, List<String>> found = new TreeMap<>();
    known.forEach(s -> addFindings(s, found));
    reports.forEach(r -> addRepeats(r, found));
    Map<String, Long> skipped = new TreeMap<>();
    reports.stream()
        .filter(r -> r.stats() == null)
        .forEach(r -> skipped.merge(r.tensor().dtype().name(), 1L, Long::sum));
    skipped.forEach(
        (dtype, n) ->
            add(
                found,
                9,
                "%d tensor%s of %s not looked at".formatted(n, n == 1 ? "" : "s", dtype)));
    List<String> lines = found.values().stream().flatMap(List::stream).toList();
    if (lines.isEmpty()) {
      return "";
    }
    StringBuilder out = new StringBuilder("\nWorth a look\n");
    lines.stream().limit(MOST_FINDINGS).forEach(l -> out.append("  ").append(l).append('\n'));
    if (lines.size() > MOST_FINDINGS) {
      out.append("  … and %d more: --output json%n".formatted(lines.size() - MOST_FINDINGS));
    }
    return out.toString();
  }

  private static void add(Map<Integer, List<String>> found, int rank, String line) {
    found.computeIfAbsent(rank, r -> new ArrayList<>()).add(line);
  }

  private void addFindings(TensorStats s, Map<Integer, List<String>> found) {
    String name = s.tensor().name();
    TensorStats.Counts counts = s.counts();
    if (counts.nans() + counts.infinities() > 0) {
      add(found, 0, "%s: %d NaN, %d infinite".formatted(name, counts.nans(), counts.infinities()));
    }
    if (counts.elements() > 0 && counts.zeros() == counts.elements()) {
      add(found, 1, name + ": all zero");
      return;
    }
    if (s.tensor().shape().rank() > 1 && s.min() == s.max()) {
      add(found, 1, "%s: all %s".formatted(name, TextTable.number(s.min())));
    }
    if (s.rows().dead() > 0) {
      add(found, 2, "%s: %d of %d rows dead".formatted(name, s.rows().dead(), s.rows().count()));
    } else if (s.rows().weak() > 0) {
      add(
          found,
          6,
          "%s: %d of %d rows below a fifth of the median norm, weakest %s"
              .formatted(name, s.rows().weak(), s.rows().count(), s.rows().weakest().get(0)));
    }
    if (s.columns().zeros() > 0) {
      add(
          found,
          2,
          "%s: %d of %d columns zero".formatted(name, s.columns().zeros(), s.columns().count()));
    }
    addSparsity(s, found);
    addCasts(s, found);
    if (s.moments().kurtosis() > HEAVY) {
      add(
          found,
          7,
          "%s: heavy tails, kurtosis %s, greatest %s times the RMS at element %d"
              .formatted(
                  name,
                  TextTable.number(s.moments().kurtosis()),
                  TextTable.number(s.linf() / s.rms()),
                  s.linf() == s.max() ? s.argMax() : s.argMin()));
    }
    if (s.columns().max() > OUTLYING_COLUMNS * s.columns().median()) {
      add(
          found,
          7,
          "%s: outlier channels, a column reaches %s times the median column"
              .formatted(name, TextTable.number(s.columns().max() / s.columns().median())));
    }
  }

  private static void addRepeats(TensorReport report, Map<Integer, List<String>> found) {
    TensorReport.Stored stored = report.stored();
    TensorStats stats = report.stats();
    if (stored == null || stats == null || stored.repeatedRows() == 0) {
      return;
    }
    // Rows of a few elements are equal by chance, rows of a constant tensor are told as such.
    long columns = report.tensor().elements() / stats.rows().count();
    if (columns >= LEAST_COLUMNS && stats.min() < stats.max()) {
      add(
          found,
          6,
          "%s: %d rows repeat an earlier one, the most repeated is row %d (%d times)"
              .formatted(
                  report.tensor().name(),
                  stored.repeatedRows(),
                  stored.firstOfLargestRowGroup(),
                  stored.largestRowGroup()));
    }
  }

  private static void addSparsity(TensorStats s, Map<Integer, List<String>> found) {
    String name = s.tensor().name();
    double sparsity = (double) s.counts().zeros() / s.counts().elements();
    String pattern =
        s.nm(1, 4) == 1 ? "1:4" : s.nm(2, 4) == 1 ? "2:4" : s.nm(4, 8) == 1 ? "4:8" : "";
    if (!pattern.isEmpty()) {
      add(found, 4, "%s: %s sparse, %s zero".formatted(name, pattern, TextTable.percent(sparsity)));
    } else if (sparsity > SPARSE) {
      add(found, 4, "%s: %s zero".formatted(name, TextTable.percent(sparsity)));
    }
  }

  private static void addCasts(TensorStats s, Map<Integer, List<String>> found) {
    String name = s.tensor().name();
    long finite = s.counts().finite();
    for (TensorStats.Fit fit : s.fits()) {
      FloatFormat format = fit.format();
      boolean isNarrower = format.dtype().bits() < s.tensor().dtype().bits();
      if (format.dtype().bits() == 16 && isNarrower && finite > 0 && fit.exact() == finite) {
        add(
            found,
            5,
            "%s: all values are %s's, stored as %s"
                .formatted(name, format.dtype(), s.tensor().dtype()));
        break;
      }
      if (format.dtype() == DType.F16 && s.tensor().dtype() != DType.F16 && fit.overflows() > 0) {
        add(found, 3, "%s: %d values overflow in F16".formatted(name, fit.overflows()));
      }
    }
  }

  /** Of a value by role and layer; NaN where there is none. */
  static double[][] grid(
      List<TensorStats> all,
      List<String> roles,
      List<Integer> layers,
      ToDoubleFunction<TensorStats> value) {
    double[][] grid = new double[roles.size()][layers.size()];
    Arrays.stream(grid).forEach(row -> Arrays.fill(row, Double.NaN));
    for (TensorStats stats : all) {
      String name = stats.tensor().name();
      TensorName.layer(name)
          .ifPresent(
              l ->
                  grid[roles.indexOf(TensorName.role(name))][layers.indexOf(l.index())] =
                      value.applyAsDouble(stats));
    }
    return grid;
  }
}
