package io.weightloom.job;

import io.weightloom.merge.BundlePart;
import io.weightloom.recipe.Recipe;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The recipes of a bundle's parts, made from the one that a user wrote.
 *
 * @param yaml of a method that bundles
 */
record BundleRecipes(RecipeYaml yaml) {
  static final String BASE = "base";
  static final String FEDZIP = "fedzip";
  static final String MASKS = "masks";
  static final String SHARED = "shared";
  static final String TWIN = "twin_merging";
  static final String VECTOR = "vector";
  static final String EXTENSIONS = "weightloom";

  /** The names of the models in the bundle, in the order of the recipe. */
  List<String> names() {
    List<String> models = members();
    List<String> last = models.stream().map(BundleRecipes::last).toList();
    return IntStream.range(0, last.size())
        .mapToObj(
            i ->
                last.indexOf(last.get(i)) == last.lastIndexOf(last.get(i))
                    ? last.get(i)
                    : last.get(i) + "-" + i)
        .toList();
  }

  /** Whether each model has a vector of its own, packed. */
  boolean isPacked() {
    return yaml.recipe().method().equals(FEDZIP);
  }

  /** Whether each model has an expert beside a shared one. */
  boolean isTwin() {
    return yaml.recipe().method().equals(TWIN);
  }

  /** The references of the models that are bundled. */
  List<String> members() {
    String base = yaml.recipe().base().orElse("");
    return yaml.recipe().models().stream()
        .map(Recipe.Source::model)
        .filter(m -> !m.equals(base))
        .toList();
  }

  private static String last(String reference) {
    String trimmed = reference.replaceFirst("/+$", "");
    return trimmed.substring(trimmed.lastIndexOf('/') + 1);
  }

  /** The recipes of all that a merge writes, by the directory in the bundle. */
  Map<String, RecipeYaml> parts(boolean withBase) {
    Map<String, RecipeYaml> parts = new LinkedHashMap<>();
    List<String> names = names();
    if (isTwin()) {
      parts.put(SHARED, routed(-1));
      for (int k = 0; k < names.size(); k++) {
        parts.put(partOf(names.get(k)), routed(k));
      }
      return parts;
    }
    if (!isPacked()) {
      parts.put(VECTOR, part("vector", 0));
    }
    for (int k = 0; k < names.size(); k++) {
      parts.put(partOf(names.get(k)), isPacked() ? vectorOf(k) : part("mask", k));
    }
    if (withBase) {
      String base = yaml.recipe().base().orElseThrow();
      parts.put(
          BASE,
          RecipeYaml.of(
              yaml.path(),
              Map.of("merge_method", "passthrough", "models", List.of(Map.of("model", base)))));
    }
    return parts;
  }

  /** The directory of what is written for a model. */
  String partOf(String name) {
    return (isPacked() || isTwin() ? VECTOR : MASKS) + "/" + name;
  }

  /** The recipe that writes one model's own vector, in fp32 as it is packed. */
  private RecipeYaml vectorOf(int model) {
    Map<String, Object> tree = tree(part("vector", 0));
    tree.put("models", List.of(bundled(tree).get(model)));
    tree.put("out_dtype", "float32");
    return RecipeYaml.of(yaml.path(), tree);
  }

  /** The recipe's entries of the models that are bundled. */
  private List<Map<String, Object>> bundled(Map<String, Object> tree) {
    String base = yaml.recipe().base().orElse("");
    List<?> models = tree.get("models") instanceof List<?> list ? list : List.of();
    return models.stream()
        .map(BundleRecipes::entries)
        .filter(m -> !base.equals(m.get("model")))
        .toList();
  }

  private static Map<String, Object> entries(@Nullable Object node) {
    Map<String, Object> entries = new LinkedHashMap<>();
    if (node instanceof Map<?, ?> map) {
      map.forEach((k, v) -> entries.put(String.valueOf(k), v));
    }
    return entries;
  }

  /** The recipe that writes one model's expert, in fp32; or of −1 the shared one alone. */
  private RecipeYaml routed(int model) {
    Map<String, Object> tree = tree(model < 0 ? yaml : part("vector", 0));
    List<Map<String, Object>> models = bundled(tree);
    for (int k = 0; k < models.size(); k++) {
      Map<String, Object> parameters = entries(models.get(k).get("parameters"));
      parameters.put("weight", k == model ? 1 : 0);
      models.get(k).put("parameters", parameters);
    }
    tree.put("models", models);
    Map<String, Object> parameters = entries(tree.get("parameters"));
    parameters.put("normalize", false);
    tree.put("parameters", parameters);
    if (model >= 0) {
      tree.put("out_dtype", "float32");
    }
    return RecipeYaml.of(yaml.path(), tree);
  }

  private static Map<String, Object> tree(RecipeYaml recipe) {
    return entries(RecipeYaml.tree(recipe.path(), recipe.text()));
  }

  /** The recipe that writes a part; the vector is of fp32 unless the recipe says otherwise. */
  private RecipeYaml part(String part, int maskOf) {
    Map<String, Object> tree = tree(yaml);
    Map<String, Object> extensions = entries(tree.get(EXTENSIONS));
    extensions.put(BundlePart.PART.name(), part);
    if (part.equals("mask")) {
      extensions.put(BundlePart.MASK_OF.name(), maskOf);
    }
    tree.put(EXTENSIONS, extensions);
    tree.putIfAbsent("out_dtype", "float32");
    return RecipeYaml.of(yaml.path(), tree);
  }
}
