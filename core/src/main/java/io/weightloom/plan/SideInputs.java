package io.weightloom.plan;

import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.SideTable;
import io.weightloom.merge.SideTable.Layout;
import io.weightloom.merge.SideTable.Per;
import io.weightloom.merge.TensorMerge.Side;
import io.weightloom.plan.MergePlan.SideTableInfo;
import io.weightloom.recipe.Recipe;
import io.weightloom.recipe.Recipe.Source;
import io.weightloom.recipe.RecipeProblem;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Finds the tensors of the side tables that belong to an output tensor. */
final class SideInputs {
  private final MethodSpec spec;
  private final List<SideTableInfo> tables;
  private final Set<String> problems;

  /**
   * A tensor of a side table.
   *
   * @param table index of its table
   * @param side the tensor
   */
  record Picked(int table, Side side) {}

  SideInputs(MethodSpec spec, List<SideTableInfo> tables, Set<String> problems) {
    this.spec = spec;
    this.tables = tables;
    this.problems = problems;
  }

  /** What the recipe must say and does not, and what it says of models that do not take part. */
  static List<RecipeProblem> problems(Recipe recipe, MethodSpec spec) {
    Set<String> models = new LinkedHashSet<>();
    recipe.models().forEach(m -> models.add(m.model()));
    recipe.slices().forEach(s -> s.sources().forEach(m -> models.add(m.model())));
    List<RecipeProblem> problems = new ArrayList<>();
    for (SideTable table : spec.sideTables()) {
      String path = "weightloom." + Recipe.SIDE_TABLES + "." + table.name();
      Set<String> given =
          recipe.sideTables().getOrDefault(table.name(), java.util.Map.of()).keySet();
      if (given.isEmpty() && !table.required()) {
        continue;
      }
      Set<String> needed = table.per() == Per.MERGE ? Set.of("") : models;
      needed.stream()
          .filter(m -> !given.contains(m))
          .forEach(
              m ->
                  problems.add(
                      new RecipeProblem(
                          path,
                          "%s needs this table%s (name a safetensors file, a model directory or a block table)"
                              .formatted(spec.name(), m.isEmpty() ? "" : " of " + m))));
      given.stream()
          .filter(m -> !needed.contains(m))
          .forEach(
              m ->
                  problems.add(
                      new RecipeProblem(
                          path + "." + m,
                          "no model of the merge (write the reference as under models: "
                              + String.join(", ", models)
                              + ")")));
    }
    return problems;
  }

  /** The tensors for one output tensor, table by table and in each the models in order. */
  List<Picked> of(TensorDraft draft) {
    List<Picked> picked = new ArrayList<>();
    for (SideTable table : spec.sideTables()) {
      List<Picked> ofTable = new ArrayList<>();
      List<String> lacking = new ArrayList<>();
      int count = table.per() == Per.MERGE ? 1 : draft.sources().size();
      for (int k = 0; k < count; k++) {
        int at = index(table, draft.sources().get(k));
        if (at >= 0) {
          pick(table, at, draft.inputs().get(k))
              .ifPresentOrElse(ofTable::add, () -> lacking.add(tables.get(at).label()));
        }
      }
      boolean mayLack = table.partial() && ofTable.isEmpty();
      if (!mayLack) {
        lacking.forEach(l -> problems.add("the table %s lacks %s".formatted(l, draft.name())));
      }
      picked.addAll(ofTable);
    }
    return picked;
  }

  private int index(SideTable table, Source source) {
    String model = table.per() == Per.MERGE ? "" : source.model();
    for (int i = 0; i < tables.size(); i++) {
      if (tables.get(i).table().equals(table.name()) && tables.get(i).model().equals(model)) {
        return i;
      }
    }
    return -1;
  }

  private Optional<Picked> pick(SideTable table, int at, TensorSpec described) {
    SideTableInfo info = tables.get(at);
    Shape wanted = described.shape();
    if (table.layout() == Layout.GRAM) {
      if (wanted.rank() != 2) {
        return Optional.empty();
      }
      long columns = wanted.dims().get(1);
      wanted = Shape.of(columns, columns);
    } else if (table.layout() == Layout.COLUMNS) {
      if (wanted.rank() < 2) {
        return Optional.empty();
      }
      wanted = Shape.of(wanted.dims().get(wanted.rank() - 1));
    }
    TensorSpec found = info.file().tensors().get(described.name());
    if (found == null) {
      return Optional.empty();
    }
    if (table.layout() == Layout.BITS) {
      return Optional.of(new Picked(at, bits(table, info, found, described)));
    }
    if (!found.shape().equals(wanted)) {
      problems.add(
          "%s in the table %s has shape %s, not %s"
              .formatted(described.name(), info.label(), found.shape(), wanted));
    } else if (!found.dtype().isComputed()) {
      problems.add(
          "%s in the table %s is %s, which is not computed on (store it as F32)"
              .formatted(described.name(), info.label(), found.dtype()));
    }
    return Optional.of(
        new Picked(at, new Side(table.name(), info.label(), found, table.layout(), table.least())));
  }

  /** A packed mask, as the numbers 0 and 1 that it is read as. */
  private Side bits(SideTable table, SideTableInfo info, TensorSpec found, TensorSpec described) {
    Shape packed = Shape.of(Layout.maskBytes(described.elements()));
    if (found.dtype() != DType.U8 || !found.shape().equals(packed)) {
      problems.add(
          "%s in the table %s is %s %s, not the packed mask of %s (U8 %s)"
              .formatted(
                  described.name(),
                  info.label(),
                  found.dtype(),
                  found.shape(),
                  described.shape(),
                  packed));
    }
    return new Side(
        table.name(),
        info.label(),
        new TensorSpec(found.name(), DType.BF16, described.shape()),
        table.layout(),
        table.least());
  }
}
