package io.weightloom.job;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a sweep found.
 *
 * @param rows the candidates in the order in which they were tried
 * @param minimises whether lower scores are better
 * @param best the name of the best candidate that was written; empty if none was scored
 * @param known how many of the candidates an earlier run had done
 * @param madeOf digest of all that they depend on; empty where nothing is gone on with
 */
public record SweepResult(
    List<Row> rows, boolean minimises, Optional<String> best, int known, String madeOf) {

  /** Their names in the output. */
  public static final String JSON = "sweep.json";

  public static final String CSV = "sweep.csv";

  /** Key of {@link #madeOf} in {@link #JSON}. */
  static final String MADE_OF = "made_of";

  /** A link to the best candidate's directory. */
  public static final String BEST = "best";

  /**
   * A candidate.
   *
   * @param name of its directory
   * @param values what it tried, by path
   * @param score as the command printed it, or null
   * @param content digest of its tensors; empty for a model that was not merged here
   * @param kept whether its directory stays
   */
  public record Row(
      String name,
      Map<String, Object> values,
      @Nullable Double score,
      String content,
      boolean kept) {

    Row keeping(boolean isKept) {
      return new Row(name, values, score, content, isKept);
    }
  }

  public SweepResult {
    rows = List.copyOf(rows);
  }

  /** The best first, of equals the first that was tried; unscored ones as they were tried. */
  public List<Row> ranked() {
    List<Row> ranked = new ArrayList<>(rows);
    ranked.sort(Comparator.comparingDouble(this::demerit));
    return ranked;
  }

  private double demerit(Row row) {
    Double score = row.score();
    return score == null ? Double.POSITIVE_INFINITY : minimises ? score : -score;
  }

  /** The paths that candidates have values at. */
  public List<String> paths() {
    Set<String> paths = new LinkedHashSet<>();
    rows.forEach(r -> paths.addAll(r.values().keySet()));
    return List.copyOf(paths);
  }

  /** The table of {@code sweep.csv}: the best first. */
  public List<List<Object>> table() {
    List<List<Object>> table = new ArrayList<>();
    List<Object> head = new ArrayList<>(List.of("candidate"));
    head.addAll(paths());
    head.addAll(List.of("score", "kept", "content"));
    table.add(head);
    for (Row row : ranked()) {
      List<@Nullable Object> line = new ArrayList<>();
      line.add(row.name());
      paths().forEach(p -> line.add(row.values().get(p)));
      line.add(row.score());
      line.add(row.kept());
      line.add(row.content());
      table.add(line);
    }
    return table;
  }

  /** As {@code sweep.json} has it. */
  public ObjectNode json(boolean finished) {
    ObjectNode out = Json.object();
    out.put("finished", finished);
    out.put("higher_is_better", !minimises);
    best.ifPresent(b -> out.put("best", b));
    if (!madeOf.isEmpty()) {
      out.put(MADE_OF, madeOf);
    }
    ArrayNode candidates = out.putArray("candidates");
    for (Row row : ranked()) {
      ObjectNode candidate = candidates.addObject();
      candidate.put("name", row.name());
      candidate.set("values", Json.tree(row.values()));
      candidate.put("score", row.score());
      candidate.put("kept", row.kept());
      candidate.put("content", row.content());
    }
    return out;
  }

  /** Writes both tables; each is whole or the one before. */
  void writeTo(Path dir, boolean finished) {
    StringBuilder csv = new StringBuilder();
    table().forEach(line -> csv.append(Csv.line(line)));
    write(dir.resolve(CSV), csv.toString().getBytes(StandardCharsets.UTF_8));
    write(dir.resolve(JSON), Json.pretty(json(finished)));
  }

  private static void write(Path file, byte[] bytes) {
    Path part = file.resolveSibling("." + file.getFileName() + ".part");
    try {
      Files.write(part, bytes);
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw OutputDir.cannotWrite(file.toString(), e);
    }
  }
}
