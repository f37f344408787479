package io.weightloom.plan;

import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.recipe.Recipe;
import io.weightloom.recipe.Recipe.LayerRange;
import io.weightloom.recipe.Recipe.Slice;
import io.weightloom.recipe.Recipe.Source;
import io.weightloom.recipe.RecipeProblem;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Says which part each model of a slice plays: the base, or one of those that are merged. */
final class Casting {
  private final Recipe recipe;
  private final MethodSpec spec;
  private final Map<String, Integer> indexByReference;
  private final Set<RecipeProblem> recipeProblems;
  private final Set<String> warnings;

  /**
   * A casting by a recipe.
   *
   * @param indexByReference the models' indexes
   * @param recipeProblems takes what the recipe does wrong
   * @param warnings takes what has no effect
   */
  Casting(
      Recipe recipe,
      MethodSpec spec,
      Map<String, Integer> indexByReference,
      Set<RecipeProblem> recipeProblems,
      Set<String> warnings) {
    this.recipe = recipe;
    this.spec = spec;
    this.indexByReference = indexByReference;
    this.recipeProblems = recipeProblems;
    this.warnings = warnings;
  }

  /**
   * A slice with its base told apart from the models that are merged.
   *
   * @param base index of the base model, or −1
   * @param baseStart the base's first layer
   * @param sources the recipe's entries that are merged
   * @param models index of each source's model
   */
  record Cast(Slice slice, int base, int baseStart, List<Source> sources, List<Integer> models) {
    /** Model whose tensor names the slice has. */
    int leader() {
      return models.isEmpty() ? base : models.get(0);
    }
  }

  /** Index of the model of this reference. */
  int index(String reference) {
    Integer index = indexByReference.get(reference);
    if (index == null) {
      throw new IllegalArgumentException("no model was given for " + reference);
    }
    return index;
  }

  /** The parts in a slice; what is wrong with them is noted, and the cast has it all the same. */
  Cast of(Slice slice) {
    Optional<Integer> base = slice.base().or(recipe::base).map(this::index);
    boolean apart =
        spec.base() == BaseRule.REQUIRED || (spec.base() == BaseRule.OPTIONAL && base.isPresent());
    if (apart && base.isEmpty()) {
      recipeProblems.add(
          new RecipeProblem("base_model", spec.name() + " needs a base model (add base_model:)"));
    }
    List<Source> sources = new ArrayList<>();
    List<Integer> cast = new ArrayList<>();
    Optional<Integer> baseStart = Optional.empty();
    for (Source source : slice.sources()) {
      int model = index(source.model());
      if (apart && base.isPresent() && base.get() == model) {
        baseStart = Optional.of(source.layers().map(LayerRange::start).orElse(0));
        if (!source.parameters().isEmpty()) {
          warnings.add(source.path() + ": parameters of the base model have no effect");
        }
      } else if (cast.contains(model)) {
        twice(source, cast.indexOf(model), sources);
      } else {
        sources.add(source);
        cast.add(model);
      }
    }
    if (spec.base() == BaseRule.MEMBER && base.isPresent() && !cast.contains(base.get())) {
      sources.add(member(slice));
      cast.add(base.get());
    }
    requireCount(slice, sources.size());
    int start =
        baseStart.orElseGet(
            () ->
                sources.stream()
                    .findFirst()
                    .flatMap(Source::layers)
                    .map(LayerRange::start)
                    .orElse(0));
    return new Cast(slice, apart ? base.orElse(-1) : -1, start, sources, cast);
  }

  /** The base as one more source, with the layers of the first. */
  private Source member(Slice slice) {
    Optional<LayerRange> layers = slice.sources().stream().findFirst().flatMap(Source::layers);
    String reference = slice.base().or(recipe::base).orElseThrow();
    return new Source(reference, layers, Map.of(), "base_model");
  }

  private void twice(Source source, int first, List<Source> sources) {
    recipeProblems.add(
        new RecipeProblem(
            source.path(),
            "%s is the same model as %s (give it one entry with the parameters that you mean)"
                .formatted(source.model(), sources.get(first).path())));
  }

  private void requireCount(Slice slice, int count) {
    if (count < spec.minModels() || count > spec.maxModels()) {
      String wanted =
          spec.minModels() == spec.maxModels()
              ? "exactly " + spec.minModels()
              : "at least " + spec.minModels();
      recipeProblems.add(
          new RecipeProblem(
              slice.path(),
              "%s merges %s model%s%s, found %d"
                  .formatted(
                      spec.name(),
                      wanted,
                      spec.minModels() == 1 ? "" : "s",
                      spec.base() == BaseRule.REQUIRED ? " beside the base" : "",
                      count)));
    }
  }
}
