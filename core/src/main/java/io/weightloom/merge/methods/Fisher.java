package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.GrainSums;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.SideTable;
import io.weightloom.merge.Span;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Fisher merging: {@code θ = Σ cₜ·Dₜ·θₜ / Σ cₜ·Dₜ} with {@code D} made of each model's diagonal
 * Fisher information (Matena and Raffel, 2022, "Merging models with Fisher-weighted averaging", eq.
 * 6). Where all weights of an element are 0 it keeps the first model's value.
 *
 * <p>{@code D = (max(F, floor) + added) / ‖F‖ + smooth}; the norm is over the model, over the
 * tensor, or left out. Without tables all are 1: the isotropic merge.
 */
@AutoService(MergeMethod.class)
public final class Fisher implements ElementwiseMethod {
  private static final String FISHER = "fisher";
  private static final Range NOT_NEGATIVE = new Range(0, true, Double.POSITIVE_INFINITY);

  private static final MethodSpec SPEC =
      new MethodSpec(
          "fisher",
          "Fisher merging",
          "averages weights by their diagonal Fisher information",
          "https://arxiv.org/abs/2111.09832",
          BaseRule.DONOR,
          2,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.perModel("weight", "coefficient of the model")
                  .orElse(1)
                  .within(NOT_NEGATIVE),
              ParamSpec.extension("floor", 1e-6, NOT_NEGATIVE, "least Fisher value"),
              ParamSpec.extension(
                  "floor_of",
                  List.of("first", "all"),
                  "whose values the floor holds for: the first model's, the paper's target, or all"),
              ParamSpec.extension("added", 0, NOT_NEGATIVE, "added to each Fisher value"),
              ParamSpec.extension(
                  "norm", List.of("model", "tensor", "none"), "divide by the L2 norm of this"),
              ParamSpec.extension(
                  "norm_added", 0, NOT_NEGATIVE, "added to the norm before dividing by it"),
              ParamSpec.extension("smooth", 0, NOT_NEGATIVE, "added to each value after dividing")),
          List.of(
              SideTable.weights(
                  FISHER, false, "diagonal Fisher information of each model; all ones without")),
          List.of(
              new Variant("mmatena", "the paper's code: a floor under the first model", Map.of()),
              new Variant(
                  "mergelm",
                  "MergeLM's and FusionBench's: 1e-6 added to all",
                  Map.of("floor", 0.0, "added", 1e-6, "norm_added", 1e-6)),
              new Variant(
                  "regmean_repo",
                  "dataless-model-merging's: 1e-10 added, no norm",
                  Map.of("floor", 0.0, "norm", "none", "smooth", 1e-10)),
              new Variant(
                  "mats",
                  "MaTS': a floor of 1e-8 under all, no norm",
                  Map.of("floor", 1e-8, "floor_of", "all", "norm", "none"))));

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Optional<String> problem(Params params) {
    return Arrays.stream(params.numbers("weight")).sum() > 0
        ? Optional.empty()
        : Optional.of("the weights are all 0 (give one model a weight above 0)");
  }

  @Override
  public boolean isWholeModel(Params params) {
    return params.choice("norm").equals("model");
  }

  @Override
  public int reads(MergeScope scope) {
    return needsNorms(scope) ? 2 : 1;
  }

  private static boolean needsNorms(MergeScope scope) {
    return scope.tensors().stream().anyMatch(t -> t.firstSide(FISHER) >= 0)
        && !scope.tensors().get(0).params().choice("norm").equals("none");
  }

  @Override
  public MergeState begin(MergeScope scope) {
    return new State(scope, needsNorms(scope) ? null : new double[0]);
  }

  /**
   * The norms once they are known.
   *
   * @param norms L2 norm of each model's Fisher; empty if none is asked for, null while unknown
   */
  private record State(MergeScope scope, double @Nullable [] norms) implements MergeState {
    private static final long serialVersionUID = 1;

    @Override
    public Optional<Survey> survey() {
      return norms == null ? Optional.of(new Norms(scope)) : Optional.empty();
    }

    @Override
    public Map<String, Object> decisions(int tensor) {
      return norms == null || norms.length == 0
          ? Map.of()
          : Map.of("fisher_norms", Arrays.stream(norms).boxed().toList());
    }

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      Params p = scope.tensors().get(span.tensor()).params();
      boolean isotropic = scope.tensors().get(span.tensor()).firstSide(FISHER) < 0;
      double[] weights = p.numbers("weight");
      V[] weighted = arith.vectors(weights.length);
      V[] fishers = arith.vectors(weights.length);
      V first = arith.vector();
      V total = arith.vector();
      return (chunk, out) -> {
        int n = chunk.length();
        arith.shift(chunk.inputs()[0], 0, first, n);
        for (int k = 0; k < weights.length; k++) {
          V d = fishers[k];
          if (isotropic) {
            arith.scale(chunk.inputs()[k], 0, d, n);
            arith.shift(d, weights[k], d, n);
          } else {
            weight(arith, p, k, chunk.sides()[k], d, n);
            arith.scale(d, weights[k], d, n);
          }
          arith.multiply(d, chunk.inputs()[k], weighted[k], n);
        }
        arith.sum(weighted, out, n);
        arith.sum(fishers, total, n);
        arith.divideOr(out, total, first, out, n);
      };
    }

    private <V> void weight(Arith<V> arith, Params p, int k, V fisher, V out, int n) {
      boolean floored = k == 0 || p.choice("floor_of").equals("all");
      arith.floor(fisher, floored ? p.number("floor") : 0, out, n);
      arith.shift(out, p.number("added"), out, n);
      double[] known = norms;
      if (known != null && known.length > 0) {
        double norm = known[k] + p.number("norm_added");
        arith.scale(out, norm == 0 ? 1 : 1 / norm, out, n);
      }
      arith.shift(out, p.number("smooth"), out, n);
    }
  }

  /** Reads the tables alone; found: sums of squares by model and grain. */
  private record Norms(MergeScope scope) implements MergeState.Survey {
    private static final long serialVersionUID = 1;

    @Override
    public boolean isOfSides() {
      return true;
    }

    @Override
    public <V> MergeState.Surveyor<V> surveyor(Arith<V> arith, Span span) {
      int tables = scope.tensors().get(span.tensor()).sides().size();
      GrainSums[] sums = new GrainSums[tables];
      Arrays.setAll(sums, k -> new GrainSums(span));
      return new MergeState.Surveyor<>() {
        @Override
        public void see(Chunk<V> chunk) {
          for (int k = 0; k < tables; k++) {
            V fisher = chunk.sides()[k];
            arith.dot(fisher, fisher, sums[k].lanes(chunk.first() - span.first()), chunk.length());
          }
        }

        @Override
        public Serializable found() {
          return Arrays.stream(sums).map(GrainSums::finish).toArray(double[][]::new);
        }
      };
    }

    @Override
    public MergeState conclude(List<MergeState.Part> parts) {
      double[] norms = new double[scope.models()];
      for (MergeState.Part part : parts) {
        double[][] found = (double[][]) part.found();
        for (int k = 0; k < found.length; k++) {
          for (double grain : found[k]) {
            norms[k] += grain;
          }
        }
      }
      return new State(scope, Arrays.stream(norms).map(Math::sqrt).toArray());
    }
  }
}
