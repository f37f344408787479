package io.weightloom.prune;

import io.weightloom.error.WeightloomException;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.Params;
import io.weightloom.merge.Span;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.taskvector.Selection;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Pruning by one threshold over a scope, a tensor or the model: exactly as many of the least scores
 * as are asked for, of equal scores those of the lowest place first, place being the order of the
 * scope's tensors and the flat index in a tensor.
 *
 * @param scope the tensors
 * @param scores what ranks
 * @param pruned which tensors take part
 * @param selection the score of the last one kept, or of the last one pruned where all that tie go
 * @param all how many scores there are
 * @param least how many of them are pruned, ties apart
 */
record Ranking(
    MergeScope scope, Scores scores, boolean[] pruned, Selection selection, long all, long least)
    implements MergeState {

  private static final long serialVersionUID = 1;
  private static final int SLOT = 0;

  /** Nothing read yet. */
  static Ranking begin(MergeScope scope, Scores scores) {
    List<TensorMerge> tensors = scope.tensors();
    boolean[] pruned = new boolean[tensors.size()];
    List<TensorMerge> taken = new ArrayList<>();
    for (int t = 0; t < pruned.length; t++) {
      TensorMerge tensor = tensors.get(t);
      pruned[t] =
          PruneParams.isTarget(tensor)
              && PruneParams.sparsity(tensor) > 0
              && scores.isKnown(tensor);
      if (pruned[t]) {
        taken.add(tensor);
      }
    }
    if (taken.isEmpty()) {
      Selection none = Selection.open(tensors, false, 0);
      return new Ranking(scope, scores, pruned, none, 0, 0);
    }
    double sparsity = oneSparsity(taken);
    Counting counting = PruneParams.counting(taken.get(0).params());
    long all = taken.stream().mapToLong(TensorMerge::elements).sum();
    long least = counting.pruned(sparsity, all);
    long rank = least == 0 || least == all ? 0 : all - least + (counting.isExact() ? 0 : 1);
    return new Ranking(scope, scores, pruned, Selection.open(taken, false, rank), all, least);
  }

  /** One threshold means one sparsity. */
  private static double oneSparsity(List<TensorMerge> tensors) {
    TensorMerge first = tensors.get(0);
    for (TensorMerge t : tensors) {
      if (PruneParams.sparsity(t) != PruneParams.sparsity(first)) {
        throw WeightloomException.usage(
            "Cannot prune the model by one threshold: %s has sparsity %s, %s has %s (give all the same, or 0 to those that stay dense; or set weightloom: {scope: tensor})"
                .formatted(
                    first.output().name(),
                    PruneParams.sparsity(first),
                    t.output().name(),
                    PruneParams.sparsity(t)));
      }
    }
    return PruneParams.sparsity(first);
  }

  /** The most reads, the emission included. */
  int reads() {
    return selection.reads() + 1;
  }

  @Override
  public Optional<Survey> survey() {
    return selection.isFound() ? Optional.empty() : Optional.of(new Magnitudes(this));
  }

  private Params params() {
    return scope.tensors().get(0).params();
  }

  private boolean isWhole(int tensor) {
    return !pruned[tensor] || least == 0;
  }

  @Override
  public Map<String, Object> decisions(int tensor) {
    if (isWhole(tensor) || least == all) {
      return Map.of();
    }
    Map<String, Object> decisions = new LinkedHashMap<>();
    decisions.put("threshold", selection.magnitude(SLOT));
    return decisions;
  }

  @Override
  public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
    if (isWhole(span.tensor())) {
      return new Pruner<>(arith, params(), Pruner.Choice.all());
    }
    if (least == all) {
      return new Pruner<>(arith, params(), Pruner.Choice.none());
    }
    Selection.Trimmer<V> trimmer = selection.trimmer(SLOT, arith, span);
    boolean isExact = PruneParams.counting(params()).isExact();
    TensorMerge tensor = scope.tensors().get(span.tensor());
    if (scores == Scores.MAGNITUDE
        && tensor.inputs().size() == 1
        && isExact
        && !PruneParams.isMask(params())) {
      return new InPlace<>(arith, trimmer);
    }
    V scratch = arith.vector();
    return new Pruner<>(
        arith,
        params(),
        (chunk, kept) -> {
          V values = scores.of(arith, tensor, chunk, scratch);
          if (isExact) {
            trimmer.choose(values, kept, chunk.length());
          } else {
            trimmer.chooseAbove(values, kept, chunk.length());
          }
        });
  }

  /** Zeros the least weights where they stand: nothing else is needed of most. */
  private static final class InPlace<V> implements Emitter<V> {
    private final Arith<V> arith;
    private final Selection.Trimmer<V> trimmer;
    private long count;

    InPlace(Arith<V> arith, Selection.Trimmer<V> trimmer) {
      this.arith = arith;
      this.trimmer = trimmer;
    }

    @Override
    public void emit(Chunk<V> chunk, V out) {
      arith.scale(chunk.inputs()[0], 1, out, chunk.length());
      count += trimmer.dropSmallest(out, chunk.length());
    }

    @Override
    public Map<String, long[]> counts() {
      return Map.of(KEPT, new long[] {count});
    }
  }

  /** Counts magnitudes to narrow the threshold. */
  private record Magnitudes(Ranking state) implements Survey {
    private static final long serialVersionUID = 1;

    @Override
    public boolean isPartial() {
      return state.selection.isSampled();
    }

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      TensorMerge tensor = state.scope.tensors().get(span.tensor());
      boolean counts = state.pruned[span.tensor()];
      Selection.Counter<V> counter = state.selection.counter(arith);
      V scratch = arith.vector();
      return new Surveyor<>() {
        @Override
        public void see(Chunk<V> chunk) {
          if (counts) {
            counter.count(SLOT, state.scores.of(arith, tensor, chunk, scratch), chunk.length());
          }
        }

        @Override
        public Serializable found() {
          return counter.found();
        }
      };
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      List<Part> taken = parts.stream().filter(p -> state.pruned[p.span().tensor()]).toList();
      return new Ranking(
          state.scope,
          state.scores,
          state.pruned,
          state.selection.narrowed(taken, Part::found),
          state.all,
          state.least);
    }
  }
}
