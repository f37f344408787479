package io.weightloom.plan;

import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Place;
import io.weightloom.merge.ParamSpec.Scope;
import io.weightloom.merge.Params;
import io.weightloom.recipe.ParamValue;
import io.weightloom.recipe.Recipe;
import io.weightloom.recipe.Recipe.Slice;
import io.weightloom.recipe.Recipe.Source;
import io.weightloom.recipe.RecipeProblem;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds the parameter values of a tensor. Precedence: the model's entry, its slice, the top level,
 * the variant's default, the method's default.
 */
final class ParamResolver {
  private final Recipe recipe;
  private final MethodSpec spec;
  private final Map<String, Object> variantDefaults;
  private final Set<RecipeProblem> problems;

  ParamResolver(Recipe recipe, MethodSpec spec, Set<RecipeProblem> problems) {
    this.recipe = recipe;
    this.spec = spec;
    this.problems = problems;
    String variant = variant(recipe, spec);
    this.variantDefaults =
        spec.variants().stream()
            .filter(v -> v.name().equals(variant))
            .findFirst()
            .map(Variant::defaults)
            .orElse(Map.of());
  }

  /** The variant in force; empty for a method without any. */
  static String variant(Recipe recipe, MethodSpec spec) {
    String byDefault = spec.variants().isEmpty() ? "" : spec.variants().get(0).name();
    return (String) recipe.extensions().getOrDefault(Recipe.VARIANT, byDefault);
  }

  /**
   * The values for one output tensor.
   *
   * @param sources the models merged, in order
   * @param inputNames the tensor's name in each of them, which per-model filters look at
   * @param outputName the tensor's name in the output, which global filters look at
   * @param position 0 to 1 over the layers of the slice
   */
  Params resolve(
      Slice slice,
      List<Source> sources,
      List<String> inputNames,
      String outputName,
      double position) {
    Map<String, Object> global = new HashMap<>();
    Map<String, List<Double>> perModel = new HashMap<>();
    for (ParamSpec param : spec.parameters()) {
      if (param.scope() == Scope.GLOBAL) {
        global.put(param.name(), global(param, slice, outputName, position));
      } else {
        List<Double> values = new ArrayList<>();
        for (int k = 0; k < sources.size(); k++) {
          values.add(ofModel(param, slice, sources.get(k), inputNames.get(k), position));
        }
        perModel.put(param.name(), values);
      }
    }
    return new Params(global, perModel);
  }

  private Object global(ParamSpec param, Slice slice, String tensor, double position) {
    Optional<Object> found =
        param.place() == Place.EXTENSION
            ? Optional.ofNullable(recipe.extensions().get(param.name()))
            : written(param, List.of(slice.parameters(), recipe.parameters()), tensor, position);
    return found
        .or(() -> byDefault(param))
        .orElseGet(
            () -> {
              problems.add(
                  new RecipeProblem(
                      "parameters",
                      "%s needs %s (add parameters: {%s: ...})"
                          .formatted(spec.name(), param.name(), param.name())));
              return Double.NaN;
            });
  }

  private double ofModel(
      ParamSpec param, Slice slice, Source source, String tensor, double position) {
    Optional<Object> found =
        written(
                param,
                List.of(source.parameters(), slice.parameters(), recipe.parameters()),
                tensor,
                position)
            .or(() -> byDefault(param));
    if (found.isEmpty()) {
      problems.add(
          new RecipeProblem(
              source.path(),
              "%s needs %s for %s (add parameters: {%s: ...})"
                  .formatted(spec.name(), param.name(), source.model(), param.name())));
    }
    return found.map(v -> (Double) v).orElse(Double.NaN);
  }

  private Optional<Object> byDefault(ParamSpec param) {
    Object ofVariant = variantDefaults.get(param.name());
    return ofVariant != null ? Optional.of(ofVariant) : param.defaultValue();
  }

  private static Optional<Object> written(
      ParamSpec param, List<Map<String, ParamValue>> levels, String tensor, double position) {
    return levels.stream()
        .flatMap(level -> Optional.ofNullable(level.get(param.name())).stream())
        .flatMap(value -> value.at(tensor, position).stream())
        .findFirst();
  }
}
