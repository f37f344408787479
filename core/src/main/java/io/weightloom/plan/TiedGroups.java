package io.weightloom.plan;

import io.weightloom.plan.PlannedTensor.Tied;
import io.weightloom.recipe.RecipeProblem;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorName;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Tensors of the output that are one: the first of a group is planned, the others follow it. */
final class TiedGroups {
  private final Map<String, String> leaders = new LinkedHashMap<>();

  TiedGroups(
      List<List<String>> groups,
      List<TensorDraft> drafts,
      Set<RecipeProblem> recipeProblems,
      Set<String> inputProblems) {
    Map<String, TensorDraft> byName = new LinkedHashMap<>();
    drafts.forEach(d -> byName.put(d.name(), d));
    for (List<String> group : groups) {
      List<String> present = group.stream().filter(byName::containsKey).toList();
      if (present.isEmpty()) {
        recipeProblems.add(
            new RecipeProblem(
                "weightloom.tied", "the models have none of " + String.join(", ", group)));
        continue;
      }
      for (String name : present.subList(1, present.size())) {
        leaders.put(name, present.get(0));
        if (!shapes(byName, name).equals(shapes(byName, present.get(0)))) {
          inputProblems.add(
              "%s and %s differ in shape and cannot be tied".formatted(present.get(0), name));
        }
      }
    }
  }

  private static List<Shape> shapes(Map<String, TensorDraft> drafts, String name) {
    List<Shape> shapes = new ArrayList<>();
    TensorDraft draft = drafts.get(name);
    if (draft != null) {
      draft.inputs().forEach(i -> shapes.add(i.shape()));
    }
    return shapes;
  }

  boolean isTied(String name) {
    return leaders.containsKey(name);
  }

  /** Adds the tensors that follow others, each in its place by name. */
  void expand(List<PlannedTensor> tensors) {
    if (leaders.isEmpty()) {
      return;
    }
    Map<String, TensorSpec> outputs = new LinkedHashMap<>();
    tensors.forEach(t -> outputs.put(t.output().name(), t.output()));
    List<PlannedTensor> all = new ArrayList<>(tensors);
    leaders.forEach(
        (name, leader) -> {
          TensorSpec to = outputs.get(leader);
          if (to != null) {
            all.add(new Tied(new TensorSpec(name, to.dtype(), to.shape()), -1));
          }
        });
    all.sort(Comparator.comparing(t -> t.output().name(), TensorName.NATURAL_ORDER));
    List<String> names = all.stream().map(t -> t.output().name()).toList();
    tensors.clear();
    for (PlannedTensor t : all) {
      tensors.add(
          t instanceof Tied tied
              ? new Tied(tied.output(), names.indexOf(leaders.get(tied.output().name())))
              : t);
    }
  }
}
