package io.weightloom.merge.taskvector;

import io.weightloom.kernel.CounterRandom;
import io.weightloom.merge.Arith;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.Numerics;
import io.weightloom.merge.Span;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.taskvector.Threshold.Guess;
import io.weightloom.tensor.DType;
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
 * @param thresholds one a model, null for a model that is not trimmed
 * @param factors L1 factors by tensor and model, or null while unknown or not asked for
 * @param majority the majority sign, or null while unknown or not asked for
 */
record TaskVectorState(
    MergeScope scope,
    List<TaskVectorRule> rules,
    @Nullable Threshold[] thresholds,
    double @Nullable [][] factors,
    @Nullable Integer majority)
    implements MergeState {

  private static final long serialVersionUID = 1;

  /** Nothing read yet. */
  static TaskVectorState begin(MergeScope scope, List<TaskVectorRule> rules) {
    TaskVectorRule rule = rules.get(0);
    @Nullable Threshold[] thresholds = new Threshold[scope.models()];
    long n = scope.elements();
    for (int k = 0; k < thresholds.length; k++) {
      double density = rule.trim().densities()[k];
      long rank = rule.trim().keep().rank(density, n);
      if (density < 1 && rank <= n) {
        thresholds[k] = open(scope.tensors(), rank);
      }
    }
    return new TaskVectorState(scope, List.copyOf(rules), thresholds, null, null);
  }

  private static Threshold open(List<TensorMerge> tensors, long rank) {
    if (tensors.get(0).isDouble()) {
      return Threshold.open(rank, 63, 0, Guess.NONE);
    }
    boolean bf16 =
        tensors.stream()
            .allMatch(t -> t.numerics() == Numerics.MERGEKIT && t.compute() == DType.BF16);
    // A small scope is read again sooner than a sample of it is drawn.
    long elements = tensors.stream().mapToLong(TensorMerge::elements).sum();
    Guess guess = bf16 || elements <= Span.GRAIN ? Guess.NONE : Guess.WANTED;
    return Threshold.open(rank, Threshold.KEY_BITS, bf16 ? 16 : 0, guess);
  }

  @Override
  public Optional<Survey> survey() {
    if (Arrays.stream(thresholds).anyMatch(t -> t != null && !t.found())) {
      return Optional.of(new Surveys.Magnitudes(this));
    }
    if (factors == null && rules.stream().anyMatch(r -> r.l1() && (r.trims() || r.drops()))) {
      return Optional.of(new Surveys.Norms(this));
    }
    if (majority == null && rules.get(0).election().needsMajority()) {
      return Optional.of(new Surveys.Majority(this));
    }
    return Optional.empty();
  }

  /** The most reads that this and what follows takes. */
  int reads() {
    int radix = Arrays.stream(thresholds).mapToInt(t -> t == null ? 0 : t.reads()).max().orElse(0);
    boolean norms = rules.stream().anyMatch(r -> r.l1() && (r.trims() || r.drops()));
    return radix + (norms ? 1 : 0) + (rules.get(0).election().needsMajority() ? 1 : 0) + 1;
  }

  TaskVectorState with(@Nullable Threshold[] narrowed) {
    return new TaskVectorState(scope, rules, narrowed, factors, majority);
  }

  TaskVectorState with(double[][] found) {
    return new TaskVectorState(scope, rules, thresholds, found, majority);
  }

  TaskVectorState with(int found) {
    return new TaskVectorState(scope, rules, thresholds, factors, found);
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
    TensorMerge merge = scope.tensors().get(tensor);
    Map<String, Object> decisions = new LinkedHashMap<>();
    if (Arrays.stream(thresholds).anyMatch(t -> t != null)) {
      List<@Nullable Double> magnitudes = new ArrayList<>();
      for (Threshold t : thresholds) {
        magnitudes.add(t == null ? null : (Double) t.magnitude(merge.isDouble()));
      }
      decisions.put("thresholds", magnitudes);
    }
    if (factors != null) {
      decisions.put("rescale_factors", Arrays.stream(factors[tensor]).boxed().toList());
    }
    if (majority != null) {
      decisions.put("majority_sign", majority);
    }
    return decisions;
  }
}
