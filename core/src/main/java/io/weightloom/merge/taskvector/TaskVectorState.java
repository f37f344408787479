package io.weightloom.merge.taskvector;

import io.weightloom.kernel.CounterRandom;
import io.weightloom.merge.Arith;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.Span;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.taskvector.TaskVectorRule.Election;
import io.weightloom.merge.taskvector.TaskVectorRule.Keep;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the task vectors of a scope: at first nothing, then thresholds, then L1 factors,
 * then the norms that votes are counted in, then the majority sign, each only if the rule asks for
 * it.
 *
 * @param scope the tensors
 * @param rules one a tensor
 * @param shares by model the thresholds that a share of squares asks for; empty if none does
 * @param spreads by model mean and distance from it that is kept, or null while unknown or not
 *     asked for
 * @param thresholds a slot for each model that is trimmed, then one for each that loses outliers
 * @param factors L1 factors by tensor and model, or null while unknown or not asked for
 * @param squares ‖δ‖² by model of what votes, or null while unknown or not asked for
 * @param majority the majority sign, or null while unknown or not asked for
 */
record TaskVectorState(
    MergeScope scope,
    List<TaskVectorRule> rules,
    List<SquareShare> shares,
    double @Nullable [][] spreads,
    Selection thresholds,
    double @Nullable [][] factors,
    double @Nullable [] squares,
    @Nullable Integer majority)
    implements MergeState {

  private static final long serialVersionUID = 1;

  /** Nothing read yet. */
  static TaskVectorState begin(MergeScope scope, List<TaskVectorRule> rules) {
    TaskVectorRule.Trim trim = rules.get(0).trim();
    int models = scope.models();
    long[] ranks = new long[2 * models];
    List<SquareShare> shares = new ArrayList<>();
    for (int k = 0; k < models; k++) {
      ranks[k] = trim.rank(k, scope.elements());
      ranks[models + k] = trim.outliers(k, scope.elements());
      if (trim.keep() == Keep.SQUARES) {
        shares.add(SquareShare.open(trim.densities()[k], scope.tensors().get(0).isDouble()));
      }
    }
    Selection thresholds = Selection.open(scope.tensors(), true, ranks);
    return new TaskVectorState(
            scope, List.copyOf(rules), List.of(), null, thresholds, null, null, null)
        .with(shares);
  }

  @Override
  public Optional<Survey> survey() {
    if (shares.stream().anyMatch(SquareShare::open)) {
      return Optional.of(new Surveys.Squares(this));
    }
    if (spreads == null && needsSpreads()) {
      return Optional.of(new Surveys.Spreads(this));
    }
    if (!thresholds.isFound()) {
      return Optional.of(new Surveys.Magnitudes(this));
    }
    if (factors == null && rules.stream().anyMatch(TaskVectorRule::rescales)) {
      return Optional.of(new Surveys.Norms(this));
    }
    if (squares == null && rules.get(0).election().needsNorms()) {
      return Optional.of(new Surveys.Votes(this));
    }
    if (majority == null && rules.get(0).election().needsMajority()) {
      return Optional.of(new Surveys.Majority(this));
    }
    return Optional.empty();
  }

  private boolean needsSpreads() {
    return rules.get(0).trim().keep() == Keep.FAR_FROM_MEAN;
  }

  /** The most reads that this and what follows takes. */
  int reads() {
    Election election = rules.get(0).election();
    return thresholds.reads()
        + shares.stream().mapToInt(SquareShare::reads).max().orElse(0)
        + (needsSpreads() ? 1 : 0)
        + (rules.stream().anyMatch(TaskVectorRule::rescales) ? 1 : 0)
        + (election.needsNorms() ? 1 : 0)
        + (election.needsMajority() ? 1 : 0)
        + 1;
  }

  TaskVectorState with(List<SquareShare> narrowed) {
    Selection found =
        narrowed.stream().anyMatch(SquareShare::open)
            ? thresholds
            : thresholds.with(narrowed.stream().map(SquareShare::threshold).toList());
    return new TaskVectorState(scope, rules, narrowed, spreads, found, factors, squares, majority);
  }

  TaskVectorState withSpreads(double[][] found) {
    return new TaskVectorState(scope, rules, shares, found, thresholds, factors, squares, majority);
  }

  TaskVectorState withSquares(double[] found) {
    return new TaskVectorState(scope, rules, shares, spreads, thresholds, factors, found, majority);
  }

  TaskVectorState with(Selection narrowed) {
    return new TaskVectorState(scope, rules, shares, spreads, narrowed, factors, squares, majority);
  }

  TaskVectorState with(double[][] found) {
    return new TaskVectorState(scope, rules, shares, spreads, thresholds, found, squares, majority);
  }

  TaskVectorState with(int found) {
    return new TaskVectorState(scope, rules, shares, spreads, thresholds, factors, squares, found);
  }

  /** The slot of the threshold above which a model's elements are outliers. */
  int outlierSlot(int model) {
    return scope.models() + model;
  }

  TensorMerge tensor(Span span) {
    return scope.tensors().get(span.tensor());
  }

  TaskVectorRule rule(Span span) {
    return rules.get(span.tensor());
  }

  /** The key of a model's mask: by the output's name, so that a layer used twice differs. */
  long maskKey(Span span, int model) {
    TensorMerge tensor = tensor(span);
    return CounterRandom.key(
        scope.seed(), tensor.inputs().get(model).model(), tensor.output().name());
  }

  double factor(int tensor, int model) {
    return factors == null ? 1 : factors[tensor][model];
  }

  @Override
  public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
    return new TaskVectorEmitter<>(this, arith, span);
  }

  @Override
  public Map<String, Object> decisions(int tensor) {
    Map<String, Object> decisions = new LinkedHashMap<>();
    int models = scope.models();
    put(decisions, "thresholds", magnitudes(0, models));
    put(decisions, "outlier_thresholds", magnitudes(models, models));
    if (spreads != null) {
      decisions.put("means", column(spreads, 0));
      decisions.put("distances_kept", column(spreads, 1));
    }
    if (squares != null) {
      decisions.put("vote_norms", Arrays.stream(squares).map(Math::sqrt).boxed().toList());
    }
    if (factors != null) {
      decisions.put("rescale_factors", Arrays.stream(factors[tensor]).boxed().toList());
    }
    if (majority != null) {
      decisions.put("majority_sign", majority);
    }
    return decisions;
  }

  private static List<Double> column(double[][] rows, int column) {
    return Arrays.stream(rows).map(row -> row[column]).toList();
  }

  private List<@Nullable Double> magnitudes(int first, int count) {
    List<@Nullable Double> magnitudes = new ArrayList<>();
    for (int slot = first; slot < first + count; slot++) {
      magnitudes.add(thresholds.slot(slot) == null ? null : (Double) thresholds.magnitude(slot));
    }
    return magnitudes;
  }

  private static void put(
      Map<String, Object> decisions, String key, List<@Nullable Double> magnitudes) {
    if (magnitudes.stream().anyMatch(m -> m != null)) {
      decisions.put(key, magnitudes);
    }
  }
}
