package io.weightloom.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.job.Family;
import io.weightloom.job.LocalSpark;
import io.weightloom.job.SqlSession;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The SQL of the Zeppelin notes, on a small family of models instead of the demo's. */
@NullUnmarked
class ZeppelinNotesTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path NOTES = Path.of("../notebooks/zeppelin");
  private static final String SQL = "%spark.sql\n";

  @TempDir static Path zoo;
  private static SqlSession session;

  @BeforeAll
  static void start() {
    Family.write(zoo.resolve("zoo"), "F32");
    LocalSpark.stop();
    session = SqlSession.open("local[2]", Map.of("models", zoo.toString()));
  }

  @AfterAll
  static void stop() {
    session.close();
  }

  /** What each paragraph of SQL gives, by its title. */
  private static Map<String, List<Row>> run(String note) throws IOException {
    Map<String, List<Row>> results = new LinkedHashMap<>();
    for (JsonNode paragraph : JSON.readTree(NOTES.resolve(note).toFile()).get("paragraphs")) {
      String text = paragraph.get("text").asText();
      assertThat(paragraph.has("results")).as("stored results").isFalse();
      assertThat(text).matches("(?s)(%md|%spark\\.sql)\n.+");
      if (text.startsWith(SQL)) {
        List<Row> rows = session.spark().sql(text.substring(SQL.length())).collectAsList();
        results.put(paragraph.get("title").asText(), rows);
      }
    }
    return results;
  }

  private static double[] delta(String model, String tensor, long... shape) {
    double[] values = Family.values(model, tensor, shape);
    double[] base = Family.values("base", tensor, shape);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) values[i] - (float) base[i];
    }
    return values;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  @Test
  void inspectingAModel() throws IOException {
    Map<String, List<Row>> results = run("inspect.zpln");

    assertThat(results.get("Models")).extracting(r -> r.getString(0)).contains("`zoo/base`");
    Row largest = results.get("Parameters by role").get(0);
    assertThat(largest.getString(0)).isEqualTo("mlp.up_proj.weight");
    assertThat(largest.getLong(1)).isEqualTo(2);
    assertThat(largest.getLong(2)).isEqualTo(2 * 63);
    Row up = results.get("Statistics by layer").get(3);
    assertThat(up.getInt(0)).isEqualTo(1);
    assertThat(up.getString(1)).isEqualTo("mlp.up_proj.weight");
    double[] values = Family.values("base", Family.UP.formatted(1), 9, 7);
    double mean = java.util.Arrays.stream(values).average().orElseThrow();
    double variance = java.util.Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum() / 63;
    assertThat(up.getDouble(2)).isCloseTo(Math.sqrt(variance), within(1e-6));
    assertThat(results.get("Quantiles of the magnitudes")).hasSize(5);
  }

  @Test
  void comparingAFamily() throws IOException {
    Map<String, List<Row>> results = run("family.zpln");

    List<Row> cosines = results.get("Cosines of task vectors");
    assertThat(cosines).hasSize(4);
    assertThat(cosines.get(0).getDouble(2)).isCloseTo(1, within(1e-12));
    double both = 0;
    double a = 0;
    double b = 0;
    for (int layer = 0; layer < 2; layer++) {
      String norm = "model.layers." + layer + ".input_layernorm.weight";
      for (double[][] pair :
          List.of(
              new double[][] {
                delta("a", Family.UP.formatted(layer), 9, 7),
                delta("b", Family.UP.formatted(layer), 9, 7)
              },
              new double[][] {delta("a", norm, 7), delta("b", norm, 7)})) {
        both += dot(pair[0], pair[1]);
        a += dot(pair[0], pair[0]);
        b += dot(pair[1], pair[1]);
      }
    }
    assertThat(cosines.get(1).getString(1)).isEqualTo("b");
    assertThat(cosines.get(1).getDouble(2)).isCloseTo(both / Math.sqrt(a * b), within(1e-9));
    assertThat(results.get("How far has each moved?")).hasSize(4);
    assertThat(results.get("Sign conflicts by layer"))
        .hasSize(4)
        .allSatisfy(r -> assertThat(r.getDouble(2)).isBetween(0.0, 1.0));
  }
}
