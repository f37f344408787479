package io.weightloom.compare;

import io.weightloom.analysis.Column;
import io.weightloom.analysis.Table;
import io.weightloom.compare.CompareReport.ModelRow;
import io.weightloom.compare.CompareReport.PairRow;
import io.weightloom.compare.CompareReport.SignRow;
import io.weightloom.compare.CompareReport.TaskRow;
import io.weightloom.tensor.TensorName;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleBiFunction;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/** The result tables of comparisons. */
public final class CompareTables {

  private CompareTables() {}

  /** A row for each tensor of each pair of models, and for each that was not compared. */
  public static final Table<PairRow> TENSORS =
      new Table<>(
          "tensor_differences",
          1,
          "How each tensor differs between two models; τ is that of the second less that of the"
              + " first, rounded once to fp32. A tensor that was not compared has a reason.",
          tensorColumns());

  /** A row for each pair of models. */
  public static final Table<ModelRow> MODELS =
      new Table<>(
          "model_differences",
          1,
          "How two models differ over all tensors that were compared.",
          List.of(
              Column.text("first", "the base, or the first model", ModelRow::first),
              Column.text("second", "the other model", ModelRow::second),
              Column.count("tensors", "tensors compared", ModelRow::tensors),
              Column.count(
                  "untouched", "of them those without a changed value", ModelRow::untouched),
              Column.count("elements", "their elements", r -> r.total().elements()),
              Column.number(
                  "changed_values",
                  "share of elements of another value",
                  r -> (double) r.total().changedValues() / r.total().elements()),
              Column.number("distance", "‖τ‖", r -> r.total().distance()),
              Column.number(
                  "relative_distance", "‖τ‖ / ‖first‖", r -> r.total().relativeDistance()),
              Column.number("mean_abs", "mean |τ|", r -> r.total().meanMagnitude()),
              Column.number("max_abs", "max |τ|", r -> r.total().maxMagnitude()),
              Column.number(
                  "rotation",
                  "1 − cos(first, second), all as one vector",
                  r -> r.total().rotation())));

  /** A row for each pair of task vectors, over a tensor, a layer or the model. */
  public static final Table<TaskRow> TASKS =
      new Table<>(
          "task_vectors",
          1,
          "How alike two task vectors are, over a tensor, a layer or the whole model.",
          taskColumns());

  /** A row for the signs of all task vectors, over a tensor, a layer or the model. */
  public static final Table<SignRow> SIGNS =
      new Table<>(
          "sign_conflicts",
          1,
          "Whether all task vectors agree in sign, over a tensor, a layer or the whole model.",
          List.of(
              Column.text("scope", "tensor, layer or model", r -> scope(r.scope())),
              Column.text("name", "of the tensor or the layer; * for the model", SignRow::name),
              new Column<>("models", Column.Type.TEXTS, "whose task vectors", SignRow::models),
              Column.count(
                  "shared",
                  "elements that two or more task vectors change",
                  r -> r.signs().shared()),
              Column.number(
                  "conflict",
                  "share of them where not all signs are equal; NaN if there are none",
                  r -> r.signs().conflict()),
              Column.number(
                  "mass_against",
                  "share of Σ|τ| against the sign of Σ τ, which TIES elects; all where that is 0",
                  r -> r.signs().massAgainst()),
              Column.numbers("mass", "Σ|τ| of each model", r -> doubles(r.signs().mass())),
              Column.numbers(
                  "against",
                  "of it what lies against the elected sign",
                  r -> doubles(r.signs().against()))));

  /** A row for each pair of task vectors of each matrix. */
  public static final Table<SubspaceRow> SUBSPACES =
      new Table<>(
          "task_subspaces",
          1,
          "How much of their leading singular directions two task vectors of a matrix share. Of n"
              + " directions in all, two random subspaces of r share r/n.",
          List.of(
              Column.text("tensor", "name in all models", SubspaceRow::name),
              Column.text(
                  "role", "the name behind the layer's number", r -> TensorName.role(r.name())),
              Column.count(
                  "layer",
                  "number of the layer; null outside layers",
                  r -> TensorName.layer(r.name()).map(l -> (long) l.index()).orElse(null)),
              Column.counts(
                  "shape",
                  "dimensions, the outermost first",
                  r -> r.tensor().shape().dims().stream().mapToLong(Long::longValue).toArray()),
              Column.text("first", "a model; empty if not compared", SubspaceRow::first),
              Column.text("second", "another", SubspaceRow::second),
              Column.text(
                  "reason", "why there is no overlap; null if there is", SubspaceRow::reason),
              Column.count(
                  "directions",
                  "r: as many as asked for by --subspace, or the lesser rank of both",
                  r -> r.overlap() == null ? null : (long) r.overlap().directions()),
              Column.number(
                  "left",
                  "‖UₐᵀU_b‖²_F / r of the r leading left singular vectors, which span what is"
                      + " written: the mean squared cosine, from 0 to 1; NaN if r is 0",
                  r -> r.overlap() == null ? null : r.overlap().left()),
              Column.number(
                  "right",
                  "likewise of the right ones, which span what is read",
                  r -> r.overlap() == null ? null : r.overlap().right()),
              Column.number(
                  "left_cka",
                  "linear CKA of what is written, ‖τₐᵀτ_b‖²_F / (‖τₐᵀτₐ‖_F ‖τ_bᵀτ_b‖_F), not centred,"
                      + " from 0 to 1; NaN if a task vector is 0",
                  r -> r.overlap() == null ? null : r.overlap().leftCka()),
              Column.number(
                  "right_cka",
                  "likewise of what is read, ‖τₐτ_bᵀ‖²_F / (‖τₐτₐᵀ‖_F ‖τ_bτ_bᵀ‖_F)",
                  r -> r.overlap() == null ? null : r.overlap().rightCka())));

  /**
   * A row of the lineage.
   *
   * @param parent empty for a root
   */
  public record LineageRow(Lineage.Edge edge, String child, String parent) {}

  /** A row for each model. */
  public static final Table<LineageRow> LINEAGE =
      new Table<>(
          "lineage",
          1,
          "From which model each may descend (MoTHer): a hint with its margins, never a verdict.",
          List.of(
              Column.count("tree", "number of the tree, from 0", r -> (long) r.edge().tree()),
              Column.text("child", "the model", LineageRow::child),
              Column.text(
                  "parent",
                  "the model that it may descend from; null for the root of a tree",
                  r -> r.parent().isEmpty() ? null : r.parent()),
              Column.number(
                  "distance",
                  "the greatest difference in a square matrix; of each role, differences of all"
                      + " pairs go from 0 to 1, none being 0.5",
                  r -> r.edge().distance()),
              Column.number(
                  "distance_margin",
                  "by how much the next nearest model of the tree is further, as a share of the"
                      + " distance; below 0 if another is nearer",
                  r -> r.edge().distanceMargin()),
              Column.number(
                  "kurtosis_margin",
                  "difference of the kurtoses over the sum of their sizes; above 0 if it speaks for"
                      + " this direction",
                  r -> r.edge().kurtosisMargin())));

  private static double[] doubles(List<Double> xs) {
    return xs.stream().mapToDouble(Double::doubleValue).toArray();
  }

  private static String scope(CompareReport.Scope scope) {
    return scope.name().toLowerCase(Locale.ROOT);
  }

  private static Column<PairRow> number(String name, String doc, ToDoubleFunction<Pair> value) {
    return Column.number(name, doc, r -> r.pair() == null ? null : value.applyAsDouble(r.pair()));
  }

  private static Column<PairRow> count(String name, String doc, ToLongFunction<Pair> value) {
    return Column.count(name, doc, r -> r.pair() == null ? null : value.applyAsLong(r.pair()));
  }

  private static Column<PairRow> redundancy(
      String name, String doc, ToDoubleFunction<Redundancy> value) {
    return Column.number(
        name,
        doc,
        r ->
            r.pair() == null || r.pair().redundancy() == null
                ? null
                : value.applyAsDouble(r.pair().redundancy()));
  }

  private static List<Column<PairRow>> tensorColumns() {
    return List.of(
        Column.text("tensor", "name in both models", PairRow::name),
        Column.text("role", "the name behind the layer's number", r -> TensorName.role(r.name())),
        Column.count(
            "layer",
            "number of the layer; null outside layers",
            r -> TensorName.layer(r.name()).map(l -> (long) l.index()).orElse(null)),
        Column.text("first", "the base, or the first model; empty if not compared", PairRow::first),
        Column.text("second", "the other model", PairRow::second),
        Column.text("reason", "why the tensor was not compared; null if it was", PairRow::reason),
        Column.text(
            "dtype",
            "stored type in the first model",
            r -> r.tensor() == null ? null : r.tensor().dtype().name()),
        Column.counts(
            "shape",
            "dimensions, the outermost first",
            r ->
                r.tensor() == null
                    ? null
                    : r.tensor().shape().dims().stream().mapToLong(Long::longValue).toArray()),
        count("elements", "all elements", Pair::elements),
        Column.number(
            "changed_bits",
            "share of elements stored in other bits; null if the dtypes differ",
            r ->
                r.pair() == null || r.pair().changedBits() < 0
                    ? null
                    : (double) r.pair().changedBits() / r.pair().elements()),
        number(
            "changed_values",
            "share of elements of another value; ±0 are one",
            p -> (double) p.changedValues() / p.elements()),
        count(
            "non_finite",
            "changed elements whose difference is no finite number; τ counts as 0 there",
            Pair::nonFinite),
        number("distance", "‖τ‖ = √Στ²", Pair::distance),
        number("relative_distance", "‖τ‖ / ‖first‖", Pair::relativeDistance),
        number("mean_abs", "mean |τ|", Pair::meanMagnitude),
        number("max_abs", "max |τ|", Pair::maxMagnitude),
        number("min", "the least τ", Pair::min),
        number("max", "the greatest τ", Pair::max),
        number(
            "rotation",
            "1 − cos(first, second), from 0 to 2: layer rotation, where the first is the"
                + " initialisation (arXiv:1806.01603)",
            Pair::rotation),
        number("cosine", "cos(first, second)", Pair::cosine),
        number("norm_first", "‖first‖", p -> Math.sqrt(p.firstSquares())),
        number("norm_second", "‖second‖", p -> Math.sqrt(p.secondSquares())),
        number(
            "delta_to_ulp",
            "RMS of τ over the median unit in the last place of the first: below 1, rounding ate"
                + " much of the update",
            Pair::deltaToUlp),
        redundancy(
            "k90",
            "share of elements, the largest |τ| first, that have 90 % of Στ²",
            r -> (double) r.k90() / r.elements()),
        redundancy("k99", "likewise 99 %", r -> (double) r.k99() / r.elements()),
        redundancy(
            "gini",
            "Gini's coefficient of |τ|: 0 if all are equal, towards 1 if few have all",
            Redundancy::gini));
  }

  private static List<Column<TaskRow>> taskColumns() {
    List<Column<TaskRow>> columns = new ArrayList<>();
    columns.add(Column.text("scope", "tensor, layer or model", r -> scope(r.scope())));
    columns.add(Column.text("name", "of the tensor or the layer; * for the model", TaskRow::name));
    columns.add(Column.text("first", "a model", TaskRow::first));
    columns.add(Column.text("second", "another", TaskRow::second));
    columns.add(
        Column.number(
            "cosine", "⟨τₐ, τ_b⟩ / (‖τₐ‖‖τ_b‖); NaN if one is 0", r -> r.pair().cosine()));
    columns.add(Column.number("dot", "⟨τₐ, τ_b⟩", r -> r.pair().dot()));
    columns.add(Column.number("norm_first", "‖τₐ‖", r -> Math.sqrt(r.pair().firstSquares())));
    columns.add(Column.number("norm_second", "‖τ_b‖", r -> Math.sqrt(r.pair().secondSquares())));
    columns.add(Column.count("shared", "elements that both change", r -> r.pair().both()));
    columns.add(
        Column.number(
            "sign_conflict", "share of them where the signs differ", r -> r.pair().signConflict()));
    columns.add(
        support(
            "jaccard",
            "of the largest elements of both, shared over all; null unless asked for by --top",
            (s, r) -> s.jaccard(r.at().get(0), r.at().get(1))));
    columns.add(
        support(
            "overlap",
            "shared over the smaller of both",
            (s, r) -> s.overlap(r.at().get(0), r.at().get(1))));
    columns.add(
        support(
            "unique_first",
            "share of the first's largest elements that are no other model's",
            (s, r) -> unique(s, r.at().get(0))));
    columns.add(
        support("unique_second", "likewise of the second's", (s, r) -> unique(s, r.at().get(1))));
    columns.add(
        support(
            "density_first",
            "share of elements that are among the first's largest: above what was asked for where"
                + " several equal the threshold, below where fewer are other than 0; by --top-scope"
                + " model, the tensor's or layer's part of the model's largest",
            (s, r) -> (double) s.sizes().get(r.at().get(0)) / s.elements()));
    columns.add(
        support(
            "density_second",
            "likewise of the second",
            (s, r) -> (double) s.sizes().get(r.at().get(1)) / s.elements()));
    return columns;
  }

  private static double unique(Support support, int task) {
    return (double) support.unique().get(task) / support.sizes().get(task);
  }

  private static Column<TaskRow> support(
      String name, String doc, ToDoubleBiFunction<Support, TaskRow> value) {
    return Column.number(
        name, doc, r -> r.support() == null ? null : value.applyAsDouble(r.support(), r));
  }
}
