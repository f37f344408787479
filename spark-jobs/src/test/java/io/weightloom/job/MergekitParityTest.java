package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.job.SavedModel.Stored;
import io.weightloom.merge.Numerics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * With {@code --numerics mergekit} a recipe gives what mergekit gives, by the rule that stands
 * beside the case; see the README of the golden data.
 */
@NullUnmarked
class MergekitParityTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/mergekit");

  @TempDir Path dir;

  static List<Named<Path>> cases() throws IOException {
    try (Stream<Path> all = Files.list(GOLDEN.resolve("cases"))) {
      return all.sorted().map(c -> Named.of(c.getFileName().toString(), c)).toList();
    }
  }

  /** What mergekit merges and we refuse, and with what words. */
  private static final Map<String, String> REFUSED =
      Map.of(
          "linear-native-mixed", "(set dtype: in the recipe)",
          "task_arithmetic-native-mixed", "(set dtype: in the recipe)",
          "task_arithmetic-cancel-bf16", "the weights sum to 0.0");

  @ParameterizedTest
  @MethodSource("cases")
  void aRecipeGivesWhatMergekitGives(Path golden) throws IOException {
    String zoo = GOLDEN.resolve("zoo").toAbsolutePath().toString();
    String recipe = Files.readString(golden.resolve("recipe.yml")).replace("{ZOO}", zoo);
    Path out = dir.resolve("out");
    String refusal = REFUSED.get(golden.getFileName().toString());
    if (refusal != null) {
      assertThatThrownBy(() -> Merging.of(recipe).numerics(Numerics.MERGEKIT).into(out))
          .hasMessageContaining(refusal);
      return;
    }

    MergeResult result = Merging.of(recipe).numerics(Numerics.MERGEKIT).into(out);

    Map<String, Stored> actual = SavedModel.read(out);
    Map<String, Stored> expected = SavedModel.read(golden.resolve("expected.safetensors"));
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (name, tensor) -> {
          assertThat(actual.get(name).dtype()).as(name).isEqualTo(tensor.dtype());
          assertThat(actual.get(name).shape()).as(name).isEqualTo(tensor.shape());
        });
    String[] rule = Files.readString(golden.resolve("rule")).strip().split(" ");
    switch (rule[0]) {
      case "bits" -> expected.forEach((name, t) -> assertBits(name, actual.get(name), t));
      case "rel" ->
          expected.forEach((n, t) -> assertNear(n, actual.get(n), t, Double.parseDouble(rule[1])));
      case "most" -> assertMost(actual, expected, golden, Double.parseDouble(rule[1]));
      case "random" -> assertRandom(result, recipe, actual, expected, Double.parseDouble(rule[1]));
      default -> throw new IllegalStateException("unknown rule " + rule[0]);
    }
    assertConfig(out, golden);
  }

  private static void assertBits(String name, Stored actual, Stored expected) {
    if (!Arrays.equals(actual.data(), expected.data())) {
      // Numbers say more than bytes, but for the sign of a zero.
      assertThat(actual.values()).as(name).containsExactly(expected.values());
      assertThat(actual.data()).as(name).isEqualTo(expected.data());
    }
  }

  private static void assertNear(String name, Stored actual, Stored expected, double tolerance) {
    double[] x = actual.values();
    double[] y = expected.values();
    double largest = Arrays.stream(y).map(Math::abs).max().orElse(0);
    for (int i = 0; i < y.length; i++) {
      assertThat(Math.abs(x[i] - y[i]))
          .as("%s[%d]: %s, mergekit %s", name, i, x[i], y[i])
          .isLessThanOrEqualTo(tolerance * Math.max(Math.abs(y[i]), 0.05 * largest));
    }
  }

  private static void assertMost(
      Map<String, Stored> actual, Map<String, Stored> expected, Path golden, double share) {
    Map<String, Stored> tied = SavedModel.read(golden.resolve("tied.safetensors"));
    long equal = 0;
    long all = 0;
    for (Map.Entry<String, Stored> e : expected.entrySet()) {
      byte[] y = e.getValue().data();
      byte[] x = actual.get(e.getKey()).data();
      byte[] free = tied.get(e.getKey()).data();
      int width = y.length / free.length;
      for (int i = 0; i < free.length; i++) {
        boolean same = Arrays.equals(x, i * width, (i + 1) * width, y, i * width, (i + 1) * width);
        assertThat(same || free[i] == 1).as("%s[%d] is untied and equal", e.getKey(), i).isTrue();
        equal += same ? 1 : 0;
        all++;
      }
    }
    assertThat((double) equal / all).isGreaterThanOrEqualTo(share);
  }

  private static void assertRandom(
      MergeResult result,
      String recipe,
      Map<String, Stored> actual,
      Map<String, Stored> expected,
      double density) {
    RecipeYaml yaml = RecipeYaml.parse("recipe.yml", recipe);
    Map<String, Stored> bases = SavedModel.read(Path.of(yaml.recipe().base().orElseThrow()));
    boolean rescaled = !recipe.contains("rescale: false");
    assertThat(result.tensors()).hasSameSizeAs(expected.keySet());
    expected.forEach(
        (name, tensor) -> {
          double[] base = bases.get(name).values();
          double[] x = actual.get(name).values();
          double[] y = tensor.values();
          int n = y.length;
          double spread = 5 * Math.sqrt(2.0 * n * density * (1 - density)) + 1;
          assertThat((double) changed(x, base))
              .as(name)
              .isBetween(changed(y, base) - spread, changed(y, base) + spread);
          double norm = norm(y, base);
          if (n >= 400 && norm > 0) {
            double within =
                rescaled ? 0.03 : 5 * Math.sqrt(Math.PI * (1 - density) / (density * n));
            assertThat(norm(x, base) / norm).as(name).isBetween(1 - within, 1 + within);
          }
        });
  }

  private static long changed(double[] values, double[] base) {
    long changed = 0;
    for (int i = 0; i < values.length; i++) {
      changed += values[i] != base[i] ? 1 : 0;
    }
    return changed;
  }

  private static double norm(double[] values, double[] base) {
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      sum += Math.abs(values[i] - base[i]);
    }
    return sum;
  }

  private static void assertConfig(Path out, Path golden) throws IOException {
    ObjectMapper json = new ObjectMapper();
    JsonNode actual = json.readTree(Files.readString(out.resolve("config.json")));
    JsonNode expected = json.readTree(Files.readString(golden.resolve("expected-config.json")));
    for (String key : List.of("num_hidden_layers", "hidden_size", "vocab_size", "model_type")) {
      assertThat(actual.get(key)).as(key).isEqualTo(expected.get(key));
    }
    assertThat(actual.path("torch_dtype").asText(actual.path("dtype").asText()))
        .isEqualTo(expected.get("dtype").asText());
  }
}
