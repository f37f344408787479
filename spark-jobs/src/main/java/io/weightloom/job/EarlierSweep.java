package io.weightloom.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.job.Sweep.Candidate;
import io.weightloom.job.SweepRequest.Scoring;
import io.weightloom.job.SweepResult.Row;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a sweep that did not come to its end has left in the output's directory, if it was the same
 * as the one that is to run: what it knows of the candidates need not be found again.
 *
 * @param rows by candidate, in their order, as they stand in its table; kept are those whose models
 *     are there
 */
record EarlierSweep(Map<String, Row> rows) {
  private static final String FINISHED = "finished";

  /**
   * A digest of all that a candidate's weights and score depend on: recipes, numerics, the inputs'
   * headers, and of local files size and time, and the scoring command.
   */
  static String madeOf(SweepRequest request, Sweep sweep, List<PreparedMerge> merges) {
    StringBuilder text = new StringBuilder();
    text.append(Manifest.version()).append('\n').append(request.options()).append('\n');
    text.append(request.scoring().map(s -> s.command().command()).orElse("")).append('\n');
    for (Candidate c : sweep.candidates()) {
      text.append(c.name()).append('\n').append(c.recipe().text()).append('\n');
    }
    TreeSet<String> files = new TreeSet<>();
    for (PreparedMerge merge : merges) {
      merge.models().forEach(m -> files.addAll(files(m)));
      merge.sideTables().forEach(m -> files.addAll(files(m)));
    }
    files.forEach(f -> text.append(f).append('\n'));
    return Manifest.digestOf(text.toString());
  }

  private static List<String> files(ModelDir model) {
    return model.shards().stream().map(s -> s.path() + " " + s.sha256() + state(s)).toList();
  }

  private static String state(SafetensorsHeader file) {
    if (!Storage.scheme(file.path()).isEmpty()) {
      return "";
    }
    try {
      Path path = Path.of(file.path());
      return " " + Files.size(path) + " " + Files.getLastModifiedTime(path).toMillis();
    } catch (IOException e) {
      throw WeightloomException.input(
          "Cannot read %s: %s (see whether it is still there)".formatted(file.path(), e));
    }
  }

  /**
   * Reads what is there.
   *
   * @param madeOf of the sweep that is to run
   * @return empty if there is no sweep, or a finished one
   * @throws WeightloomException if there is one of something else that did not come to its end
   */
  static Optional<EarlierSweep> in(Path dir, Sweep sweep, String madeOf) {
    JsonNode table = table(dir.resolve(SweepResult.JSON));
    if (table == null || table.path(FINISHED).asBoolean(true)) {
      return Optional.empty();
    }
    if (!table.path(SweepResult.MADE_OF).asText().equals(madeOf)) {
      throw WeightloomException.conflict(
          "Cannot go on with the sweep in %s: its recipe, inputs, options or scoring command were others (pass --overwrite to begin again, or choose another directory)"
              .formatted(dir));
    }
    Map<String, JsonNode> known = new HashMap<>();
    table.path("candidates").forEach(c -> known.put(c.path("name").asText(), c));
    Map<String, Row> rows = new LinkedHashMap<>();
    for (Candidate c : sweep.candidates()) {
      JsonNode row = known.get(c.name());
      if (row != null) {
        rows.put(
            c.name(),
            new Row(
                c.name(),
                c.values(),
                row.path("score").isNumber() ? row.path("score").asDouble() : null,
                row.path("content").asText(),
                Files.isDirectory(dir.resolve(c.name()))));
      }
    }
    return Optional.of(new EarlierSweep(rows));
  }

  private static @Nullable JsonNode table(Path file) {
    if (!Files.exists(file)) {
      return null;
    }
    try {
      return new ObjectMapper().readTree(Files.readAllBytes(file));
    } catch (IOException e) {
      throw WeightloomException.conflict(
          "Cannot go on with the sweep of %s: it cannot be read, %s (pass --overwrite to begin again)"
              .formatted(file, e.getMessage()));
    }
  }

  /** The best of the candidates whose scores are known, the first of equals; empty for none. */
  String best(Sweep sweep, Scoring scoring) {
    String best = "";
    double most = Double.NEGATIVE_INFINITY;
    for (Candidate c : sweep.candidates()) {
      Row row = rows.get(c.name());
      Double score = row == null ? null : row.score();
      if (score != null && scoring.merit(score) > most) {
        best = c.name();
        most = scoring.merit(score);
      }
    }
    return best;
  }
}
