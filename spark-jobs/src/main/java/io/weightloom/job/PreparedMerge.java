package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelReference;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsLayout;
import io.weightloom.merge.MatrixMethod;
import io.weightloom.merge.MergeMethods;
import io.weightloom.merge.TensorMerge;
import io.weightloom.plan.MergePlan;
import io.weightloom.plan.MergePlan.SideTableInfo;
import io.weightloom.plan.MergePlanner;
import io.weightloom.plan.ModelInfo;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.recipe.Recipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A merge whose every byte has its place: headers were read, weights were not.
 *
 * @param plan what will be done
 * @param models the opened models, by their index in the plan
 * @param sideTables the opened side tables, by their index in the plan
 * @param layouts the output's files, by their index in the plan
 */
public record PreparedMerge(
    MergePlan plan,
    List<ModelDir> models,
    List<ModelDir> sideTables,
    List<SafetensorsLayout> layouts) {

  /** What safetensors files of PyTorch models carry, and what transformers asks for. */
  static final Map<String, String> METADATA = Map.of("format", "pt");

  /** Opens the models of a recipe and plans its merge. */
  public static PreparedMerge of(Recipe recipe, MergePlanner.Options options) {
    return of(recipe, options, new LinkedHashMap<>());
  }

  /** Likewise for several recipes, whose models are opened once each. */
  public static List<PreparedMerge> all(List<Recipe> recipes, MergePlanner.Options options) {
    Map<String, ModelDir> opened = new LinkedHashMap<>();
    return recipes.stream().map(r -> of(r, options, opened)).toList();
  }

  private static PreparedMerge of(
      Recipe recipe, MergePlanner.Options options, Map<String, ModelDir> byLocation) {
    Map<String, ModelDir> dirs = new LinkedHashMap<>();
    Map<String, ModelInfo> byReference = new LinkedHashMap<>();
    for (String reference : MergePlanner.references(recipe)) {
      String location = canonical(ModelReference.resolve(reference, System.getenv()));
      ModelDir dir = byLocation.computeIfAbsent(location, l -> ModelDir.open(l, Profile.REFERENCE));
      dirs.put(reference, dir);
      byReference.put(reference, info(reference, location, dir));
    }
    List<ModelDir> tableDirs = new ArrayList<>();
    List<SideTableInfo> tables = new ArrayList<>();
    recipe
        .sideTables()
        .forEach(
            (table, paths) ->
                paths.forEach(
                    (model, path) -> {
                      ModelDir dir = ModelDir.open(canonical(path), Profile.REFERENCE);
                      tableDirs.add(dir);
                      tables.add(new SideTableInfo(table, model, info(path, dir.path(), dir)));
                    }));
    TokenizerCheck.require(recipe, dirs);
    MergePlan plan = MergePlanner.plan(recipe, byReference, tables, options);
    List<ModelDir> models = new ArrayList<>();
    for (ModelInfo model : plan.models()) {
      models.add(java.util.Objects.requireNonNull(byLocation.get(model.location())));
    }
    List<SafetensorsLayout> layouts =
        plan.shards().stream().map(s -> PackedMasks.layout(plan, s)).toList();
    return new PreparedMerge(plan, List.copyOf(models), List.copyOf(tableDirs), layouts);
  }

  private static ModelInfo info(String reference, String location, ModelDir dir) {
    return ModelInfo.of(
        reference,
        location,
        dir.tensors().values().stream().map(TensorLocation::spec).toList(),
        dir.config().path("tie_word_embeddings").asBoolean(false));
  }

  /** Whether a tensor of the plan is merged as a matrix. */
  boolean isMatrix(int tensor) {
    return MergeMethods.named(plan.method()).orElseThrow() instanceof MatrixMethod m
        && plan.tensors().get(tensor) instanceof Merged t
        && m.isMatrix(t.merge());
  }

  /** What is merged as a matrix. */
  List<TensorMerge> matrices() {
    return IntStream.range(0, plan.tensors().size())
        .filter(this::isMatrix)
        .mapToObj(i -> ((Merged) plan.tensors().get(i)).merge())
        .toList();
  }

  /** Bytes that the largest matrix takes while it is merged; 0 if there is none. */
  long matrixBytes() {
    return MergeMethods.named(plan.method()).orElseThrow() instanceof MatrixMethod m
        ? matrices().stream().mapToLong(m::workBytes).max().orElse(0)
        : 0;
  }

  private static String canonical(String location) {
    try {
      return Storage.scheme(location).isEmpty() && Files.exists(Path.of(location))
          ? Path.of(location).toRealPath().toString()
          : location;
    } catch (IOException e) {
      throw WeightloomException.input(
          "Cannot open model %s: %s (check the path)".formatted(location, e));
    }
  }
}
