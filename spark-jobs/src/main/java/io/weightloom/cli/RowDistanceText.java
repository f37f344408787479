package io.weightloom.cli;

import io.weightloom.stats.RowDistanceReport;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What {@code stats --unused-rows} tells people: the rows that are nearest to the unused ones. */
final class RowDistanceText {
  private static final int MOST = 10;

  private RowDistanceText() {}

  /** A few lines for each tensor. */
  static String of(List<RowDistanceReport> reports) {
    Map<String, List<RowDistanceReport>> byTensor = new LinkedHashMap<>();
    for (RowDistanceReport report : reports) {
      byTensor
          .computeIfAbsent(report.model() + " " + report.tensor().name(), n -> new ArrayList<>())
          .add(report);
    }
    StringBuilder out = new StringBuilder("Nearest to the mean of the unused rows\n");
    byTensor.forEach(
        (name, rows) -> {
          List<RowDistanceReport> others =
              rows.stream()
                  .filter(r -> !r.isUnused())
                  .sorted(Comparator.comparingDouble(r -> r.distances().toUnused()))
                  .toList();
          out.append(
              "  %s: %d rows, %d unused".formatted(name, rows.size(), rows.size() - others.size()));
          if (!others.isEmpty()) {
            out.append(
                "; the median of the others is at distance %s"
                    .formatted(
                        TextTable.number(
                            others.get((others.size() - 1) / 2).distances().toUnused())));
          }
          out.append('\n');
          others.stream()
              .limit(MOST)
              .forEach(
                  r ->
                      out.append(
                          "    row %d at %s\n"
                              .formatted(
                                  r.distances().row(),
                                  TextTable.number(r.distances().toUnused()))));
        });
    return out.append("  all of them: --to, or --output json\n").toString();
  }
}
