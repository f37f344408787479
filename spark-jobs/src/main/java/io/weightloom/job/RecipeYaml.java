package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.plan.MergePlanner;
import io.weightloom.recipe.Recipe;
import io.weightloom.recipe.RecipeReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;

/**
 * A recipe file.
 *
 * @param path where it is
 * @param text its bytes as text, carried into the output unchanged
 * @param recipe what it says
 */
public record RecipeYaml(String path, String text, Recipe recipe) {
  private static final String TABLE = "table";
  private static final String KEY = "key";

  /**
   * Reads a recipe file.
   *
   * @throws WeightloomException of kind USAGE that lists all that is wrong with it
   */
  public static RecipeYaml read(Path path) {
    return parse(path.toString(), text(path));
  }

  /** The text of a recipe file. */
  static String text(Path path) {
    try {
      return Files.readString(path, StandardCharsets.UTF_8);
    } catch (NoSuchFileException e) {
      throw WeightloomException.usage(
          "Cannot read recipe %s: there is no such file (check the path)".formatted(path));
    } catch (IOException e) {
      throw WeightloomException.usage(
          "Cannot read recipe %s: %s (it must be a UTF-8 text file)".formatted(path, e));
    }
  }

  /** Parses a recipe's text; {@code path} is for messages. */
  public static RecipeYaml parse(String path, String text) {
    RecipeReader.Outcome outcome =
        RecipeReader.read(withTables(tree(path, text), Path.of(path).toAbsolutePath()));
    if (!outcome.problems().isEmpty()) {
      throw MergePlanner.problems(outcome.problems());
    }
    return new RecipeYaml(path, text, outcome.recipe());
  }

  /** Whether a recipe file stands for many recipes. */
  public static boolean isSweep(Path path) {
    return tree(path.toString(), text(path)) instanceof Map<?, ?> root
        && root.get("weightloom") instanceof Map<?, ?> own
        && own.containsKey(Recipe.SWEEP);
  }

  /** What the text of a recipe file holds: maps, lists, words, numbers. */
  static @Nullable Object tree(String path, String text) {
    try {
      return yaml().load(text);
    } catch (YAMLException e) {
      throw WeightloomException.usage(
          "Cannot read recipe %s: it is not valid YAML%s (mend the file)".formatted(path, why(e)));
    }
  }

  /** A recipe that a program made; tables that it names lie beside {@code path}. */
  static RecipeYaml of(String path, Object tree) {
    DumperOptions options = new DumperOptions();
    options.setDefaultFlowStyle(DumperOptions.FlowStyle.BLOCK);
    options.setWidth(Integer.MAX_VALUE);
    return parse(path, new Yaml(options).dump(tree));
  }

  /**
   * The tree with {@code {table: FILE, key: NAME}} replaced by {@code {tensors: …}}: what the file,
   * JSON or YAML, holds under the name, or as a whole.
   */
  private static @Nullable Object withTables(@Nullable Object node, Path recipe) {
    if (node instanceof List<?> list) {
      List<@Nullable Object> all = new ArrayList<>();
      list.forEach(item -> all.add(withTables(item, recipe)));
      return all;
    }
    if (!(node instanceof Map<?, ?> map)) {
      return node;
    }
    if (map.get(TABLE) instanceof String file && Set.of(TABLE, KEY).containsAll(map.keySet())) {
      return Map.of("tensors", table(recipe.resolveSibling(file), map.get(KEY)));
    }
    Map<Object, @Nullable Object> all = new LinkedHashMap<>();
    map.forEach((key, value) -> all.put(key, withTables(value, recipe)));
    return all;
  }

  private static Object table(Path file, @Nullable Object key) {
    Object root;
    try {
      root = yaml().load(Files.readString(file));
    } catch (IOException | YAMLException e) {
      throw WeightloomException.usage(
          "Cannot read the table of coefficients %s: %s (it must be a JSON or YAML file of numbers by tensor)"
              .formatted(file, e instanceof YAMLException y ? "not valid" + why(y) : e));
    }
    Object found = key == null ? root : root instanceof Map<?, ?> m ? m.get(key) : null;
    if (found instanceof Map || found instanceof Number) {
      return found instanceof Number n ? Map.of("*", n) : found;
    }
    throw WeightloomException.usage(
        "Cannot read the table of coefficients %s: %s (name a key that it has: %s)"
            .formatted(
                file,
                key == null ? "it holds no numbers by tensor" : "it has nothing under " + key,
                root instanceof Map<?, ?> m ? m.keySet() : "it has none"));
  }

  /** Plain data with the types of YAML 1.1, as PyYAML reads them; anchors and merge keys too. */
  private static Yaml yaml() {
    LoaderOptions options = new LoaderOptions();
    options.setAllowDuplicateKeys(false);
    return new Yaml(new SafeConstructor(options));
  }

  private static String why(YAMLException e) {
    Mark mark = e instanceof MarkedYAMLException marked ? marked.getProblemMark() : null;
    String problem = e instanceof MarkedYAMLException marked ? marked.getProblem() : e.getMessage();
    return (mark == null
            ? ""
            : ", line %d, column %d".formatted(mark.getLine() + 1, mark.getColumn() + 1))
        + ": "
        + String.valueOf(problem).lines().findFirst().orElse("");
  }
}
