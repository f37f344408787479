package io.weightloom.examples.zoo;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.examples.zoo.Scoreboard.Kind;
import io.weightloom.examples.zoo.Scoreboard.Row;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ScoreboardTest {

  @Test
  void theBestMergedValuesAreMarkedAndOwnModelsAreTheNorm() {
    List<Row> rows = new ArrayList<>();
    rows.add(new Row("base", Kind.BASE, flat(0.9)));
    for (Task task : Task.values()) {
      rows.add(new Row(task.label(), Kind.TUNED, flat(0.8)));
    }
    rows.add(new Row("weak", Kind.MERGED, flat(0.4)));
    rows.add(new Row("strong", Kind.MERGED, flat(0.6)));
    Scoreboard board = new Scoreboard(rows);
    String[] lines = board.table().split("\n", -1);
    assertThat(lines[1]).startsWith("base ").doesNotContain("*");
    assertThat(lines[lines.length - 3]).startsWith("weak ").doesNotContain("*");
    assertThat(lines[lines.length - 2]).startsWith("strong ").contains("60.0*").endsWith("75.0*");
    assertThat(board.json()).contains("\"name\": \"strong\", \"kind\": \"merged\"");
  }

  private static Scores flat(double accuracy) {
    Map<Task, Double> byTask = new EnumMap<>(Task.class);
    for (Task task : Task.values()) {
      byTask.put(task, accuracy);
    }
    return new Scores(byTask);
  }
}
