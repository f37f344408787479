package io.weightloom.merge.taskvector;

import io.weightloom.kernel.CounterRandom;
import io.weightloom.merge.Arith;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.Span;
import io.weightloom.merge.TensorMerge;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the task vectors of a scope: at first nothing, then thresholds, then L1 factors,
 * then the majority sign, each only if the rule asks for it.
 *
 * @param scope the tensors
 * @param rules one a tensor
 * @param thresholds a slot for each model that is trimmed, then one for each that loses outliers
 * @param factors L1 factors by tensor and model, or null while unknown or not asked for
 * @param majority the majority sign, or null while unknown or not asked for
 */
record TaskVectorState(
    MergeScope scope,
    List<TaskVectorRule> rules,
    Selection thresholds,
    double @Nullable [][] factors,
    @Nullable Integer majority)
    implements MergeState {

  private static final long serialVersionUID = 1;

  /** Nothing read yet. */
  static TaskVectorState begin(MergeScope scope, List<TaskVectorRule> rules) {
    TaskVectorRule.Trim trim = rules.get(0).trim();
    int models = scope.models();
    long[] ranks = new long[2 * models];
    for (int k = 0; k < models; k++) {
      ranks[k] = trim.rank(k, scope.elements());
      ranks[models + k] = trim.outliers(k, scope.elements());
    }
    Selection thresholds = Selection.open(scope.tensors(), true, ranks);
    return new TaskVectorState(scope, List.copyOf(rules), thresholds, null, null);
  }

  @Override
  public Optional<Survey> survey() {
    if (!thresholds.isFound()) {
      return Optional.of(new Surveys.Magnitudes(this));
    }
    if (factors == null && rules.stream().anyMatch(TaskVectorRule::rescales)) {
      return Optional.of(new Surveys.Norms(this));
    }
    if (majority == null && rules.get(0).election().needsMajority()) {
      return Optional.of(new Surveys.Majority(this));
    }
    return Optional.empty();
  }

  /** The most reads that this and what follows takes. */
  int reads() {
    boolean norms = rules.stream().anyMatch(TaskVectorRule::rescales);
    return thresholds.reads()
        + (norms ? 1 : 0)
        + (rules.get(0).election().needsMajority() ? 1 : 0)
        + 1;
  }

  TaskVectorState with(Selection narrowed) {
    return new TaskVectorState(scope, rules, narrowed, factors, majority);
  }

  TaskVectorState with(double[][] found) {
    return new TaskVectorState(scope, rules, thresholds, found, majority);
  }

  TaskVectorState with(int found) {
    return new TaskVectorState(scope, rules, thresholds, factors, found);
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
    if (factors != null) {
      decisions.put("rescale_factors", Arrays.stream(factors[tensor]).boxed().toList());
    }
    if (majority != null) {
      decisions.put("majority_sign", majority);
    }
    return decisions;
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
