package io.weightloom.plan;

import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.Numerics;
import io.weightloom.plan.Casting.Cast;
import io.weightloom.recipe.ParamValue;
import io.weightloom.recipe.Policies.Missing;
import io.weightloom.recipe.Recipe;
import io.weightloom.recipe.Recipe.LayerRange;
import io.weightloom.recipe.Recipe.Slice;
import io.weightloom.recipe.Recipe.Source;
import io.weightloom.recipe.RecipeProblem;
import io.weightloom.tensor.TensorName;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Works out which tensors the output has and which tensors of which models each is made from: the
 * layers slice by slice, what stands before them from the first slice, what stands behind from the
 * last.
 */
final class OutputTensors {
  private final Recipe recipe;
  private final MethodSpec spec;
  private final Numerics numerics;
  private final List<ModelInfo> models;
  private final Set<RecipeProblem> recipeProblems;
  private final Set<String> inputProblems;
  private final Set<String> warnings = new LinkedHashSet<>();
  private final Map<String, Integer> layers = new TreeMap<>();
  private final Map<String, String> leftOut = new TreeMap<>(TensorName.NATURAL_ORDER);
  private final Missing missing;
  private final Casting casting;
  private int donor;

  OutputTensors(
      Recipe recipe,
      MethodSpec spec,
      Numerics numerics,
      List<ModelInfo> models,
      Map<String, Integer> indexByReference,
      Set<RecipeProblem> recipeProblems,
      Set<String> inputProblems) {
    this.recipe = recipe;
    this.spec = spec;
    this.numerics = numerics;
    this.models = models;
    this.recipeProblems = recipeProblems;
    this.inputProblems = inputProblems;
    this.missing = recipe.policies().missing();
    this.casting = new Casting(recipe, spec, indexByReference, recipeProblems, warnings);
  }

  /** Index of the model whose config and tokenizer the output gets. */
  int donor() {
    return donor;
  }

  /** Layers of each stack that slices made; empty without slices. */
  Map<String, Integer> layers() {
    return Map.copyOf(layers);
  }

  /** Tensors that the output does not get by a policy, and why. */
  Map<String, String> leftOut() {
    return leftOut;
  }

  Collection<String> warnings() {
    return warnings;
  }

  List<TensorDraft> drafts() {
    boolean sliced = !recipe.slices().isEmpty();
    List<Slice> slices =
        sliced
            ? recipe.slices()
            : List.of(new Slice(recipe.models(), Optional.empty(), Map.of(), "models"));
    List<Cast> casts = slices.stream().map(casting::of).toList();
    if (!recipeProblems.isEmpty() || casts.isEmpty()) {
      return List.of();
    }
    donor = recipe.base().map(casting::index).orElseGet(() -> casts.get(0).leader());
    Map<String, TensorDraft> drafts = new TreeMap<>(TensorName.NATURAL_ORDER);
    if (sliced) {
      casts.forEach(c -> stack(c, drafts));
    } else {
      whole(casts.get(0), drafts);
    }
    aroundLayers(casts.get(0), true, drafts);
    aroundLayers(casts.get(casts.size() - 1), false, drafts);
    return List.copyOf(drafts.values());
  }

  private ModelInfo leader(Cast cast) {
    return models.get(cast.base() >= 0 ? cast.base() : cast.leader());
  }

  /** All layers of whole models, under their own names. */
  private void whole(Cast cast, Map<String, TensorDraft> drafts) {
    Map<String, Integer> depths = new LinkedHashMap<>();
    for (String name : names(cast)) {
      TensorName.layer(name)
          .ifPresent(
              layer -> {
                int depth = depths.computeIfAbsent(layer.stack(), s -> depth(cast, name));
                add(drafts, cast, name, k -> name, position(layer.index(), depth));
              });
    }
    requireNothingExtra(cast);
  }

  /** The leader's; without a base and where models may be skipped, every model's. */
  private Set<String> names(Cast cast) {
    Set<String> names = new TreeSet<>(TensorName.NATURAL_ORDER);
    names.addAll(leader(cast).tensors().keySet());
    if (cast.base() < 0 && missing == Missing.SKIP_MODEL) {
      cast.models().forEach(m -> names.addAll(models.get(m).tensors().keySet()));
    }
    return names;
  }

  private int depth(Cast cast, String name) {
    int depth = leader(cast).layersOfStack(name);
    return depth > 0
        ? depth
        : cast.models().stream().mapToInt(m -> models.get(m).layersOfStack(name)).max().orElse(0);
  }

  /** Everything of a whole model must have a place. */
  private void requireNothingExtra(Cast cast) {
    ModelInfo leader = leader(cast);
    Set<String> names = names(cast);
    for (int model : cast.models()) {
      for (String name : models.get(model).tensors().keySet()) {
        if (leader.find(name) == null && !names.contains(name) && !name.endsWith(ModelInfo.HEAD)) {
          extra(models.get(model), name, leader);
        }
      }
    }
  }

  /** The layers of a slice, renumbered behind those that are there already. */
  private void stack(Cast cast, Map<String, TensorDraft> drafts) {
    Source first = cast.sources().get(0);
    LayerRange range = first.layers().orElseThrow();
    ModelInfo leader = models.get(cast.leader());
    Map<String, Integer> begins = new LinkedHashMap<>();
    for (String name : leader.tensors().keySet()) {
      Optional<TensorName.Layer> layer = TensorName.layer(name);
      if (layer.isEmpty()
          || layer.get().index() < range.start()
          || layer.get().index() >= range.end()) {
        continue;
      }
      String stack = layer.get().stack();
      int begin = begins.computeIfAbsent(stack, s -> layers.getOrDefault(s, 0));
      int offset = layer.get().index() - range.start();
      layers.merge(stack, begin + range.size(), Math::max);
      add(
          drafts,
          cast,
          TensorName.inLayer(name, begin + offset),
          start -> TensorName.inLayer(name, start + offset),
          position(offset, range.size()));
    }
    requireLayers(cast);
    for (int k = 1; k < cast.sources().size(); k++) {
      int start = cast.sources().get(k).layers().orElseThrow().start();
      requireNothingExtra(models.get(cast.models().get(k)), start, leader, range);
    }
    if (cast.base() >= 0) {
      requireNothingExtra(models.get(cast.base()), cast.baseStart(), leader, range);
    }
  }

  /** Everything in the layers of a slice must have a place in the leader's. */
  private void requireNothingExtra(
      ModelInfo model, int start, ModelInfo leader, LayerRange leaderRange) {
    for (String name : model.tensors().keySet()) {
      TensorName.layer(name)
          .map(layer -> layer.index() - start)
          .filter(offset -> offset >= 0 && offset < leaderRange.size())
          .map(offset -> TensorName.inLayer(name, leaderRange.start() + offset))
          .filter(inLeader -> leader.find(inLeader) == null)
          .ifPresent(inLeader -> extra(model, name, leader));
    }
  }

  private void extra(ModelInfo model, String name, ModelInfo leader) {
    if (missing == Missing.ERROR) {
      inputProblems.add(
          "%s has %s, which %s lacks".formatted(model.reference(), name, leader.reference()));
    } else {
      leftOut.putIfAbsent(name, "left out: %s lacks it".formatted(leader.reference()));
    }
  }

  private void requireLayers(Cast cast) {
    for (int k = 0; k < cast.sources().size(); k++) {
      Source source = cast.sources().get(k);
      ModelInfo model = models.get(cast.models().get(k));
      int depth = model.layersOfDeepestStack();
      int end = source.layers().orElseThrow().end();
      if (end > depth) {
        recipeProblems.add(
            new RecipeProblem(
                source.path() + ".layer_range",
                "ends at layer %d, but %s has %d layers".formatted(end, source.model(), depth)));
      }
    }
  }

  /** Embeddings before the layers, or norm and head behind them. */
  private void aroundLayers(Cast cast, boolean before, Map<String, TensorDraft> drafts) {
    Set<String> names = new LinkedHashSet<>(names(cast));
    cast.models().stream()
        .flatMap(m -> models.get(m).tensors().keySet().stream())
        .filter(n -> n.endsWith(ModelInfo.HEAD))
        .forEach(names::add);
    for (String name : names) {
      if (isAroundLayers(name, before)) {
        add(drafts, cast, name, k -> name, before ? 0 : positionBehind(cast));
      }
    }
    for (int model : cast.models()) {
      models.get(model).tensors().keySet().stream()
          .filter(name -> isAroundLayers(name, before) && !names.contains(name))
          .forEach(name -> extra(models.get(model), name, leader(cast)));
    }
  }

  private static boolean isAroundLayers(String name, boolean before) {
    return TensorName.layer(name).isEmpty() && TensorName.isBeforeLayers(name) == before;
  }

  /** Behind the layers a gradient has its last value; mergekit gives it the first. */
  private double positionBehind(Cast cast) {
    if (numerics == Numerics.ACCURATE) {
      return 1;
    }
    if (hasGradient(cast)) {
      warnings.add(
          "as in mergekit, final norm and head take the first value of a gradient (accurate"
              + " numerics give them the last)");
    }
    return 0;
  }

  private boolean hasGradient(Cast cast) {
    List<Map<String, ParamValue>> all = new ArrayList<>();
    all.add(recipe.parameters());
    all.add(cast.slice().parameters());
    cast.sources().forEach(s -> all.add(s.parameters()));
    return all.stream().flatMap(m -> m.values().stream()).anyMatch(OutputTensors::isGradient);
  }

  private static boolean isGradient(ParamValue value) {
    return value instanceof ParamValue.Gradient
        || (value instanceof ParamValue.Filtered f
            && f.cases().stream().anyMatch(c -> c.value() instanceof ParamValue.Gradient));
  }

  private static double position(int offset, int depth) {
    return depth == 1 ? 1 : (double) offset / (depth - 1);
  }

  @FunctionalInterface
  private interface NameOf {
    /** The tensor's name in a model whose range starts at this layer. */
    String startingAt(int layer);
  }

  private void add(
      Map<String, TensorDraft> drafts, Cast cast, String output, NameOf nameOf, double position) {
    List<TensorSpec> inputs = new ArrayList<>();
    List<Integer> present = new ArrayList<>();
    List<String> lacking = new ArrayList<>();
    for (int k = 0; k < cast.models().size(); k++) {
      int start = cast.sources().get(k).layers().map(LayerRange::start).orElse(0);
      Optional<TensorSpec> found = find(cast.models().get(k), nameOf.startingAt(start), output);
      found.ifPresent(inputs::add);
      if (found.isPresent()) {
        present.add(k);
      } else {
        lacking.add(models.get(cast.models().get(k)).reference());
      }
    }
    Optional<TensorSpec> base =
        cast.base() < 0
            ? Optional.empty()
            : find(cast.base(), nameOf.startingAt(cast.baseStart()), output);
    if (base.isEmpty() && cast.base() >= 0) {
      leaveOut(output, models.get(cast.base()).reference() + " lacks it");
      return;
    }
    TensorDraft draft =
        new TensorDraft(
            output,
            cast.slice(),
            base.orElse(null),
            cast.base(),
            present.stream().map(cast.sources()::get).toList(),
            present.stream().map(cast.models()::get).toList(),
            inputs,
            position,
            "");
    if (lacking.isEmpty()) {
      drafts.put(output, draft);
    } else if (missing != Missing.ERROR) {
      withoutSome(draft, lacking).ifPresent(d -> drafts.put(output, d));
    }
  }

  /** What is left of a tensor that some models lack. */
  private Optional<TensorDraft> withoutSome(TensorDraft draft, List<String> lacking) {
    String who = String.join(", ", lacking) + (lacking.size() == 1 ? " lacks it" : " lack it");
    if (missing == Missing.SKIP_MODEL && draft.inputs().size() >= Math.max(1, spec.minModels())) {
      return Optional.of(draft.of(k -> true, "merged without " + String.join(", ", lacking)));
    }
    if (draft.base() == null) {
      leaveOut(draft.name(), who);
      return Optional.empty();
    }
    return Optional.of(draft.of(k -> false, "the base's: " + who));
  }

  private void leaveOut(String tensor, String why) {
    if (missing != Missing.ERROR) {
      leftOut.put(tensor, "left out: " + why);
    }
  }

  private Optional<TensorSpec> find(int model, String name, String output) {
    TensorSpec found = models.get(model).find(name);
    if (found == null && missing == Missing.ERROR) {
      inputProblems.add(
          "%s lacks %s%s"
              .formatted(
                  models.get(model).reference(),
                  name,
                  name.equals(output) ? "" : " (for " + output + ")"));
    } else if (found != null && !found.name().equals(name)) {
      warnings.add(
          "%s ties %s to %s, which is merged in its place"
              .formatted(models.get(model).reference(), name, found.name()));
    }
    return Optional.ofNullable(found);
  }
}
