package io.weightloom.recipe;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Reads the nodes of a recipe's tree as what they should be, and keeps a problem for each that is
 * not. A path says where a node is: {@code slices[0].sources}.
 */
final class RecipeNodes {
  private final List<RecipeProblem> problems = new ArrayList<>();

  /** Reads an item of a list. */
  @FunctionalInterface
  interface ItemReader {
    void read(@Nullable Object item, String path);
  }

  List<RecipeProblem> problems() {
    return List.copyOf(problems);
  }

  void problem(String path, String message) {
    problems.add(new RecipeProblem(path, message));
  }

  /** A word, or a model as mergekit may write one; empty if there is none. */
  Optional<String> string(@Nullable Object value, String path) {
    if (value == null) {
      return Optional.empty();
    }
    if (value instanceof Map<?, ?> m && m.get("model") instanceof String s) {
      if (m.size() == 1) {
        return Optional.of(s);
      }
      if (m.size() == 2 && m.get("lora") instanceof String adapter) {
        return Optional.of(s + "+" + adapter);
      }
    }
    if (value instanceof List || value instanceof Map) {
      problem(path, "expected a word, found " + value);
      return Optional.empty();
    }
    return Optional.of(String.valueOf(value));
  }

  /** Makes a problem of each key that is not known. */
  void unknownKeys(Map<String, @Nullable Object> entry, Set<String> known, String path) {
    for (String key : entry.keySet()) {
      if (!known.contains(key)) {
        problem(path + "." + key, "unknown key" + Suggestion.phrase(key, new TreeSet<>(known)));
      }
    }
  }

  /** Keys and values in their order; none if there are none. */
  Map<String, @Nullable Object> map(@Nullable Object value, String path) {
    Map<String, @Nullable Object> found = new LinkedHashMap<>();
    if (value instanceof Map<?, ?> m) {
      m.forEach((k, v) -> found.put(String.valueOf(k), v));
    } else if (value != null || path.isEmpty()) {
      problem(path, "expected keys and values, found " + value);
    }
    return found;
  }

  /** Reads the items of a list in their order. */
  void each(@Nullable Object value, String path, ItemReader reader) {
    if (value instanceof List<?> list) {
      for (int i = 0; i < list.size(); i++) {
        reader.read(list.get(i), path + "[" + i + "]");
      }
    } else if (value != null) {
      problem(path, "expected a list, found " + value);
    }
  }
}
