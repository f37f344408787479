package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.recipe.Recipe;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A recipe that stands for many: some of its values are lists of what to try, under {@code
 * weightloom: sweep:} or by {@code --set}. A map of paths is a grid, all combinations of the
 * values; a list of maps names the combinations.
 *
 * @param candidates what is tried, in the order of the recipe, the last path varying fastest
 */
public record Sweep(List<Candidate> candidates) {

  /** The most that one sweep tries. */
  static final int MOST = 10_000;

  private static final int LONGEST_NAME = 120;
  private static final String EXTENSIONS = "weightloom";
  private static final Set<String> RANGE = Set.of("from", "to", "step");

  /**
   * One recipe of the many.
   *
   * @param name of its directory
   * @param values what it tries, by path
   * @param recipe the recipe with these values in their places
   */
  public record Candidate(String name, Map<String, Object> values, RecipeYaml recipe) {}

  public Sweep {
    candidates = List.copyOf(candidates);
  }

  /**
   * Reads a recipe with a sweep.
   *
   * @param sets {@code PATH=VALUE,VALUE,…} or {@code PATH=FROM:TO:STEP}, which go before the
   *     recipe's own values of a path
   * @throws WeightloomException if it names nothing to try, or a recipe that it makes is wrong
   */
  public static Sweep read(Path path, List<String> sets) {
    return parse(path.toString(), RecipeYaml.text(path), sets);
  }

  static Sweep parse(String path, String text, List<String> sets) {
    if (!(RecipeYaml.tree(path, text) instanceof Map<?, ?> root)) {
      throw WeightloomException.usage(
          "Cannot read recipe %s: it holds no keys and values (mend the file)".formatted(path));
    }
    Object written = root.get(EXTENSIONS) instanceof Map<?, ?> own ? own.get(Recipe.SWEEP) : null;
    Map<String, Object> plain = without(root);
    Map<String, List<Object>> grid = new LinkedHashMap<>();
    List<Map<String, Object>> combinations = new ArrayList<>();
    if (written instanceof Map<?, ?> axes) {
      axes.forEach((p, v) -> grid.put(String.valueOf(p), values(String.valueOf(p), v)));
    } else if (written instanceof List<?> list) {
      list.forEach(item -> combinations.add(combination(item)));
    } else if (written != null) {
      throw unusable("weightloom.sweep holds " + written, "give it paths and lists of values");
    }
    for (String set : sets) {
      int equals = set.indexOf('=');
      if (equals <= 0) {
        throw unusable("--set " + set + " has no =", "write --set parameters.lambda=0.1,0.2");
      }
      String at = set.substring(0, equals);
      grid.put(at, written(at, set.substring(equals + 1)));
      combinations.forEach(c -> c.remove(at));
    }
    if (grid.isEmpty() && combinations.isEmpty()) {
      throw unusable(
          "the recipe names nothing to try",
          "add weightloom: {sweep: {parameters.lambda: [0.1, 0.2]}}, or pass --set"
              + " parameters.lambda=0.1,0.2");
    }
    return new Sweep(candidates(path, plain, product(combinations, grid)));
  }

  static WeightloomException unusable(String what, String how) {
    return WeightloomException.usage("Cannot sweep: %s (%s)".formatted(what, how));
  }

  /** The recipe without the sweep's key. */
  static Map<String, Object> without(Map<?, ?> root) {
    Map<String, Object> plain = new LinkedHashMap<>();
    root.forEach((k, v) -> plain.put(String.valueOf(k), v));
    if (root.get(EXTENSIONS) instanceof Map<?, ?> own) {
      Map<String, Object> extensions = new LinkedHashMap<>();
      own.forEach((k, v) -> extensions.put(String.valueOf(k), v));
      extensions.remove(Recipe.SWEEP);
      plain.put(EXTENSIONS, extensions);
      if (extensions.isEmpty()) {
        plain.remove(EXTENSIONS);
      }
    }
    return plain;
  }

  private static Map<String, Object> combination(@Nullable Object item) {
    Map<String, Object> values = new LinkedHashMap<>();
    if (item instanceof Map<?, ?> map) {
      map.forEach((p, v) -> values.put(String.valueOf(p), present(String.valueOf(p), v)));
    }
    if (values.isEmpty()) {
      throw unusable(
          "an item of weightloom.sweep is " + item, "each is a map of paths and their values");
    }
    return values;
  }

  private static Object present(String path, @Nullable Object value) {
    if (value == null) {
      throw unusable(path + " has no value", "give it one, or remove it");
    }
    return value;
  }

  /** The values of a path of the grid: a list, a range, or one. */
  private static List<Object> values(String path, @Nullable Object written) {
    List<Object> values = new ArrayList<>();
    if (written instanceof List<?> list) {
      list.forEach(v -> values.add(present(path, v)));
    } else if (written instanceof Map<?, ?> map && RANGE.equals(map.keySet())) {
      values.addAll(
          range(
              path, number(path, map, "from"), number(path, map, "to"), number(path, map, "step")));
    } else {
      values.add(present(path, written));
    }
    if (values.isEmpty()) {
      throw unusable(path + " has an empty list of values", "list what to try");
    }
    if (RecipePath.of(path).isFirst()) {
      values.replaceAll(Sweep::whole);
    }
    return values;
  }

  /** A range counts in decimals; a number of models is called 3, not 3.0. */
  private static Object whole(Object value) {
    return value instanceof Double d && d == Math.rint(d) && Math.abs(d) <= MOST
        ? (Object) d.intValue()
        : value;
  }

  private static BigDecimal number(String path, Map<?, ?> range, String key) {
    if (range.get(key) instanceof Number n) {
      return new BigDecimal(n.toString());
    }
    throw unusable(path + " has a range whose " + key + " is " + range.get(key), "give numbers");
  }

  /** Both ends belong to it; in decimal, so that 0.1 to 0.3 by 0.1 are three. */
  private static List<Object> range(String path, BigDecimal from, BigDecimal to, BigDecimal step) {
    if (step.signum() <= 0 || from.compareTo(to) > 0) {
      throw unusable(
          "%s has the range %s to %s by %s".formatted(path, from, to, step),
          "count upwards by a positive step");
    }
    List<Object> values = new ArrayList<>();
    for (BigDecimal at = from; at.compareTo(to) <= 0; at = at.add(step)) {
      values.add(at.doubleValue());
      if (values.size() > MOST) {
        throw tooMany(values.size());
      }
    }
    return values;
  }

  /** The values of an option: {@code FROM:TO:STEP}, or YAML words with commas between them. */
  private static List<Object> written(String path, String text) {
    String[] parts = text.split(":", -1);
    if (parts.length == 3) {
      try {
        return values(
            path,
            range(
                path,
                new BigDecimal(parts[0]),
                new BigDecimal(parts[1]),
                new BigDecimal(parts[2])));
      } catch (NumberFormatException e) {
        throw unusable(
            "%s has the range %s, whose parts must be numbers".formatted(path, text),
            "write FROM:TO:STEP");
      }
    }
    return values(path, RecipeYaml.tree("--set " + path, "[" + text + "]"));
  }

  private static List<Map<String, Object>> product(
      List<Map<String, Object>> combinations, Map<String, List<Object>> grid) {
    List<Map<String, Object>> all =
        combinations.isEmpty() ? List.of(Map.of()) : List.copyOf(combinations);
    for (Map.Entry<String, List<Object>> axis : grid.entrySet()) {
      List<Map<String, Object>> more = new ArrayList<>();
      if ((long) all.size() * axis.getValue().size() > MOST) {
        throw tooMany((long) all.size() * axis.getValue().size());
      }
      for (Map<String, Object> one : all) {
        for (Object value : axis.getValue()) {
          Map<String, Object> next = new LinkedHashMap<>(one);
          next.put(axis.getKey(), value);
          more.add(next);
        }
      }
      all = more;
    }
    return all;
  }

  private static WeightloomException tooMany(long count) {
    return unusable(
        "it has %d combinations or more, and %d are the most".formatted(count, MOST),
        "try fewer values");
  }

  private static List<Candidate> candidates(
      String path, Map<String, Object> plain, List<Map<String, Object>> tried) {
    if (new LinkedHashSet<>(tried).size() < tried.size()) {
      throw unusable("some values are tried twice", "list each combination once");
    }
    List<Candidate> candidates = new ArrayList<>();
    Set<String> names = new LinkedHashSet<>();
    for (Map<String, Object> values : tried) {
      Map<String, @Nullable Object> tree = new LinkedHashMap<>(plain);
      // What models there are comes last: a path may name one that is then left out.
      List<String> paths = new ArrayList<>(values.keySet());
      paths.sort(Comparator.comparing(p -> RecipePath.of(p).isFirst()));
      for (String p : paths) {
        tree = RecipePath.of(p).set(tree, Objects.requireNonNull(values.get(p)));
      }
      String name = name(values);
      if (name.length() > LONGEST_NAME || !names.add(name)) {
        name = "candidate-%04d".formatted(candidates.size() + 1);
        names.add(name);
      }
      candidates.add(new Candidate(name, values, RecipeYaml.of(path, tree)));
    }
    return candidates;
  }

  /** {@code lambda=0.3,math.weight=0.5}: the last keys, or whole paths where they are the same. */
  private static String name(Map<String, Object> values) {
    Map<String, Long> labels =
        values.keySet().stream()
            .collect(Collectors.groupingBy(p -> RecipePath.of(p).label(), Collectors.counting()));
    return values.entrySet().stream()
        .map(
            v -> {
              String label = RecipePath.of(v.getKey()).label();
              return (labels.getOrDefault(label, 1L) == 1 ? label : v.getKey())
                  + "="
                  + v.getValue();
            })
        .map(word -> word.replace(" ", "").replaceAll("[^A-Za-z0-9._+=-]", "_"))
        .collect(Collectors.joining(","));
  }
}
