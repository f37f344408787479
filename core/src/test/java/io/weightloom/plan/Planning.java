package io.weightloom.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.merge.Numerics;
import io.weightloom.merge.Params;
import io.weightloom.plan.MergePlanner.Options;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.recipe.Recipe;
import io.weightloom.recipe.RecipeReader;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.AbstractThrowableAssert;

/** Recipes and headers of small models to plan with. For one thread. */
final class Planning {
  static final String EMBEDDING = "model.embed_tokens.weight";
  static final String NORM = "model.norm.weight";
  static final String HEAD = "lm_head.weight";

  private final Map<String, Object> recipe = new LinkedHashMap<>();
  private final Map<String, ModelInfo> models = new LinkedHashMap<>();
  private final List<MergePlan.SideTableInfo> sideTables = new ArrayList<>();
  private Numerics numerics = Numerics.ACCURATE;
  private long shardBytes = Options.SHARD_BYTES;

  static Planning of(String method) {
    return new Planning().set("merge_method", method);
  }

  Planning set(String key, Object value) {
    recipe.put(key, value);
    return this;
  }

  /** The {@code models} of the recipe, with their parameters. */
  Planning models(Object... entries) {
    return set("models", List.of(entries));
  }

  static Map<String, Object> entry(String model, Object... keysAndValues) {
    Map<String, Object> parameters = new HashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      parameters.put((String) keysAndValues[i], keysAndValues[i + 1]);
    }
    return Map.of("model", model, "parameters", parameters);
  }

  static Map<String, Object> source(String model, int start, int end, Object... keysAndValues) {
    Map<String, Object> source = new HashMap<>(entry(model, keysAndValues));
    source.put("layer_range", List.of(start, end));
    return source;
  }

  /** A model of BF16 with this many layers. */
  Planning llama(String reference, int layers) {
    return model(reference, tensors(DType.BF16, layers));
  }

  Planning model(String reference, List<TensorSpec> tensors) {
    return model(ModelInfo.of(reference, "/zoo/" + reference, tensors, false));
  }

  Planning model(ModelInfo model) {
    models.put(model.reference(), model);
    return this;
  }

  Planning mergekit() {
    numerics = Numerics.MERGEKIT;
    return this;
  }

  Planning shardBytes(long limit) {
    shardBytes = limit;
    return this;
  }

  /** Embedding, per layer a projection of either block and a norm, final norm, head. */
  static List<TensorSpec> tensors(DType dtype, int layers) {
    List<TensorSpec> tensors = new ArrayList<>();
    tensors.add(tensor(EMBEDDING, dtype, 8, 4));
    for (int i = 0; i < layers; i++) {
      tensors.add(tensor("model.layers." + i + ".mlp.up_proj.weight", dtype, 6, 4));
      tensors.add(tensor("model.layers." + i + ".self_attn.q_proj.weight", dtype, 4, 4));
    }
    tensors.add(tensor(NORM, dtype, 4));
    tensors.add(tensor(HEAD, dtype, 8, 4));
    return tensors;
  }

  static TensorSpec tensor(String name, DType dtype, long... shape) {
    return new TensorSpec(name, dtype, Shape.of(shape));
  }

  /** The tensors without those whose name holds {@code part}. */
  static List<TensorSpec> without(String part, List<TensorSpec> tensors) {
    return tensors.stream().filter(t -> !t.name().contains(part)).toList();
  }

  /** The tensors with one more or another of the same name. */
  static List<TensorSpec> with(TensorSpec tensor, List<TensorSpec> tensors) {
    List<TensorSpec> more = new ArrayList<>(tensors);
    more.removeIf(t -> t.name().equals(tensor.name()));
    more.add(tensor);
    return more;
  }

  /** A side table; the recipe must name it as well. */
  Planning sideTable(String table, String model, List<TensorSpec> tensors) {
    sideTables.add(
        new MergePlan.SideTableInfo(
            table, model, ModelInfo.of(table, "/side/" + table + model, tensors, false)));
    return this;
  }

  MergePlan plan() {
    RecipeReader.Outcome outcome = RecipeReader.read(recipe);
    assertThat(outcome.problems()).isEmpty();
    Recipe read = outcome.recipe();
    assertThat(models.keySet()).containsAll(MergePlanner.references(read));
    return MergePlanner.plan(read, models, sideTables, new Options(numerics, 42, shardBytes));
  }

  AbstractThrowableAssert<?, ?> fails(WeightloomException.Kind kind) {
    AbstractThrowableAssert<?, ?> thrown = assertThatThrownBy(this::plan);
    thrown.isInstanceOfSatisfying(
        WeightloomException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    return thrown;
  }

  static PlannedTensor find(MergePlan plan, String name) {
    return plan.tensors().stream()
        .filter(t -> t.output().name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  static Merged merged(MergePlan plan, String name) {
    return (Merged) find(plan, name);
  }

  static Params params(MergePlan plan, String name) {
    return merged(plan, name).merge().params();
  }

  static String up(int layer) {
    return "model.layers." + layer + ".mlp.up_proj.weight";
  }

  static String query(int layer) {
    return "model.layers." + layer + ".self_attn.q_proj.weight";
  }
}
