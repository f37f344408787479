package io.weightloom.prune;

import com.google.auto.service.AutoService;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.SideTable;
import io.weightloom.merge.SideTable.Layout;
import io.weightloom.merge.SideTable.Per;
import io.weightloom.merge.Span;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.taskvector.Selection;
import java.io.Serializable;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Chooses the weights that what is to be forgotten depends on and what is to be kept does not: the
 * share of largest {@code θ·∇f − (1/γ)·∇r·∇f}, ∇f and ∇r being the mean gradients of the loss on
 * both sets (Jia et al., 2024, "WAGLE: Strategic Weight Attribution for Effective and Modular
 * Unlearning in Large Language Models"). Unlearning under the mask ({@code output: mask}) is done
 * elsewhere.
 *
 * <p>Exactly ⌊s·n⌋ are chosen, of equal scores the first; only of scores that are 0 all are, if one
 * is.
 */
@AutoService(MergeMethod.class)
public final class Wagle implements ElementwisePruning {
  private static final String FORGET = "forget_gradients";
  private static final String RETAIN = "retain_gradients";
  private static final String SHARE = "share";
  private static final String GAMMA = "gamma";

  private static final MethodSpec SPEC =
      new MethodSpec(
          "wagle",
          "WAGLE",
          "chooses the weights to change when a set is unlearnt, by two gradients",
          "https://arxiv.org/abs/2410.17509",
          BaseRule.DONOR,
          1,
          1,
          List.of(
              ParamSpec.number(SHARE, 0.2, "share of the weights that is chosen")
                  .within(new Range(0, true, 1)),
              ParamSpec.extension(
                  GAMMA,
                  1,
                  new Range(0, false, Double.MAX_VALUE),
                  "γ, the curvature of the loss on what is retained"),
              ParamSpec.extension(
                  "scope", List.of("model", "tensor"), "what the share is taken over"),
              PruneParams.TARGETS,
              PruneParams.OUTPUT),
          List.of(
              gradients(FORGET, "mean gradient of the loss on what is to be forgotten"),
              gradients(RETAIN, "mean gradient of the loss on what is to be retained")),
          List.of());

  private static SideTable gradients(String name, String help) {
    return new SideTable(
        name, Per.MERGE, Layout.ELEMENTS, true, false, Double.NEGATIVE_INFINITY, help);
  }

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public boolean isWholeModel(Params params) {
    return params.choice("scope").equals("model");
  }

  @Override
  public int reads(MergeScope scope) {
    return State.begin(scope).selection().reads() + 1;
  }

  @Override
  public MergeState begin(MergeScope scope) {
    return State.begin(scope);
  }

  /**
   * The thresholds on their way: slot 0 is the least positive score chosen, slot 1 the least
   * negative one that is not.
   */
  private record State(MergeScope scope, boolean[] taken, Selection selection, long rank, long all)
      implements MergeState {
    private static final long serialVersionUID = 1;
    private static final int POSITIVE = 0;
    private static final int NEGATIVE = 1;

    static State begin(MergeScope scope) {
      List<TensorMerge> tensors = new ArrayList<>();
      boolean[] taken = new boolean[scope.tensors().size()];
      for (int t = 0; t < taken.length; t++) {
        TensorMerge tensor = scope.tensors().get(t);
        taken[t] = PruneParams.isTarget(tensor);
        if (taken[t]) {
          tensors.add(tensor);
        }
      }
      long all = tensors.stream().mapToLong(TensorMerge::elements).sum();
      double share = scope.tensors().get(0).params().number(SHARE);
      long rank =
          BigDecimal.valueOf(share).multiply(BigDecimal.valueOf(all)).toBigInteger().longValue();
      boolean some = rank > 0 && rank < all;
      Selection selection =
          Selection.open(
              tensors.isEmpty() ? scope.tensors() : tensors,
              false,
              some ? rank : 0,
              some ? all - rank : 0);
      return new State(scope, taken, selection, rank, all);
    }

    @Override
    public Optional<Survey> survey() {
      return selection.isFound() ? Optional.empty() : Optional.of(new Count(this));
    }

    @Override
    public Map<String, Object> decisions(int tensor) {
      if (!taken[tensor] || rank == 0 || rank == all) {
        return Map.of();
      }
      double positive = selection.magnitude(POSITIVE);
      return Map.of("threshold", positive > 0 ? positive : -selection.magnitude(NEGATIVE));
    }

    /** The scores of a chunk, or their positive or negative parts. */
    <V> void scores(Arith<V> arith, TensorMerge tensor, Chunk<V> chunk, double[] out) {
      int n = chunk.length();
      double inverse = 1 / tensor.params().number(GAMMA);
      V forget = chunk.sides()[tensor.firstSide(FORGET)];
      V retain = chunk.sides()[tensor.firstSide(RETAIN)];
      for (int i = 0; i < n; i++) {
        double f = arith.at(forget, i);
        out[i] = arith.at(chunk.inputs()[0], i) * f - inverse * arith.at(retain, i) * f;
      }
    }

    static <V> void part(
        Arith<V> arith, double[] scores, int slot, V out, double[] scratch, int n) {
      for (int i = 0; i < n; i++) {
        scratch[i] = Math.max(slot == POSITIVE ? scores[i] : -scores[i], 0.0) + 0.0;
      }
      arith.narrow(scratch, out, n);
    }

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      TensorMerge tensor = scope.tensors().get(span.tensor());
      if (!taken[span.tensor()] && !PruneParams.isMask(tensor.params())) {
        return new Pruner<>(arith, tensor.params(), Pruner.Choice.all());
      }
      if (!taken[span.tensor()] || rank == 0) {
        return new Pruner<>(arith, tensor.params(), Pruner.Choice.none());
      }
      if (rank == all) {
        return new Pruner<>(arith, tensor.params(), Pruner.Choice.all());
      }
      double[] scores = new double[Arith.CAPACITY];
      double[] scratch = new double[Arith.CAPACITY];
      V part = arith.vector();
      boolean positive = selection.magnitude(POSITIVE) > 0;
      boolean negative = !positive && selection.magnitude(NEGATIVE) > 0;
      Selection.Trimmer<V> trimmer = selection.trimmer(positive ? POSITIVE : NEGATIVE, arith, span);
      return new Pruner<>(
          arith,
          tensor.params(),
          (chunk, kept) -> {
            int n = chunk.length();
            scores(arith, tensor, chunk, scores);
            part(arith, scores, positive ? POSITIVE : NEGATIVE, part, scratch, n);
            if (positive) {
              trimmer.keepLargest(part, n);
            } else if (negative) {
              trimmer.dropLargest(part, n);
            }
            for (int i = 0; i < n; i++) {
              boolean left = arith.at(part, i) != 0;
              kept[i] = positive ? left : negative ? scores[i] >= 0 || left : scores[i] >= 0;
            }
          });
    }

    /** Counts both parts of the scores. */
    private record Count(State state) implements Survey {
      private static final long serialVersionUID = 1;

      @Override
      public boolean isPartial() {
        return state.selection.isSampled();
      }

      @Override
      public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
        TensorMerge tensor = state.scope.tensors().get(span.tensor());
        Selection.Counter<V> counter = state.selection.counter(arith);
        double[] scores = new double[Arith.CAPACITY];
        double[] scratch = new double[Arith.CAPACITY];
        V part = arith.vector();
        return new Surveyor<>() {
          @Override
          public void see(Chunk<V> chunk) {
            if (!state.taken[span.tensor()]) {
              return;
            }
            state.scores(arith, tensor, chunk, scores);
            for (int slot = 0; slot < 2; slot++) {
              part(arith, scores, slot, part, scratch, chunk.length());
              counter.count(slot, part, chunk.length());
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
        List<Part> seen = parts.stream().filter(p -> state.taken[p.span().tensor()]).toList();
        return new State(
            state.scope,
            state.taken,
            state.selection.narrowed(seen, Part::found),
            state.rank,
            state.all);
      }
    }
  }
}
