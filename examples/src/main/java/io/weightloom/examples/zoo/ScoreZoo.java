package io.weightloom.examples.zoo;

import io.weightloom.error.WeightloomException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Scores the zoo and what was merged from it on the tests of all tasks: {@code ScoreZoo [--json]
 * ZOO_DIR MERGED_DIR...}.
 */
public final class ScoreZoo {

  private ScoreZoo() {}

  public static void main(String[] args) throws IOException {
    List<String> paths = Arrays.stream(args).filter(a -> !a.equals("--json")).toList();
    if (paths.isEmpty() || paths.stream().anyMatch(p -> p.startsWith("--"))) {
      System.err.println("usage: ScoreZoo [--json] ZOO_DIR MERGED_DIR...");
      System.exit(2);
    }
    try {
      Scoreboard board = score(paths);
      System.out.print(paths.size() < args.length ? board.json() : board.table());
    } catch (WeightloomException e) {
      System.err.println(e.getMessage());
      System.exit(e.kind().exitCode());
    }
  }

  private static Scoreboard score(List<String> paths) throws IOException {
    Examiner examiner = new Examiner(Dataset.Split.TEST);
    List<Scoreboard.Row> rows = new ArrayList<>();
    Zoo.read(Path.of(paths.get(0)))
        .models()
        .forEach((name, w) -> rows.add(row(name, examiner.score(w))));
    for (String path : paths.subList(1, paths.size())) {
      Path directory = Path.of(path).toAbsolutePath().normalize();
      Scores scores = examiner.score(Checkpoint.read(directory));
      String name = String.valueOf(directory.getFileName());
      rows.add(new Scoreboard.Row(name, Scoreboard.Kind.MERGED, scores));
    }
    return new Scoreboard(rows);
  }

  private static Scoreboard.Row row(String name, Scores scores) {
    boolean base = name.equals(Zoo.BASE);
    return new Scoreboard.Row(name, base ? Scoreboard.Kind.BASE : Scoreboard.Kind.TUNED, scores);
  }
}
