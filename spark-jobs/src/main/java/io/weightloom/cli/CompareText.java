package io.weightloom.cli;

import io.weightloom.compare.CompareReport;
import io.weightloom.compare.CompareReport.ModelRow;
import io.weightloom.compare.CompareReport.PairRow;
import io.weightloom.compare.CompareReport.Scope;
import io.weightloom.compare.CompareReport.SignRow;
import io.weightloom.compare.CompareReport.TaskRow;
import io.weightloom.compare.Lineage;
import io.weightloom.compare.Pair;
import io.weightloom.compare.Support;
import io.weightloom.tensor.TensorName;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What {@code compare} tells people. */
final class CompareText {
  private static final int MOST_UNMATCHED = 10;

  private final CompareReport report;
  private final StringBuilder out = new StringBuilder();

  private CompareText(CompareReport report) {
    this.report = report;
  }

  static String of(CompareReport report, List<Lineage.Edge> lineage) {
    CompareText text = new CompareText(report);
    text.models();
    if (report.hasBase()) {
      text.roles();
      text.tasks();
      text.signs();
    }
    text.lineage(lineage);
    text.unmatched();
    return text.out.toString();
  }

  private void models() {
    out.append(
        report.hasBase() ? "Distance from %s%n".formatted(report.models().get(0)) : "Distances\n");
    TextTable table =
        report.hasBase()
            ? new TextTable(
                1,
                "model",
                "‖τ‖",
                "‖τ‖/‖w‖",
                "mean |τ|",
                "max |τ|",
                "rotation",
                "changed",
                "untouched")
            : new TextTable(
                2,
                "model",
                "model",
                "‖τ‖",
                "‖τ‖/‖w‖",
                "mean |τ|",
                "max |τ|",
                "rotation",
                "changed",
                "untouched");
    for (ModelRow row : report.totals()) {
      Pair total = row.total();
      List<String> cells = new ArrayList<>();
      if (!report.hasBase()) {
        cells.add(row.first());
      }
      cells.addAll(
          List.of(
              row.second(),
              TextTable.number(total.distance()),
              TextTable.number(total.relativeDistance()),
              TextTable.number(total.meanMagnitude()),
              TextTable.number(total.maxMagnitude()),
              TextTable.number(total.rotation()),
              TextTable.percent((double) total.changedValues() / total.elements()),
              "%d of %d tensors".formatted(row.untouched(), row.tensors())));
      table.row(cells.toArray(String[]::new));
    }
    out.append(table.text());
  }

  /** Which roles each model has moved most. */
  private void roles() {
    Map<String, Map<String, double[]>> byRole = new LinkedHashMap<>();
    for (PairRow row : report.pairs()) {
      Pair pair = row.pair();
      if (pair != null) {
        double[] sums =
            byRole
                .computeIfAbsent(TensorName.role(row.name()), r -> new LinkedHashMap<>())
                .computeIfAbsent(row.second(), m -> new double[2]);
        sums[0] += pair.squares();
        sums[1] += pair.firstSquares();
      }
    }
    List<String> tasks = report.models().subList(1, report.models().size());
    List<String> header = new ArrayList<>(List.of("‖τ‖/‖w‖ by role"));
    header.addAll(tasks);
    TextTable table = new TextTable(1, header.toArray(String[]::new));
    byRole.forEach(
        (role, models) -> {
          List<String> cells = new ArrayList<>(List.of(role));
          for (String model : tasks) {
            double[] sums = models.getOrDefault(model, new double[] {Double.NaN, 1});
            cells.add(TextTable.number(Math.sqrt(sums[0] / sums[1])));
          }
          table.row(cells.toArray(String[]::new));
        });
    out.append('\n').append(table.text());
  }

  private void tasks() {
    List<TaskRow> rows = report.tasks().stream().filter(r -> r.scope() == Scope.MODEL).toList();
    if (rows.isEmpty()) {
      return;
    }
    matrix("Cosines of task vectors", rows, r -> TextTable.number(r.pair().cosine()));
    matrix("Sign conflict of pairs", rows, r -> TextTable.percent(r.pair().signConflict()));
    if (rows.stream().allMatch(r -> r.support() != null)) {
      matrix("Overlap of the largest elements (Jaccard)", rows, CompareText::jaccard);
    }
  }

  private static String jaccard(TaskRow row) {
    Support support = row.support();
    return support == null
        ? "–"
        : TextTable.number(support.jaccard(row.at().get(0), row.at().get(1)));
  }

  private void matrix(String title, List<TaskRow> rows, Function<TaskRow, String> cell) {
    List<String> models = report.models().subList(1, report.models().size());
    Map<String, String> cells =
        rows.stream().collect(Collectors.toMap(r -> r.first() + "\n" + r.second(), cell));
    List<String> header = new ArrayList<>(List.of(title));
    header.addAll(models.subList(1, models.size()));
    TextTable table = new TextTable(1, header.toArray(String[]::new));
    for (int i = 0; i + 1 < models.size(); i++) {
      List<String> line = new ArrayList<>(List.of(models.get(i)));
      for (int j = 1; j < models.size(); j++) {
        line.add(cells.getOrDefault(models.get(i) + "\n" + models.get(j), ""));
      }
      table.row(line.toArray(String[]::new));
    }
    out.append('\n').append(table.text());
  }

  private void signs() {
    List<SignRow> rows = report.signs();
    for (SignRow row : rows) {
      if (row.scope() == Scope.MODEL) {
        out.append(
            "%nOf the elements that two or more models change, %s have both signs;%n%s of Σ|τ| lies against the elected sign.%n"
                .formatted(
                    TextTable.percent(row.signs().conflict()),
                    TextTable.percent(row.signs().massAgainst())));
      }
    }
  }

  private void lineage(List<Lineage.Edge> edges) {
    if (edges.isEmpty()) {
      return;
    }
    TextTable table =
        new TextTable(
            2, "may descend from", "model", "tree", "distance", "margin", "kurtosis margin");
    for (Lineage.Edge edge : edges) {
      table.row(
          edge.parent() < 0 ? "(root)" : report.models().get(edge.parent()),
          report.models().get(edge.child()),
          String.valueOf(edge.tree()),
          TextTable.number(edge.distance()),
          TextTable.percent(edge.distanceMargin()),
          TextTable.number(edge.kurtosisMargin()));
    }
    out.append('\n')
        .append(table.text())
        .append(
            "  (a hint: margins near 0 say nothing, and which way kurtosis goes differs by family)\n");
  }

  private void unmatched() {
    int n = report.unmatched().size();
    if (n == 0) {
      return;
    }
    out.append("\nNot compared\n");
    report.unmatched().stream()
        .limit(MOST_UNMATCHED)
        .forEach(
            u ->
                out.append(
                    "  %s of %s: %s%n"
                        .formatted(u.name(), report.models().get(u.model()), u.reason())));
    if (n > MOST_UNMATCHED) {
      out.append("  … and %d more: --output json%n".formatted(n - MOST_UNMATCHED));
    }
  }
}
