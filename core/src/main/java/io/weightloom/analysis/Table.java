package io.weightloom.analysis;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A table of results: what its columns are, and how a row is made of a subject.
 *
 * @param name in lower case with underscores
 * @param version goes up when a column changes its meaning or goes; a new column leaves it
 * @param doc what a row is
 * @param columns in the order of the table
 * @param <S> what a row is about
 */
public record Table<S>(String name, int version, String doc, List<Column<S>> columns) {

  public Table {
    columns = List.copyOf(columns);
    Set<String> names = new LinkedHashSet<>();
    for (Column<S> column : columns) {
      if (!names.add(column.name())) {
        throw new IllegalArgumentException("table " + name + " has two columns " + column.name());
      }
    }
  }

  /** The rows of these subjects, in their order. */
  public Result of(List<? extends S> subjects) {
    List<List<@Nullable Object>> rows = new ArrayList<>();
    for (S subject : subjects) {
      List<@Nullable Object> row = new ArrayList<>();
      for (Column<S> column : columns) {
        row.add(column.value().apply(subject));
      }
      rows.add(row);
    }
    return new Result(this, rows);
  }

  /**
   * A table with its rows.
   *
   * @param table its columns
   * @param rows a value for each column
   */
  public record Result(Table<?> table, List<List<@Nullable Object>> rows) {}
}
