package io.weightloom.catalog;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The tables that each model has, and that the catalog has of all models together. */
enum ModelTable {
  BLOCKS("a row for each block of each tensor; data is read only if named"),
  CONFIG("a row for each value of config.json"),
  TENSORS("a row for each tensor: headers only");

  private final String comment;

  ModelTable(String comment) {
    this.comment = comment;
  }

  /** Its name in SQL. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  String comment() {
    return comment;
  }

  static Optional<ModelTable> of(String label) {
    return Arrays.stream(values()).filter(t -> t.label().equals(label)).findFirst();
  }

  static List<String> labels() {
    return Arrays.stream(values()).map(ModelTable::label).toList();
  }
}
