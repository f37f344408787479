package io.weightloom.cli;

import io.weightloom.compare.SubspaceRow;
import io.weightloom.compare.SubspaceScan.Overlap;
import io.weightloom.tensor.TensorName;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What {@code compare --subspace} tells people: medians by role and pair of models. */
final class SubspaceText {

  private SubspaceText() {}

  static String of(List<SubspaceRow> rows) {
    Map<List<String>, List<Overlap>> groups = new LinkedHashMap<>();
    long skipped = 0;
    for (SubspaceRow row : rows) {
      Overlap overlap = row.overlap();
      if (overlap == null) {
        skipped++;
      } else {
        groups
            .computeIfAbsent(
                List.of(TensorName.role(row.name()), row.first(), row.second()),
                k -> new ArrayList<>())
            .add(overlap);
      }
    }
    TextTable table =
        new TextTable(
            3, "role", "first", "second", "tensors", "left", "right", "left CKA", "right CKA");
    groups.forEach(
        (key, overlaps) ->
            table.row(
                key.get(0),
                key.get(1),
                key.get(2),
                String.valueOf(overlaps.size()),
                TextTable.number(TextTable.median(overlaps, Overlap::left)),
                TextTable.number(TextTable.median(overlaps, Overlap::right)),
                TextTable.number(TextTable.median(overlaps, Overlap::leftCka)),
                TextTable.number(TextTable.median(overlaps, Overlap::rightCka))));
    return "\nShared leading directions of task vectors (medians over the layers of a role)\n"
        + table.text()
        + (skipped == 0 ? "" : "  %d tensors are no matrices or too large\n".formatted(skipped));
  }
}
