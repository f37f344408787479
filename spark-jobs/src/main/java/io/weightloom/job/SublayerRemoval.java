package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.TensorLocation;
import io.weightloom.tensor.TensorName;
import io.weightloom.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Takes attention or the perceptron out of some layers by a table of scores, such as 1 − cos(input,
 * output) of each sub-layer (He et al., 2024, "What Matters in Transformers?"): the least go, of
 * equal ones the first. No config says that a layer has none, so that the matrix by which the
 * sub-layer writes becomes 0 with its bias: the layer computes what it would without.
 */
public final class SublayerRemoval {

  /** A part of a layer that adds to what passes by. */
  public enum Kind {
    ATTENTION("attention blocks", "self_attn.o_proj"),
    MLPS("perceptrons", "mlp.down_proj");

    private final String plural;

    /** What writes, without {@code .weight}. */
    private final String output;

    Kind(String plural, String output) {
      this.plural = plural;
      this.output = output;
    }

    /** As messages call several. */
    public String plural() {
      return plural;
    }
  }

  /**
   * How many go.
   *
   * @param scores JSON: a list of one number a layer, the higher the more it matters
   */
  public record Wanted(Kind kind, int count, Path scores) {}

  private SublayerRemoval() {}

  /**
   * The recipe that scales by 0 what goes.
   *
   * @throws WeightloomException if a table does not fit the model, nothing would stay or go, or a
   *     layer has no such matrix
   */
  public static RecipeYaml recipe(String model, ModelDir dir, List<Wanted> wanted) {
    List<Map<String, Object>> scale = new ArrayList<>();
    for (Wanted w : wanted) {
      List<String> outputs = outputs(model, dir, w.kind);
      for (int layer : LayerRemoval.gone(model, w.scores, w.kind.plural, w.count, outputs.size())) {
        Map<String, Object> zero = new LinkedHashMap<>();
        zero.put("filter", outputs.get(layer));
        zero.put("value", 0);
        scale.add(zero);
      }
    }
    scale.add(Map.of("value", 1));
    Map<String, Object> source = new LinkedHashMap<>();
    source.put("model", model);
    source.put("parameters", Map.of("scale", scale));
    Map<String, Object> recipe = new LinkedHashMap<>();
    recipe.put("merge_method", "passthrough");
    recipe.put("models", List.of(source));
    return RecipeYaml.of("the options of prune", recipe);
  }

  /**
   * By layer, what its sub-layer writes by: the name of the matrix and its bias to the last dot.
   */
  private static List<String> outputs(String model, ModelDir dir, Kind kind) {
    int layers = LayerRemoval.layers(model, dir);
    Map<Integer, String> found = new TreeMap<>();
    for (TensorLocation at : dir.tensors().values()) {
      TensorSpec tensor = at.spec();
      if (TensorName.role(tensor.name()).equals(kind.output + ".weight")) {
        int index = TensorName.layer(tensor.name()).map(TensorName.Layer::index).orElse(-1);
        String other = found.put(index, withoutWeight(tensor.name()));
        if (other != null || !tensor.dtype().isComputed()) {
          throw failure(
              model,
              kind,
              other != null
                  ? "%s and %s are both of layer %d".formatted(other, tensor.name(), index)
                  : "%s is %s".formatted(tensor.name(), tensor.dtype()));
        }
      }
    }
    for (int i = 0; i < layers; i++) {
      if (!found.containsKey(i)) {
        throw failure(model, kind, "layer %d lacks %s.weight".formatted(i, kind.output));
      }
    }
    return List.copyOf(found.values());
  }

  private static String withoutWeight(String name) {
    return name.substring(0, name.lastIndexOf('.'));
  }

  private static WeightloomException failure(String model, Kind kind, String why) {
    return WeightloomException.input(
        "Cannot remove %s of %s: %s (known are layers whose tensors are named as Llama's, not fused, not quantised)"
            .formatted(kind.plural, model, why));
  }
}
