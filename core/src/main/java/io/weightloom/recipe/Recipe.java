package io.weightloom.recipe;

import io.weightloom.tensor.DType;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A merge as its user wrote it, in mergekit's grammar: either {@code models} or {@code slices} is
 * filled.
 *
 * @param method {@code merge_method}
 * @param base {@code base_model}
 * @param models whole models
 * @param slices runs of layers, stacked in this order
 * @param parameters top-level parameters
 * @param dtype {@code dtype}: the compute dtype of mergekit numerics, and the output's
 * @param outDtype {@code out_dtype}: the output's dtype
 * @param tokenizerSource {@code tokenizer_source}
 * @param extensions {@code weightloom}: our own keys
 */
public record Recipe(
    String method,
    Optional<String> base,
    List<Source> models,
    List<Slice> slices,
    Map<String, ParamValue> parameters,
    Optional<DType> dtype,
    Optional<DType> outDtype,
    Optional<String> tokenizerSource,
    Map<String, Object> extensions) {

  /** Key under {@code weightloom} that names a variant of the method. */
  public static final String VARIANT = "variant";

  /** Key under {@code weightloom} that says what a NaN or an infinity is. */
  public static final String NON_FINITE = "non_finite";

  /** Key under {@code weightloom} of several recipes in one. */
  public static final String SWEEP = "sweep";

  /** Key under {@code weightloom} that names tables beside the models. */
  public static final String SIDE_TABLES = "side_tables";

  public Recipe {
    models = List.copyOf(models);
    slices = List.copyOf(slices);
    parameters = Map.copyOf(parameters);
    extensions = Map.copyOf(extensions);
  }

  /**
   * A model that takes part.
   *
   * @param model the reference: a path or a hub name
   * @param layers the layers taken; empty for all
   * @param parameters the model's own parameters
   * @param path where in the recipe, for messages
   */
  public record Source(
      String model, Optional<LayerRange> layers, Map<String, ParamValue> parameters, String path) {
    public Source {
      parameters = Map.copyOf(parameters);
    }
  }

  /**
   * Layers from {@code start} up to but without {@code end}.
   *
   * @param start first layer
   * @param end behind the last layer
   */
  public record LayerRange(int start, int end) {
    public int size() {
      return end - start;
    }
  }

  /**
   * A run of output layers.
   *
   * @param sources the models' layers that are merged, equally many of each
   * @param base a base model of this slice's own
   * @param parameters parameters of the slice
   * @param path where in the recipe, for messages
   */
  public record Slice(
      List<Source> sources,
      Optional<String> base,
      Map<String, ParamValue> parameters,
      String path) {
    public Slice {
      sources = List.copyOf(sources);
      parameters = Map.copyOf(parameters);
    }
  }

  /**
   * The side tables' paths, by table and by model; the model is empty for a table of the whole
   * merge.
   */
  @SuppressWarnings("unchecked") // The reader makes it so.
  public Map<String, Map<String, String>> sideTables() {
    return (Map<String, Map<String, String>>) extensions.getOrDefault(SIDE_TABLES, Map.of());
  }

  /** What becomes of tensors that do not fit together. */
  public Policies policies() {
    return Policies.of(extensions);
  }

  /** Whether non-finite input values are merged as they are instead of being an error. */
  public boolean keepsNonFinite() {
    return "keep".equals(extensions.get(NON_FINITE));
  }
}
