package io.weightloom.examples.zoo;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The accuracies of models, as a table or as JSON.
 *
 * @param rows in order of display: the base, each task's own model, then what was merged
 */
record Scoreboard(List<Row> rows) {

  /** What a model is. */
  enum Kind {
    BASE,
    TUNED,
    MERGED
  }

  /**
   * A model's line.
   *
   * @param name its directory's name
   */
  record Row(String name, Kind kind, Scores scores) {}

  Scoreboard {
    rows = List.copyOf(rows);
  }

  /** What the own model of each task scores on it. */
  Scores own() {
    Map<Task, Double> own = new EnumMap<>(Task.class);
    rows.stream()
        .filter(r -> r.kind() == Kind.TUNED)
        .forEach(
            r -> {
              Task task = Task.valueOf(r.name().toUpperCase(Locale.ROOT));
              own.put(task, r.scores().on(task));
            });
    return new Scores(own);
  }

  /** A line per model, percentages; {@code *} marks the best merged model of a column. */
  String table() {
    int width = rows.stream().mapToInt(r -> r.name().length()).max().orElse(0) + 2;
    List<String> columns = new ArrayList<>();
    Arrays.stream(Task.values()).map(Task::label).forEach(columns::add);
    columns.add("mean");
    columns.add("normalised");
    StringBuilder text = new StringBuilder(" ".repeat(width));
    columns.forEach(c -> text.append("%11s ".formatted(c)));
    text.append('\n');
    double[] best = bestMerged(columns.size());
    for (Row row : rows) {
      text.append(("%-" + width + "s").formatted(row.name()));
      double[] cells = cells(row);
      for (int c = 0; c < cells.length; c++) {
        boolean marked = row.kind() == Kind.MERGED && cells[c] == best[c];
        text.append(String.format(Locale.ROOT, "%11.1f%s", 100 * cells[c], marked ? "*" : " "));
      }
      text.append('\n');
    }
    return text.toString();
  }

  /** An object with an array {@code models}; accuracies 0 … 1. */
  String json() {
    return rows.stream()
        .map(this::json)
        .collect(Collectors.joining(",\n    ", "{\n  \"models\": [\n    ", "\n  ]\n}\n"));
  }

  private String json(Row row) {
    String tasks =
        Stream.of(Task.values())
            .map(t -> "\"%s\": %s".formatted(t.label(), row.scores().on(t)))
            .collect(Collectors.joining(", "));
    return "{\"name\": \"%s\", \"kind\": \"%s\", \"accuracy\": {%s}, \"mean\": %s, \"normalised\": %s}"
        .formatted(
            row.name().replace("\\", "\\\\").replace("\"", "\\\""),
            row.kind().name().toLowerCase(Locale.ROOT),
            tasks,
            row.scores().mean(),
            row.scores().normalisedMean(own()));
  }

  private double[] bestMerged(int columns) {
    double[] best = new double[columns];
    for (Row row : rows) {
      double[] cells = cells(row);
      for (int c = 0; c < columns && row.kind() == Kind.MERGED; c++) {
        best[c] = Math.max(best[c], cells[c]);
      }
    }
    return best;
  }

  private double[] cells(Row row) {
    Scores scores = row.scores();
    return Stream.concat(
            Stream.of(Task.values()).map(scores::on),
            Stream.of(scores.mean(), scores.normalisedMean(own())))
        .mapToDouble(Double::doubleValue)
        .toArray();
  }
}
