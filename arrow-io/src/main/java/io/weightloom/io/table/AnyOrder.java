package io.weightloom.io.table;

import io.weightloom.io.safetensors.SafetensorsLayout;
import io.weightloom.io.safetensors.StoredTensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Puts together the rows of a table that has no layout, in whatever order they come. */
final class AnyOrder {
  private AnyOrder() {}

  static BlockTable.Shard shard(String dir, List<StoredRow> rows) {
    Map<String, List<Integer>> byTensor = new TreeMap<>();
    for (int i = 0; i < rows.size(); i++) {
      byTensor.computeIfAbsent(rows.get(i).tensor().name(), t -> new ArrayList<>()).add(i);
    }
    List<String> problems = new ArrayList<>();
    byTensor.forEach(
        (tensor, its) -> {
          its.sort(
              Comparator.<Integer>comparingLong(i -> rows.get(i).block())
                  .thenComparing(Comparator.naturalOrder()));
          gap(rows, its).ifPresent(problems::add);
        });
    BlockTable.refuse(dir, problems);
    SafetensorsLayout layout =
        SafetensorsLayout.of(
            byTensor.values().stream().map(its -> rows.get(its.get(0)).tensor()).toList(),
            Map.of("format", "pt"));
    List<Integer> ordered = new ArrayList<>();
    List<Long> begins = new ArrayList<>();
    for (StoredTensor t : layout.tensors()) {
      for (int i : byTensor.getOrDefault(t.spec().name(), List.of())) {
        if (rows.get(i).count() > 0) {
          ordered.add(i);
          begins.add(t.begin() + rows.get(i).begin());
        }
      }
    }
    return new BlockTable.Shard(
        layout.header(),
        layout.fileSize(),
        begins.stream().mapToLong(Long::longValue).toArray(),
        ordered.stream().mapToLong(Integer::longValue).toArray());
  }

  /** What keeps a tensor's blocks from being the tensor. */
  private static Optional<String> gap(List<StoredRow> rows, List<Integer> its) {
    long at = 0;
    StoredRow first = rows.get(its.get(0));
    for (int k = 0; k < its.size(); k++) {
      StoredRow row = rows.get(its.get(k));
      if (!row.tensor().equals(first.tensor())) {
        return Optional.of(
            "%s is %s of %s, and in another row %s of %s"
                .formatted(
                    row.tensor().name(),
                    first.tensor().dtype(),
                    first.tensor().shape(),
                    row.tensor().dtype(),
                    row.tensor().shape()));
      }
      if (row.block() != k) {
        return Optional.of(
            row.block() < k
                ? row + " comes twice"
                : "block %d of %s is missing".formatted(k, row.tensor().name()));
      }
      if (row.offset() != at) {
        return Optional.of("%s begins at %d, expected %d".formatted(row, row.offset(), at));
      }
      at += row.count();
    }
    return at == first.tensor().elements()
        ? Optional.empty()
        : Optional.of(
            "the blocks of %s have %d elements, its shape %s has %d: its last blocks are missing"
                .formatted(
                    first.tensor().name(), at, first.tensor().shape(), first.tensor().elements()));
  }
}
