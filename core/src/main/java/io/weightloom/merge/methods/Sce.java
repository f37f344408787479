package io.weightloom.merge.methods;

import static io.weightloom.merge.taskvector.TaskVectorParams.INT8_MASK;

import com.google.auto.service.AutoService;
import io.weightloom.kernel.Kernels;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.GrainSums;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MergeState.Part;
import io.weightloom.merge.MergeState.Survey;
import io.weightloom.merge.MergeState.Surveyor;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Span;
import io.weightloom.merge.taskvector.Selection;
import java.io.Serializable;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * SCE: selects the coordinates in which the models differ most, weighs each model by the mean
 * square of what is left of its task vector, and erases the minority signs (Wan et al., 2024,
 * "FuseChat: Knowledge fusion of chat models", §3.3, as mergekit has it).
 */
@AutoService(MergeMethod.class)
public final class Sce implements ElementwiseMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "sce",
          "SCE",
          "selects by variance, weighs by energy, erases minority signs",
          "https://arxiv.org/abs/2408.07990",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.number("select_topk", 1, "share of the differing coordinates to merge")
                  .within(new Range(0, true, 1)),
              INT8_MASK),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public int reads(MergeScope scope) {
    return Selected.begin(scope).reads();
  }

  @Override
  public MergeState begin(MergeScope scope) {
    return Selected.begin(scope);
  }

  /**
   * What is known of a tensor.
   *
   * @param differing coordinates in which the models differ, or −1 while unknown
   * @param variances the least variance that is merged
   * @param energies the mean square of what is merged of each task vector, or null while unknown
   */
  private record Selected(
      MergeScope scope, long differing, @Nullable Selection variances, double @Nullable [] energies)
      implements MergeState {
    private static final long serialVersionUID = 1;

    static Selected begin(MergeScope scope) {
      return new Selected(scope, -1, null, null);
    }

    private double share() {
      return scope.tensors().get(0).params().number("select_topk");
    }

    int reads() {
      Selection any = Selection.open(scope.tensors(), true, 1);
      return share() < 1 ? any.reads() + 3 : 2;
    }

    @Override
    public Optional<Survey> survey() {
      if (share() < 1 && differing < 0) {
        return Optional.of(new Differing(this));
      }
      if (variances != null && !variances.isFound()) {
        return Optional.of(new Variances(this));
      }
      return energies == null ? Optional.of(new Energies(this)) : Optional.empty();
    }

    Selected with(long found) {
      long rank = (long) (found * share());
      return new Selected(
          scope,
          found,
          Selection.open(scope.tensors(), true, rank),
          rank == 0 ? new double[scope.models()] : null);
    }

    boolean selectsNothing() {
      return share() < 1 && (long) (differing * share()) == 0;
    }

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      Deltas<V> deltas = new Deltas<>(this, arith, span);
      double[] weights = weights(arith);
      double[][] values = new double[weights.length][Arith.CAPACITY];
      double[] merged = new double[Arith.CAPACITY];
      V sign = arith.vector();
      double[] signs = new double[Arith.CAPACITY];
      double least = arith.scalar(1e-6);
      return (chunk, out) -> {
        int n = chunk.length();
        deltas.select(chunk);
        arith.electByMass(chunk.inputs(), 1, sign, n);
        arith.widen(sign, signs, 0, n);
        for (int k = 0; k < weights.length; k++) {
          arith.widen(chunk.inputs()[k], values[k], 0, n);
        }
        for (int i = 0; i < n; i++) {
          double sum = 0;
          double total = 0;
          for (int k = 0; k < weights.length; k++) {
            if (values[k][i] * signs[i] > 0) {
              sum += arith.scalar(values[k][i] * weights[k]);
              total += weights[k];
            }
          }
          merged[i] = arith.scalar(sum) / Math.max(arith.scalar(total), least);
        }
        arith.narrow(merged, out, n);
        arith.add(chunk.base(), out, out, n);
      };
    }

    /** Equal ones where all energies are next to nothing. */
    private double[] weights(Arith<?> arith) {
      double[] means = new double[scope.models()];
      if (energies != null) {
        Arrays.setAll(means, k -> arith.scalar(energies[k]));
      }
      double total = arith.sum(means);
      boolean even = total < 1e-6;
      double[] weights = new double[means.length];
      Arrays.setAll(weights, k -> arith.scalar(even ? 1.0 / means.length : means[k] / total));
      return weights;
    }

    @Override
    public Map<String, Object> decisions(int tensor) {
      Map<String, Object> decisions = new LinkedHashMap<>();
      if (differing >= 0) {
        decisions.put("selected", (long) (differing * share()));
      }
      if (energies != null) {
        decisions.put("mean_squares", Arrays.stream(energies).boxed().toList());
      }
      return decisions;
    }
  }

  /** Task vectors of a span and their variance over the models. */
  private static final class Deltas<V> {
    private final Selected state;
    private final Arith<V> arith;
    private final V variance;
    private final double[][] values;
    private final double[] variances = new double[Arith.CAPACITY];
    private final Selection.@Nullable Trimmer<V> trimmer;

    Deltas(Selected state, Arith<V> arith, Span span) {
      this.state = state;
      this.arith = arith;
      this.variance = arith.vector();
      this.values = new double[state.scope().models()][Arith.CAPACITY];
      Selection found = state.variances();
      this.trimmer =
          found != null && found.isFound() && !state.selectsNothing()
              ? found.trimmer(0, arith, span)
              : null;
    }

    /** Subtracts the base in place. */
    void subtract(Chunk<V> chunk) {
      for (V delta : chunk.inputs()) {
        arith.subtract(delta, chunk.base(), delta, chunk.length());
      }
    }

    /** The population variance over the models at each coordinate. */
    V variance(Chunk<V> chunk) {
      int n = chunk.length();
      subtract(chunk);
      for (int k = 0; k < values.length; k++) {
        arith.widen(chunk.inputs()[k], values[k], 0, n);
      }
      for (int i = 0; i < n; i++) {
        double mean = 0;
        for (double[] value : values) {
          mean += value[i];
        }
        mean /= values.length;
        double squares = 0;
        for (double[] value : values) {
          squares += (value[i] - mean) * (value[i] - mean);
        }
        variances[i] = squares / values.length;
      }
      arith.narrow(variances, variance, n);
      return variance;
    }

    /** Subtracts the base in place and sets to 0 what is not selected. */
    void select(Chunk<V> chunk) {
      if (trimmer == null && !state.selectsNothing()) {
        subtract(chunk);
        return;
      }
      int n = chunk.length();
      V selected = variance(chunk);
      if (trimmer != null) {
        trimmer.keepLargest(selected, n);
      }
      arith.widen(selected, variances, 0, n);
      for (int k = 0; k < values.length; k++) {
        for (int i = 0; i < n; i++) {
          values[k][i] = state.selectsNothing() || variances[i] == 0 ? 0 : values[k][i];
        }
        arith.narrow(values[k], chunk.inputs()[k], n);
      }
    }
  }

  /** Counts the coordinates in which the models differ. */
  private record Differing(Selected state) implements Survey {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      Deltas<V> deltas = new Deltas<>(state, arith, span);
      return new Surveyor<>() {
        private long count;

        @Override
        public void see(Chunk<V> chunk) {
          count += arith.countNonZero(deltas.variance(chunk), chunk.length());
        }

        @Override
        public Serializable found() {
          return count;
        }
      };
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      return state.with(parts.stream().mapToLong(p -> (Long) p.found()).sum());
    }
  }

  /** Narrows the least variance. */
  private record Variances(Selected state) implements Survey {
    private static final long serialVersionUID = 1;

    private Selection selection() {
      return java.util.Objects.requireNonNull(state.variances());
    }

    @Override
    public boolean isPartial() {
      return selection().isSampled();
    }

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      Deltas<V> deltas = new Deltas<>(state, arith, span);
      Selection.Counter<V> counter = selection().counter(arith);
      return new Surveyor<>() {
        @Override
        public void see(Chunk<V> chunk) {
          counter.count(0, deltas.variance(chunk), chunk.length());
        }

        @Override
        public Serializable found() {
          return counter.found();
        }
      };
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      Selection narrowed = selection().narrowed(parts, Part::found);
      return new Selected(state.scope(), state.differing(), narrowed, null);
    }
  }

  /** Sums the squares of what is selected. */
  private record Energies(Selected state) implements Survey {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      int models = state.scope().models();
      Deltas<V> deltas = new Deltas<>(state, arith, span);
      GrainSums[] sums = new GrainSums[models];
      Arrays.setAll(sums, k -> new GrainSums(span));
      double[] values = new double[Arith.CAPACITY];
      return new Surveyor<>() {
        @Override
        public void see(Chunk<V> chunk) {
          deltas.select(chunk);
          for (int k = 0; k < models; k++) {
            arith.widen(chunk.inputs()[k], values, 0, chunk.length());
            double[] lanes = sums[k].lanes(chunk.first() - span.first());
            for (int i = 0; i < chunk.length(); i++) {
              lanes[i & (Kernels.LANES - 1)] += arith.scalar(values[i] * values[i]);
            }
          }
        }

        @Override
        public Serializable found() {
          double[][] found = new double[models][];
          Arrays.setAll(found, k -> sums[k].finish());
          return found;
        }
      };
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      double[] sums = new double[state.scope().models()];
      for (Part part : parts) {
        double[][] found = (double[][]) part.found();
        for (int k = 0; k < sums.length; k++) {
          for (double grain : found[k]) {
            sums[k] += grain;
          }
        }
      }
      Arrays.setAll(sums, k -> sums[k] / state.scope().elements());
      return new Selected(state.scope(), state.differing(), state.variances(), sums);
    }
  }
}
