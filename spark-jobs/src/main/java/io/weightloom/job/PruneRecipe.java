package io.weightloom.job;

import io.weightloom.io.ModelDir;
import io.weightloom.prune.Budget.Prunable;
import io.weightloom.prune.PruneParams;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A pruning as a recipe: what the command makes of its options and carries into the output, so that
 * {@code merge} gives the same again.
 *
 * @param method a pruning method's name
 * @param model the reference of the model
 * @param rewind the reference of the model on which the mask is laid; empty for the same
 * @param sparsity of all targets, if each has the same
 * @param pruned weights pruned by tensor, if each has its own; the sparsities are ignored then
 * @param sparsities by tensor, if each has its own
 * @param extensions words and numbers under {@code weightloom}
 * @param sideTables paths by table
 */
public record PruneRecipe(
    String method,
    String model,
    Optional<String> rewind,
    Optional<Double> sparsity,
    Map<String, Long> pruned,
    Map<String, Double> sparsities,
    Map<String, Object> extensions,
    Map<String, String> sideTables) {

  public PruneRecipe {
    pruned = Map.copyOf(pruned);
    sparsities = Map.copyOf(sparsities);
    extensions = Map.copyOf(extensions);
    sideTables = Map.copyOf(sideTables);
  }

  /** The tensors of a model that are pruned, in natural order of their names. */
  public static List<Prunable> prunable(ModelDir dir, String targets) {
    return dir.tensors().values().stream()
        .map(l -> l.spec())
        .filter(
            s ->
                s.dtype().isComputed()
                    && PruneParams.isTarget(targets, s.name(), s.shape().rank(), s.elements()))
        .map(s -> new Prunable(s.name(), s.shape().dims()))
        .sorted((a, b) -> io.weightloom.tensor.TensorName.NATURAL_ORDER.compare(a.name(), b.name()))
        .toList();
  }

  /** With what is written instead of the default: {@code mask}, {@code packed}. */
  public PruneRecipe writing(String output) {
    Map<String, Object> changed = new TreeMap<>(extensions);
    changed.put("output", output);
    return new PruneRecipe(
        method, model, rewind, sparsity, pruned, sparsities, changed, sideTables);
  }

  /** The recipe; {@code elements} says how many weights a tensor has. */
  public RecipeYaml yaml(Map<String, Long> elements) {
    List<String> lines = new ArrayList<>();
    lines.add("merge_method: " + method);
    lines.add("models:");
    lines.add("  - model: " + Json.text(model));
    rewind.ifPresent(r -> lines.add("  - model: " + Json.text(r)));
    if (!pruned.isEmpty() || !sparsities.isEmpty()) {
      lines.add("parameters:");
      lines.add("  sparsity:");
      lines.add("    tensors:");
      new TreeMap<>(pruned)
          .forEach(
              (t, p) ->
                  lines.add(
                      "      %s: %s"
                          .formatted(
                              Json.text(t),
                              (double) p / java.util.Objects.requireNonNull(elements.get(t)))));
      new TreeMap<>(sparsities)
          .forEach((t, s) -> lines.add("      %s: %s".formatted(Json.text(t), s)));
      lines.add("      \"*\": 0");
    } else {
      sparsity.ifPresent(
          s -> {
            lines.add("parameters:");
            lines.add("  sparsity: " + s);
          });
    }
    Map<String, Object> ours = new TreeMap<>(extensions);
    if (!pruned.isEmpty()) {
      ours.put("count", "round"); // p/n times n is p again only to the nearest.
    }
    if (!ours.isEmpty() || !sideTables.isEmpty()) {
      lines.add("weightloom:");
      ours.forEach((key, value) -> lines.add("  %s: %s".formatted(key, value)));
      if (!sideTables.isEmpty()) {
        lines.add("  side_tables:");
        new TreeMap<>(sideTables)
            .forEach((table, path) -> lines.add("    %s: %s".formatted(table, Json.text(path))));
      }
    }
    return RecipeYaml.parse("the options of prune", String.join("\n", lines) + "\n");
  }
}
