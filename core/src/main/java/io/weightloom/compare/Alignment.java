package io.weightloom.compare;

import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorName;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Which tensors of models are compared: those of one name and one shape. Whatever is left over is
 * told, with the reason.
 *
 * @param groups tensors of two or more models, in natural order of names
 * @param unmatched all others, in the same order
 */
public record Alignment(List<Group> groups, List<Unmatched> unmatched) {

  public Alignment {
    groups = List.copyOf(groups);
    unmatched = List.copyOf(unmatched);
  }

  /**
   * A tensor that several models have.
   *
   * @param models their indices, ascending; the base, if there is one, the first
   */
  public record Group(String name, List<Integer> models) {}

  /**
   * A tensor of a model that is compared with none.
   *
   * @param model the index of the model that lacks it, or has another
   */
  public record Unmatched(String name, int model, String reason) {}

  /**
   * Aligns models.
   *
   * @param models the tensors of each by name
   * @param names what reasons call the models
   * @param hasBase whether the first model is the base, without which nothing is compared
   */
  public static Alignment of(
      List<Map<String, TensorSpec>> models, List<String> names, boolean hasBase) {
    TreeSet<String> tensors = new TreeSet<>(TensorName.NATURAL_ORDER.thenComparing(n -> n));
    models.forEach(model -> tensors.addAll(model.keySet()));
    List<Group> groups = new ArrayList<>();
    List<Unmatched> unmatched = new ArrayList<>();
    for (String tensor : tensors) {
      align(tensor, models, names, hasBase, groups, unmatched);
    }
    return new Alignment(groups, unmatched);
  }

  private static void align(
      String tensor,
      List<Map<String, TensorSpec>> models,
      List<String> names,
      boolean hasBase,
      List<Group> groups,
      List<Unmatched> unmatched) {
    List<Integer> having = new ArrayList<>();
    int first = -1;
    Shape shape = Shape.of();
    for (int k = 0; k < models.size(); k++) {
      TensorSpec spec = models.get(k).get(tensor);
      if (first < 0 && spec != null) {
        first = k;
        shape = spec.shape();
      }
      if (spec == null) {
        unmatched.add(new Unmatched(tensor, k, "not in " + names.get(k)));
      } else if (!spec.dtype().isComputed()) {
        unmatched.add(new Unmatched(tensor, k, spec.dtype() + " is not computed on"));
      } else if (!spec.shape().equals(shape)) {
        unmatched.add(
            new Unmatched(
                tensor, k, "shape %s, %s has %s".formatted(spec.shape(), names.get(first), shape)));
      } else {
        having.add(k);
      }
    }
    boolean comparable = having.size() > 1 && (!hasBase || having.get(0) == 0);
    if (comparable) {
      groups.add(new Group(tensor, List.copyOf(having)));
      return;
    }
    for (int k : having) {
      if (k > 0 || !hasBase) {
        unmatched.add(new Unmatched(tensor, k, "no other model has it to compare with"));
      }
    }
  }
}
