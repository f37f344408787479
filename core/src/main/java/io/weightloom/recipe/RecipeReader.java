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

  private final RecipeNodes nodes = new RecipeNodes();
  private final ParamReader values = new ParamReader(nodes);
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
    Recipe recipe = reader.recipe(reader.nodes.map(root, ""));
    return new Outcome(recipe, reader.nodes.problems());
  }

  private Recipe recipe(Map<String, @Nullable Object> top) {
    for (String key : top.keySet()) {
      if (UNSUPPORTED.contains(key)) {
        nodes.problem(key, "this key of mergekit's is not supported yet (remove it)");
      } else if (!TOP_KEYS.contains(key)) {
        nodes.problem(key, "unknown key" + Suggestion.phrase(key, new TreeSet<>(TOP_KEYS)));
      }
    }
    String method = method(top);
    boolean hasModels = top.get("models") != null;
    boolean hasSlices = top.get("slices") != null;
    if (hasModels == hasSlices) {
      nodes.problem(
          "", "exactly one of models and slices is needed, there are " + (hasModels ? 2 : 0));
    }
    List<Source> models = new ArrayList<>();
    nodes.each(top.get("models"), "models", (item, path) -> models.add(source(item, path, false)));
    List<Slice> slices = new ArrayList<>();
    nodes.each(top.get("slices"), "slices", (item, path) -> slices.add(slice(item, path)));
    return new Recipe(
        method,
        nodes.string(top.get("base_model"), "base_model"),
        models,
        slices,
        parameters(top.get("parameters"), "parameters", false),
        dtype(top, "dtype"),
        dtype(top, "out_dtype"),
        nodes.string(top.get("tokenizer_source"), "tokenizer_source"),
        extensions(top.get("weightloom")));
  }

  private String method(Map<String, @Nullable Object> top) {
    Optional<String> name = nodes.string(top.get("merge_method"), "merge_method");
    if (name.isEmpty()) {
      nodes.problem(
          "merge_method", "missing (one of " + String.join(", ", MergeMethods.names()) + ")");
      return "";
    }
    spec = MergeMethods.named(name.get()).map(MergeMethod::spec);
    if (spec.isEmpty()) {
      nodes.problem(
          "merge_method",
          "unknown method " + name.get() + Suggestion.phrase(name.get(), MergeMethods.names()));
    }
    return name.get();
  }

  private Source source(@Nullable Object item, String path, boolean inSlice) {
    Map<String, @Nullable Object> entry = nodes.map(item, path);
    Set<String> known =
        inSlice ? Set.of("model", "layer_range", "parameters") : Set.of("model", "parameters");
    nodes.unknownKeys(entry, known, path);
    Optional<String> model = nodes.string(entry.get("model"), path + ".model");
    if (model.isEmpty()) {
      nodes.problem(path + ".model", "missing");
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
    Map<String, @Nullable Object> entry = nodes.map(item, path);
    nodes.unknownKeys(entry, Set.of("sources", "base_model", "parameters"), path);
    List<Source> sources = new ArrayList<>();
    nodes.each(entry.get("sources"), path + ".sources", (s, p) -> sources.add(source(s, p, true)));
    if (sources.isEmpty()) {
      nodes.problem(path + ".sources", "missing");
    }
    long lengths =
        sources.stream().flatMap(s -> s.layers().stream()).map(LayerRange::size).distinct().count();
    if (lengths > 1) {
      nodes.problem(
          path + ".sources", "the layer ranges differ in length (make them equally long)");
    }
    return new Slice(
        sources,
        nodes.string(entry.get("base_model"), path + ".base_model"),
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
    nodes.problem(path, "expected [start, end) with 0 <= start < end, found " + value);
    return Optional.empty();
  }

  private Optional<DType> dtype(Map<String, @Nullable Object> top, String key) {
    Optional<String> name = nodes.string(top.get(key), key);
    Optional<DType> dtype = name.flatMap(DType::ofTorchName);
    if (name.isPresent() && dtype.isEmpty()) {
      nodes.problem(
          key, "unknown dtype " + name.get() + " (one of bfloat16, float16, float32, float64)");
    }
    return dtype;
  }

  private Map<String, ParamValue> parameters(@Nullable Object value, String path, boolean ofModel) {
    Map<String, ParamValue> parameters = new LinkedHashMap<>();
    nodes
        .map(value, path)
        .forEach(
            (key, v) -> {
              String at = path + "." + key;
              Optional<ParamSpec> param = spec.flatMap(s -> s.parameter(key));
              if (spec.isPresent() && isKnown(param, key, at, ofModel)) {
                values.value(v, at, param.orElseThrow()).ifPresent(p -> parameters.put(key, p));
              }
            });
    return parameters;
  }

  private boolean isKnown(Optional<ParamSpec> param, String key, String path, boolean ofModel) {
    MethodSpec method = spec.orElseThrow();
    if (param.isEmpty()) {
      nodes.problem(
          path,
          "unknown parameter of %s%s"
              .formatted(method.name(), Suggestion.phrase(key, names(p -> isPlain(p, ofModel)))));
      return false;
    }
    if (param.get().place() == Place.EXTENSION) {
      nodes.problem(path, "this is one of our own keys (move it under weightloom:)");
      return false;
    }
    if (ofModel && param.get().scope() == Scope.GLOBAL) {
      nodes.problem(
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
    nodes
        .map(value, "weightloom")
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
      nodes.problem(path, "this makes many models (run weightloom sweep, or remove it)");
      return Optional.empty();
    }
    if (spec.isEmpty()) {
      return Optional.empty();
    }
    if (key.equals(Recipe.SIDE_TABLES)) {
      return Optional.of(sideTables(nodes.map(value, path), path, spec.get()));
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
      nodes.problem(path, "unknown key" + Suggestion.phrase(key, known));
      return Optional.empty();
    }
    return values.scalar(value, path, param.get());
  }

  private List<List<String>> tied(@Nullable Object value, String path) {
    List<List<String>> groups = new ArrayList<>();
    Set<String> seen = new TreeSet<>();
    nodes.each(
        value,
        path,
        (item, at) -> {
          List<String> group = new ArrayList<>();
          nodes.each(item, at, (name, p) -> nodes.string(name, p).ifPresent(group::add));
          if (group.size() < 2) {
            nodes.problem(at, "expected the names of two or more tensors, found " + item);
          }
          for (String name : group) {
            if (!seen.add(name)) {
              nodes.problem(at, name + " is tied twice");
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
            nodes.problem(at, method.name() + " reads no side tables (remove it)");
          } else if (table == null) {
            nodes.problem(at, "unknown side table" + Suggestion.phrase(name, known.keySet()));
          } else {
            found.put(name, paths(value, at, table));
          }
        });
    return found;
  }

  private Map<String, String> paths(@Nullable Object value, String path, SideTable table) {
    Map<String, String> paths = new LinkedHashMap<>();
    if (table.per() == SideTable.Per.MERGE) {
      nodes.string(value, path).ifPresent(p -> paths.put("", p));
    } else {
      nodes
          .map(value, path)
          .forEach(
              (model, p) ->
                  nodes.string(p, path + "." + model).ifPresent(file -> paths.put(model, file)));
    }
    return paths;
  }

  private Optional<Object> variant(@Nullable Object value, String path, MethodSpec method) {
    if (method.variants().isEmpty()) {
      nodes.problem(path, method.name() + " has no variants (remove it)");
      return Optional.empty();
    }
    return word(value, path, method.variants().stream().map(MethodSpec.Variant::name).toList());
  }

  private Optional<Object> word(@Nullable Object value, String path, List<String> words) {
    if (value instanceof String s && words.contains(s)) {
      return Optional.of(s);
    }
    nodes.problem(path, "expected one of " + String.join(", ", words) + ", found " + value);
    return Optional.empty();
  }
}
