package io.weightloom.recipe;

import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeMethods;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Place;
import io.weightloom.merge.ParamSpec.Scope;
import io.weightloom.merge.SideTable;
import io.weightloom.recipe.Recipe.LayerRange;
import io.weightloom.recipe.Recipe.Slice;
import io.weightloom.recipe.Recipe.Source;
import io.weightloom.tensor.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Turns the tree of a parsed YAML file (maps, lists, strings, numbers, booleans) into a recipe, and
 * gathers every problem on the way instead of stopping at the first.
 */
public final class RecipeReader {
  private static final Set<String> TOP_KEYS =
      Set.of(
          "merge_method",
          "models",
          "slices",
          "base_model",
          "parameters",
          "dtype",
          "out_dtype",
          "tokenizer_source",
          "weightloom");
  private static final Set<String> UNSUPPORTED =
      Set.of("modules", "tokenizer", "chat_template", "name");
  private static final Set<String> FOR_ALL =
      Set.of(
          Recipe.VARIANT,
          Recipe.NON_FINITE,
          Policies.MISSING,
          Policies.MISMATCHED,
          Policies.NON_FLOAT,
          Policies.TIED);

  /** Key of a parameter's value that gives a number for each tensor. */
  private static final String TENSORS = "tensors";

  private final List<RecipeProblem> problems = new ArrayList<>();
  private Optional<MethodSpec> spec = Optional.empty();

  /**
   * What reading gave.
   *
   * @param recipe the recipe; incomplete if there are problems
   * @param problems everything wrong with it
   */
  public record Outcome(Recipe recipe, List<RecipeProblem> problems) {}

  private RecipeReader() {}

  /** Reads the root of a YAML file. */
  public static Outcome read(@Nullable Object root) {
    RecipeReader reader = new RecipeReader();
    Recipe recipe = reader.recipe(reader.map(root, ""));
    return new Outcome(recipe, List.copyOf(reader.problems));
  }

  private void problem(String path, String message) {
    problems.add(new RecipeProblem(path, message));
  }

  private Recipe recipe(Map<String, @Nullable Object> top) {
    for (String key : top.keySet()) {
      if (UNSUPPORTED.contains(key)) {
        problem(key, "this key of mergekit's is not supported yet (remove it)");
      } else if (!TOP_KEYS.contains(key)) {
        problem(key, "unknown key" + Suggestion.phrase(key, new TreeSet<>(TOP_KEYS)));
      }
    }
    String method = method(top);
    boolean hasModels = top.get("models") != null;
    boolean hasSlices = top.get("slices") != null;
    if (hasModels == hasSlices) {
      problem("", "exactly one of models and slices is needed, there are " + (hasModels ? 2 : 0));
    }
    List<Source> models = new ArrayList<>();
    each(top.get("models"), "models", (item, path) -> models.add(source(item, path, false)));
    List<Slice> slices = new ArrayList<>();
    each(top.get("slices"), "slices", (item, path) -> slices.add(slice(item, path)));
    return new Recipe(
        method,
        string(top.get("base_model"), "base_model"),
        models,
        slices,
        parameters(top.get("parameters"), "parameters", false),
        dtype(top, "dtype"),
        dtype(top, "out_dtype"),
        string(top.get("tokenizer_source"), "tokenizer_source"),
        extensions(top.get("weightloom")));
  }

  private String method(Map<String, @Nullable Object> top) {
    Optional<String> name = string(top.get("merge_method"), "merge_method");
    if (name.isEmpty()) {
      problem("merge_method", "missing (one of " + String.join(", ", MergeMethods.names()) + ")");
      return "";
    }
    spec = MergeMethods.named(name.get()).map(MergeMethod::spec);
    if (spec.isEmpty()) {
      problem(
          "merge_method",
          "unknown method " + name.get() + Suggestion.phrase(name.get(), MergeMethods.names()));
    }
    return name.get();
  }

  private Source source(@Nullable Object item, String path, boolean inSlice) {
    Map<String, @Nullable Object> entry = map(item, path);
    Set<String> known =
        inSlice ? Set.of("model", "layer_range", "parameters") : Set.of("model", "parameters");
    unknownKeys(entry, known, path);
    Optional<String> model = string(entry.get("model"), path + ".model");
    if (model.isEmpty()) {
      problem(path + ".model", "missing");
    }
    Optional<LayerRange> layers = Optional.empty();
    if (inSlice) {
      layers = layerRange(entry.get("layer_range"), path + ".layer_range");
    }
    return new Source(
        model.orElse(""),
        layers,
        parameters(entry.get("parameters"), path + ".parameters", true),
        path);
  }

  private Slice slice(@Nullable Object item, String path) {
    Map<String, @Nullable Object> entry = map(item, path);
    unknownKeys(entry, Set.of("sources", "base_model", "parameters"), path);
    List<Source> sources = new ArrayList<>();
    each(entry.get("sources"), path + ".sources", (s, p) -> sources.add(source(s, p, true)));
    if (sources.isEmpty()) {
      problem(path + ".sources", "missing");
    }
    long lengths =
        sources.stream().flatMap(s -> s.layers().stream()).map(LayerRange::size).distinct().count();
    if (lengths > 1) {
      problem(path + ".sources", "the layer ranges differ in length (make them equally long)");
    }
    return new Slice(
        sources,
        string(entry.get("base_model"), path + ".base_model"),
        parameters(entry.get("parameters"), path + ".parameters", false),
        path);
  }

  private Optional<LayerRange> layerRange(@Nullable Object value, String path) {
    if (value instanceof List<?> list
        && list.size() == 2
        && list.get(0) instanceof Integer start
        && list.get(1) instanceof Integer end
        && start >= 0
        && end > start) {
      return Optional.of(new LayerRange(start, end));
    }
    problem(path, "expected [start, end) with 0 <= start < end, found " + value);
    return Optional.empty();
  }

  private Optional<DType> dtype(Map<String, @Nullable Object> top, String key) {
    Optional<String> name = string(top.get(key), key);
    Optional<DType> dtype = name.flatMap(DType::ofTorchName);
    if (name.isPresent() && dtype.isEmpty()) {
      problem(key, "unknown dtype " + name.get() + " (one of bfloat16, float16, float32, float64)");
    }
    return dtype;
  }

  private Map<String, ParamValue> parameters(@Nullable Object value, String path, boolean ofModel) {
    Map<String, ParamValue> parameters = new LinkedHashMap<>();
    map(value, path)
        .forEach(
            (key, v) -> {
              String at = path + "." + key;
              Optional<ParamSpec> param = spec.flatMap(s -> s.parameter(key));
              if (spec.isPresent() && isKnown(param, key, at, ofModel)) {
                value(v, at, param.orElseThrow()).ifPresent(p -> parameters.put(key, p));
              }
            });
    return parameters;
  }

  private boolean isKnown(Optional<ParamSpec> param, String key, String path, boolean ofModel) {
    MethodSpec method = spec.orElseThrow();
    if (param.isEmpty()) {
      problem(
          path,
          "unknown parameter of %s%s"
              .formatted(method.name(), Suggestion.phrase(key, names(p -> isPlain(p, ofModel)))));
      return false;
    }
    if (param.get().place() == Place.EXTENSION) {
      problem(path, "this is one of our own keys (move it under weightloom:)");
      return false;
    }
    if (ofModel && param.get().scope() == Scope.GLOBAL) {
      problem(
          path,
          "%s holds for the whole merge (move it to the top-level parameters)".formatted(key));
      return false;
    }
    return true;
  }

  private static boolean isPlain(ParamSpec p, boolean ofModel) {
    return p.place() == Place.PARAMETERS && !(ofModel && p.scope() == Scope.GLOBAL);
  }

  private List<String> names(Predicate<ParamSpec> which) {
    return spec.map(s -> s.parameters().stream().filter(which).map(ParamSpec::name).toList())
        .orElse(List.of());
  }

  private Map<String, Object> extensions(@Nullable Object value) {
    Map<String, Object> extensions = new LinkedHashMap<>();
    map(value, "weightloom")
        .forEach((key, v) -> extension(key, v).ifPresent(found -> extensions.put(key, found)));
    return extensions;
  }

  private Optional<Object> extension(String key, @Nullable Object value) {
    String path = "weightloom." + key;
    if (key.equals(Recipe.NON_FINITE)) {
      return word(value, path, List.of("error", "keep"));
    }
    if (Set.of(Policies.MISSING, Policies.MISMATCHED, Policies.NON_FLOAT).contains(key)) {
      return word(value, path, Policies.words(key));
    }
    if (key.equals(Policies.TIED)) {
      return Optional.of(tied(value, path));
    }
    if (key.equals(Recipe.SWEEP)) {
      problem(path, "this makes many models (run weightloom sweep, or remove it)");
      return Optional.empty();
    }
    if (spec.isEmpty()) {
      return Optional.empty();
    }
    if (key.equals(Recipe.SIDE_TABLES)) {
      return Optional.of(sideTables(map(value, path), path, spec.get()));
    }
    if (key.equals(Recipe.VARIANT)) {
      return variant(value, path, spec.get());
    }
    Optional<ParamSpec> param = spec.get().parameter(key).filter(p -> p.place() == Place.EXTENSION);
    if (param.isEmpty()) {
      Set<String> known = new TreeSet<>(FOR_ALL);
      if (!spec.get().sideTables().isEmpty()) {
        known.add(Recipe.SIDE_TABLES);
      }
      known.addAll(names(p -> p.place() == Place.EXTENSION));
      problem(path, "unknown key" + Suggestion.phrase(key, known));
      return Optional.empty();
    }
    return scalar(value, path, param.get());
  }

  private List<List<String>> tied(@Nullable Object value, String path) {
    List<List<String>> groups = new ArrayList<>();
    Set<String> seen = new TreeSet<>();
    each(
        value,
        path,
        (item, at) -> {
          List<String> group = new ArrayList<>();
          each(item, at, (name, p) -> string(name, p).ifPresent(group::add));
          if (group.size() < 2) {
            problem(at, "expected the names of two or more tensors, found " + item);
          }
          for (String name : group) {
            if (!seen.add(name)) {
              problem(at, name + " is tied twice");
            }
          }
          groups.add(group);
        });
    return groups;
  }

  private Map<String, Map<String, String>> sideTables(
      Map<String, @Nullable Object> tables, String path, MethodSpec method) {
    Map<String, SideTable> known = new LinkedHashMap<>();
    method.sideTables().forEach(t -> known.put(t.name(), t));
    Map<String, Map<String, String>> found = new LinkedHashMap<>();
    tables.forEach(
        (name, value) -> {
          String at = path + "." + name;
          SideTable table = known.get(name);
          if (known.isEmpty()) {
            problem(at, method.name() + " reads no side tables (remove it)");
          } else if (table == null) {
            problem(at, "unknown side table" + Suggestion.phrase(name, known.keySet()));
          } else {
            found.put(name, paths(value, at, table));
          }
        });
    return found;
  }

  private Map<String, String> paths(@Nullable Object value, String path, SideTable table) {
    Map<String, String> paths = new LinkedHashMap<>();
    if (table.per() == SideTable.Per.MERGE) {
      string(value, path).ifPresent(p -> paths.put("", p));
    } else {
      map(value, path)
          .forEach(
              (model, p) ->
                  string(p, path + "." + model).ifPresent(file -> paths.put(model, file)));
    }
    return paths;
  }

  private Optional<Object> variant(@Nullable Object value, String path, MethodSpec method) {
    if (method.variants().isEmpty()) {
      problem(path, method.name() + " has no variants (remove it)");
      return Optional.empty();
    }
    return word(value, path, method.variants().stream().map(MethodSpec.Variant::name).toList());
  }

  private Optional<Object> word(@Nullable Object value, String path, List<String> words) {
    if (value instanceof String s && words.contains(s)) {
      return Optional.of(s);
    }
    problem(path, "expected one of " + String.join(", ", words) + ", found " + value);
    return Optional.empty();
  }

  private Optional<ParamValue> value(@Nullable Object value, String path, ParamSpec param) {
    if (value instanceof List<?> list && !list.isEmpty() && list.get(0) instanceof Map) {
      List<ParamValue.Case> cases = new ArrayList<>();
      each(list, path, (item, at) -> filtered(item, at, param).ifPresent(cases::add));
      return Optional.of(new ParamValue.Filtered(cases));
    }
    if (value instanceof Map<?, ?> m && m.containsKey(TENSORS)) {
      unknownKeys(map(value, path), Set.of(TENSORS), path);
      return byTensor(map(m.get(TENSORS), path + "." + TENSORS), path + "." + TENSORS, param);
    }
    if (value instanceof Map) {
      return filtered(value, path, param).map(c -> new ParamValue.Filtered(List.of(c)));
    }
    return plain(value, path, param);
  }

  private Optional<ParamValue> byTensor(
      Map<String, @Nullable Object> numbers, String path, ParamSpec param) {
    if (param.type() != ParamSpec.Type.NUMBER || numbers.isEmpty()) {
      problem(path, "expected " + expected(param) + (numbers.isEmpty() ? " for each tensor" : ""));
      return Optional.empty();
    }
    Map<String, Double> values = new LinkedHashMap<>();
    numbers.forEach(
        (tensor, number) ->
            scalar(number, path + "." + tensor, param)
                .ifPresent(v -> values.put(tensor, (Double) v)));
    return Optional.of(new ParamValue.ByTensor(values));
  }

  private Optional<ParamValue.Case> filtered(@Nullable Object item, String path, ParamSpec param) {
    Map<String, @Nullable Object> entry = map(item, path);
    unknownKeys(entry, Set.of("filter", "value"), path);
    String filter = string(entry.get("filter"), path + ".filter").orElse("");
    return plain(entry.get("value"), path + ".value", param)
        .map(v -> new ParamValue.Case(filter, v));
  }

  private Optional<ParamValue> plain(@Nullable Object value, String path, ParamSpec param) {
    if (!(value instanceof List<?> list)) {
      return scalar(value, path, param).map(ParamValue.Scalar::new);
    }
    if (param.type() != ParamSpec.Type.NUMBER || list.isEmpty()) {
      problem(path, "expected " + expected(param) + ", found " + value);
      return Optional.empty();
    }
    List<Double> points = new ArrayList<>();
    each(list, path, (item, at) -> scalar(item, at, param).ifPresent(v -> points.add((Double) v)));
    return points.isEmpty() ? Optional.empty() : Optional.of(new ParamValue.Gradient(points));
  }

  private Optional<Object> scalar(@Nullable Object value, String path, ParamSpec param) {
    Optional<Object> found =
        switch (param.type()) {
          case NUMBER -> number(value);
          case FLAG -> flag(value);
          case CHOICE ->
              value instanceof String s && param.choices().contains(s)
                  ? Optional.of(s)
                  : Optional.empty();
        };
    if (found.isEmpty()) {
      problem(path, "expected " + expected(param) + ", found " + value);
    } else if (found.get() instanceof Double d && !param.range().contains(d)) {
      problem(path, "%s must be within %s, not %s".formatted(param.name(), param.range(), d));
      return Optional.empty();
    }
    return found;
  }

  private static Optional<Object> number(@Nullable Object value) {
    if (value instanceof Number n) {
      return Optional.of(n.doubleValue());
    }
    if (value instanceof Boolean b) {
      return Optional.of(b ? 1.0 : 0.0);
    }
    try {
      return value instanceof String s ? Optional.of(Double.valueOf(s)) : Optional.empty();
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  private static Optional<Object> flag(@Nullable Object value) {
    if (value instanceof Number n && (n.doubleValue() == 0 || n.doubleValue() == 1)) {
      return Optional.of(n.doubleValue() == 1);
    }
    return value instanceof Boolean b ? Optional.of(b) : Optional.empty();
  }

  private static String expected(ParamSpec param) {
    return switch (param.type()) {
      case NUMBER -> "a number";
      case FLAG -> "true or false";
      case CHOICE -> "one of " + String.join(", ", param.choices());
    };
  }

  private Optional<String> string(@Nullable Object value, String path) {
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

  private void unknownKeys(Map<String, @Nullable Object> entry, Set<String> known, String path) {
    for (String key : entry.keySet()) {
      if (!known.contains(key)) {
        problem(path + "." + key, "unknown key" + Suggestion.phrase(key, new TreeSet<>(known)));
      }
    }
  }

  private Map<String, @Nullable Object> map(@Nullable Object value, String path) {
    Map<String, @Nullable Object> found = new LinkedHashMap<>();
    if (value instanceof Map<?, ?> m) {
      m.forEach((k, v) -> found.put(String.valueOf(k), v));
    } else if (value != null || path.isEmpty()) {
      problem(path, "expected keys and values, found " + value);
    }
    return found;
  }

  @FunctionalInterface
  private interface ItemReader {
    void read(@Nullable Object item, String path);
  }

  private void each(@Nullable Object value, String path, ItemReader reader) {
    if (value instanceof List<?> list) {
      for (int i = 0; i < list.size(); i++) {
        reader.read(list.get(i), path + "[" + i + "]");
      }
    } else if (value != null) {
      problem(path, "expected a list, found " + value);
    }
  }
}
