package io.weightloom.compare;

import io.weightloom.tensor.TensorName;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BinaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What a comparison of models says, as rows: of each tensor, of layers, of whole models. Sums over
 * tensors go in natural order of their names.
 *
 * @param models what the models are called, the base first if there is one
 * @param hasBase whether there is
 * @param compared of each aligned tensor what was found
 * @param unmatched tensors that were not compared
 */
public record CompareReport(
    List<String> models,
    boolean hasBase,
    List<Compared> compared,
    List<Alignment.Unmatched> unmatched) {

  public CompareReport {
    models = List.copyOf(models);
    compared = List.copyOf(compared);
    unmatched = List.copyOf(unmatched);
  }

  /**
   * A tensor.
   *
   * @param group which models have it: what the indices in {@code found} count
   * @param support what the largest task vector elements share; null unless asked for
   */
  public record Compared(
      Alignment.Group group, TensorComparison found, @Nullable Support support) {}

  /**
   * A tensor of two models.
   *
   * @param tensor as the first has it; null if it was not compared
   * @param reason why it was not; null if it was
   */
  public record PairRow(
      String name,
      String first,
      String second,
      @Nullable TensorSpec tensor,
      @Nullable Pair pair,
      @Nullable String reason) {}

  /**
   * Two models over all tensors that both have.
   *
   * @param untouched tensors without a changed value
   */
  public record ModelRow(String first, String second, long tensors, long untouched, Pair total) {}

  /** What task vectors are compared over. */
  public enum Scope {
    TENSOR,
    LAYER,
    MODEL
  }

  /**
   * Two task vectors.
   *
   * @param name the tensor's, the layer's, or {@code *}
   * @param support of all task vectors here; null if it was not asked for
   * @param at indices of both in the support
   */
  public record TaskRow(
      Scope scope,
      String name,
      String first,
      String second,
      TaskPair pair,
      @Nullable Support support,
      List<Integer> at) {}

  /** The signs of all task vectors. */
  public record SignRow(Scope scope, String name, List<String> models, Signs signs) {}

  /** Rows of all pairs of each tensor, then of what was not compared. */
  public List<PairRow> pairs() {
    List<PairRow> rows = new ArrayList<>();
    for (Compared c : compared) {
      for (Pair pair : c.found().pairs()) {
        rows.add(
            new PairRow(
                c.group().name(),
                model(c, pair.first()),
                model(c, pair.second()),
                c.found().tensors().get(pair.first()),
                pair,
                null));
      }
    }
    for (Alignment.Unmatched u : unmatched) {
      rows.add(
          new PairRow(
              u.name(),
              hasBase ? models.get(0) : "",
              models.get(u.model()),
              null,
              null,
              u.reason()));
    }
    return rows;
  }

  private String model(Compared c, int index) {
    return models.get(c.group().models().get(index));
  }

  /** Rows of all pairs of models. */
  public List<ModelRow> totals() {
    Map<List<String>, ModelRow> rows = new LinkedHashMap<>();
    for (Compared c : compared) {
      for (Pair pair : c.found().pairs()) {
        String first = model(c, pair.first());
        String second = model(c, pair.second());
        long untouched = pair.changedValues() == 0 ? 1 : 0;
        rows.merge(
            List.of(first, second),
            new ModelRow(first, second, 1, untouched, pair.total()),
            (a, b) ->
                new ModelRow(
                    first,
                    second,
                    a.tensors() + b.tensors(),
                    a.untouched() + b.untouched(),
                    a.total().plus(b.total())));
      }
    }
    return List.copyOf(rows.values());
  }

  /** Rows of pairs of task vectors: by tensor, by layer, over the model. */
  public List<TaskRow> tasks() {
    List<TaskRow> rows = new ArrayList<>();
    Map<List<String>, TaskRow> layers = new LinkedHashMap<>();
    Map<List<String>, TaskRow> whole = new LinkedHashMap<>();
    for (Compared c : compared) {
      for (TaskPair pair : c.found().tasks()) {
        TaskRow row =
            new TaskRow(
                Scope.TENSOR,
                c.group().name(),
                model(c, pair.first()),
                model(c, pair.second()),
                pair,
                c.support(),
                List.of(pair.first() - 1, pair.second() - 1));
        rows.add(row);
        layer(c.group().name()).ifPresent(l -> add(layers, row, Scope.LAYER, l, c));
        add(whole, row, Scope.MODEL, "*", c);
      }
    }
    rows.addAll(layers.values());
    rows.addAll(whole.values());
    return rows;
  }

  private void add(
      Map<List<String>, TaskRow> rows, TaskRow row, Scope scope, String name, Compared c) {
    // Supports add up where all models have the tensor.
    Support support = c.group().models().size() == models.size() ? row.support() : null;
    rows.merge(
        List.of(name, row.first(), row.second()),
        new TaskRow(scope, name, row.first(), row.second(), row.pair(), support, row.at()),
        (a, b) ->
            new TaskRow(
                scope,
                name,
                a.first(),
                a.second(),
                a.pair().plus(b.pair()),
                sum(a.support(), b.support(), Support::plus),
                a.support() == null ? b.at() : a.at()));
  }

  private static <T> @Nullable T sum(@Nullable T a, @Nullable T b, BinaryOperator<T> plus) {
    return a == null ? b : b == null ? a : plus.apply(a, b);
  }

  /** Rows of the signs of all task vectors: by tensor, by layer, over the model. */
  public List<SignRow> signs() {
    List<SignRow> rows = new ArrayList<>();
    Map<String, SignRow> layers = new LinkedHashMap<>();
    Map<String, SignRow> whole = new LinkedHashMap<>();
    for (Compared c : compared) {
      for (Signs signs : c.found().signs()) {
        List<String> tasks = c.group().models().stream().skip(1).map(models::get).toList();
        rows.add(new SignRow(Scope.TENSOR, c.group().name(), tasks, signs));
        if (tasks.size() == models.size() - 1) {
          layer(c.group().name())
              .ifPresent(l -> add(layers, new SignRow(Scope.LAYER, l, tasks, signs)));
          add(whole, new SignRow(Scope.MODEL, "*", tasks, signs));
        }
      }
    }
    rows.addAll(layers.values());
    rows.addAll(whole.values());
    return rows;
  }

  private static void add(Map<String, SignRow> rows, SignRow row) {
    rows.merge(
        row.name(),
        row,
        (a, b) -> new SignRow(a.scope(), a.name(), a.models(), a.signs().plus(b.signs())));
  }

  /** A layer with its stack, as {@code model.layers.12}. */
  private static Optional<String> layer(String tensor) {
    return TensorName.layer(tensor).map(l -> l.stack() + "." + l.index());
  }

  /** What lineage is guessed from; all models must be compared with all. */
  public List<Lineage.Edge> lineage(int trees, Lineage.Direction direction) {
    int n = models.size();
    double[] kurtosis = new double[n];
    for (Compared c : compared) {
      List<Double> of = c.found().kurtosis();
      for (int k = 0; k < of.size(); k++) {
        kurtosis[c.group().models().get(k)] += of.get(k);
      }
    }
    return Lineage.of(meanDistances(), greatestDistances(), kurtosis, trees, direction);
  }

  /** Whether there is a square matrix that all models have. */
  public boolean hasSquares() {
    return compared.stream().anyMatch(this::isSquareInAll);
  }

  private boolean isSquareInAll(Compared c) {
    return !c.found().kurtosis().isEmpty() && c.group().models().size() == models.size();
  }

  /** Σ mean|Wᵢ − Wⱼ| over square matrices. */
  private double[][] meanDistances() {
    double[][] distances = new double[models.size()][models.size()];
    for (Compared c : compared) {
      for (Pair pair : isSquareInAll(c) ? c.found().pairs() : List.<Pair>of()) {
        distances[pair.first()][pair.second()] += pair.meanMagnitude();
        distances[pair.second()][pair.first()] += pair.meanMagnitude();
      }
    }
    return distances;
  }

  /**
   * Of each role the differences of all pairs and layers go from 0 to 1; the distance of a pair is
   * its greatest one.
   */
  private double[][] greatestDistances() {
    Map<String, double[]> ranges = new LinkedHashMap<>();
    for (Compared c : compared) {
      for (Pair pair : isSquareInAll(c) ? c.found().pairs() : List.<Pair>of()) {
        double reach = pair.maxMagnitude();
        double[] range =
            ranges.computeIfAbsent(TensorName.role(c.group().name()), r -> new double[1]);
        range[0] = Math.max(range[0], reach);
      }
    }
    double[][] distances = new double[models.size()][models.size()];
    for (Compared c : compared) {
      for (Pair pair : isSquareInAll(c) ? c.found().pairs() : List.<Pair>of()) {
        double reach = ranges.getOrDefault(TensorName.role(c.group().name()), new double[1])[0];
        // Both directions are among all pairs, so that their range is symmetric around 0.
        double at = reach == 0 ? 0.5 : (pair.maxMagnitude() / reach + 1) / 2;
        int i = pair.first();
        int j = pair.second();
        distances[i][j] = Math.max(distances[i][j], at);
        distances[j][i] = distances[i][j];
      }
    }
    return distances;
  }
}
