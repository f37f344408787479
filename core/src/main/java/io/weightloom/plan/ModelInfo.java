package io.weightloom.plan;

import io.weightloom.tensor.TensorName;
import io.weightloom.tensor.TensorSpec;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the planner knows of an input model.
 *
 * @param reference as the recipe writes it
 * @param location where it was found; two references to one location are one model
 * @param tensors its tensors by name
 * @param tiesEmbeddings whether its config says that the head is the embedding
 */
public record ModelInfo(
    String reference, String location, Map<String, TensorSpec> tensors, boolean tiesEmbeddings) {

  /** From a collection of specs. */
  public static ModelInfo of(
      String reference, String location, Collection<TensorSpec> specs, boolean tiesEmbeddings) {
    Map<String, TensorSpec> byName = new TreeMap<>(TensorName.NATURAL_ORDER);
    specs.forEach(s -> byName.put(s.name(), s));
    return new ModelInfo(reference, location, byName, tiesEmbeddings);
  }

  /** The tensor of this name, or of the name that it is tied to. */
  @Nullable TensorSpec find(String name) {
    TensorSpec own = tensors.get(name);
    if (own != null || !tiesEmbeddings || !name.endsWith(HEAD)) {
      return own;
    }
    String prefix = name.substring(0, name.length() - HEAD.length());
    TensorSpec nested = tensors.get(prefix + "model.embed_tokens.weight");
    return nested != null ? nested : tensors.get(prefix + "embed_tokens.weight");
  }

  static final String HEAD = "lm_head.weight";

  /** Layers of the stack that has most of them; 0 without any. */
  int layersOfDeepestStack() {
    return tensors.keySet().stream()
        .flatMap(n -> TensorName.layer(n).stream())
        .mapToInt(l -> l.index() + 1)
        .max()
        .orElse(0);
  }

  /** Layers of the stack that the tensor of this name is in; 0 if it is in none. */
  int layersOfStack(String tensor) {
    return TensorName.layer(tensor)
        .map(
            layer ->
                tensors.keySet().stream()
                    .flatMap(n -> TensorName.layer(n).stream())
                    .filter(l -> l.stack().equals(layer.stack()))
                    .mapToInt(l -> l.index() + 1)
                    .max()
                    .orElse(0))
        .orElse(0);
  }
}
