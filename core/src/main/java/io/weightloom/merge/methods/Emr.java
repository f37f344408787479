package io.weightloom.merge.methods;

import static io.weightloom.merge.taskvector.TaskVectorParams.LAMBDA;

import com.google.auto.service.AutoService;
import io.weightloom.kernel.Kernels;
import io.weightloom.merge.Arith;
import io.weightloom.merge.BundlePart;
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
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.Params;
import io.weightloom.merge.Span;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * EMR-Merging's unified model: at each coordinate the largest change among those of the elected
 * sign, {@code θ₀ + λ·σ·maxₜ |τₜ·[τₜσ > 0]|}; a vote of zero counts as negative. The rescalers by
 * which a masked unified task vector stands for a task's own are in the manifest (Huang et al.,
 * 2024, "EMR-Merging", §3.2).
 */
@AutoService(MergeMethod.class)
public final class Emr implements ElementwiseMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "emr",
          "EMR-Merging (unified model)",
          "keeps the largest change of the elected sign",
          "https://arxiv.org/abs/2405.17461",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              LAMBDA,
              ParamSpec.extension(
                  "rescaler_of",
                  List.of("tensors", "model"),
                  "means in the rescalers that are reported; changes nothing"),
              BundlePart.PART,
              BundlePart.MASK_OF),
          List.of(
              new Variant(
                  "reference", "the paper's own code: sums of each tensor's means", Map.of()),
              new Variant("paper", "means over the model", Map.of("rescaler_of", "model"))));

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Yield yields(Params params) {
    return BundlePart.of(params);
  }

  @Override
  public boolean isWholeModel(Params params) {
    return true;
  }

  @Override
  public int reads(MergeScope scope) {
    return 2;
  }

  @Override
  public MergeState begin(MergeScope scope) {
    return new Unified(scope, null);
  }

  /**
   * @param rescalers by model, null until they are known
   */
  private record Unified(MergeScope scope, @Nullable List<Double> rescalers)
      implements MergeState, Survey {
    private static final long serialVersionUID = 1;

    @Override
    public Optional<Survey> survey() {
      return rescalers == null ? Optional.of(this) : Optional.empty();
    }

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      int models = scope.models();
      GrainSums[] own = new GrainSums[models];
      GrainSums[] masked = new GrainSums[models];
      for (int k = 0; k < models; k++) {
        own[k] = new GrainSums(span);
        masked[k] = new GrainSums(span);
      }
      V unified = arith.vector();
      V sign = arith.vector();
      double[] unifiedAt = new double[Arith.CAPACITY];
      double[] deltaAt = new double[Arith.CAPACITY];
      return new Surveyor<>() {
        @Override
        public void see(Chunk<V> chunk) {
          int n = chunk.length();
          long offset = chunk.first() - span.first();
          unify(arith, chunk, sign, unified);
          arith.widen(unified, unifiedAt, 0, n);
          for (int k = 0; k < models; k++) {
            arith.sumMagnitudes(chunk.inputs()[k], own[k].lanes(offset), n);
            arith.widen(chunk.inputs()[k], deltaAt, 0, n);
            double[] lanes = masked[k].lanes(offset);
            for (int i = 0; i < n; i++) {
              boolean agrees = Math.signum(deltaAt[i]) * unifiedAt[i] > 0;
              lanes[i & (Kernels.LANES - 1)] += agrees ? Math.abs(unifiedAt[i]) : 0;
            }
          }
        }

        @Override
        public Serializable found() {
          double[][][] found = new double[models][2][];
          for (int k = 0; k < models; k++) {
            found[k][0] = own[k].finish();
            found[k][1] = masked[k].finish();
          }
          return found;
        }
      };
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      int models = scope.models();
      double[][] sums = new double[models][2];
      for (Part part : parts) {
        double share = share(part.span().tensor());
        double[][][] found = (double[][][]) part.found();
        for (int k = 0; k < models; k++) {
          for (int side = 0; side < 2; side++) {
            for (double grain : found[k][side]) {
              sums[k][side] += grain * share;
            }
          }
        }
      }
      return new Unified(
          scope, java.util.Arrays.stream(sums).map(s -> s[1] == 0 ? 1 : s[0] / s[1]).toList());
    }

    /** What a tensor's sum is multiplied by; the divisor of the whole model cancels. */
    private double share(int tensor) {
      var merge = scope.tensors().get(tensor);
      return merge.params().choice("rescaler_of").equals("tensors") ? 1.0 / merge.elements() : 1;
    }

    private static <V> void unify(Arith<V> arith, Chunk<V> chunk, V sign, V out) {
      V[] deltas = chunk.inputs();
      for (V delta : deltas) {
        arith.subtract(delta, chunk.base(), delta, chunk.length());
      }
      arith.electByMass(deltas, -1, sign, chunk.length());
      arith.disjointMax(deltas, sign, out, chunk.length());
    }

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      Params params = scope.tensors().get(span.tensor()).params();
      double lambda = params.number("lambda");
      V sign = arith.vector();
      if (BundlePart.of(params) == Yield.MASK) {
        return mask(arith, sign, BundlePart.maskOf(params));
      }
      boolean isVector = BundlePart.of(params) == Yield.VECTOR;
      return (chunk, out) -> {
        unify(arith, chunk, sign, out);
        if (isVector) {
          return;
        }
        arith.scale(out, lambda, out, chunk.length());
        arith.add(chunk.base(), out, out, chunk.length());
      };
    }

    /** 1 where the model agrees with the elected sign. */
    private static <V> Emitter<V> mask(Arith<V> arith, V sign, int model) {
      double[] unified = new double[Arith.CAPACITY];
      double[] delta = new double[Arith.CAPACITY];
      return (chunk, out) -> {
        int n = chunk.length();
        unify(arith, chunk, sign, out);
        arith.widen(out, unified, 0, n);
        arith.widen(chunk.inputs()[model], delta, 0, n);
        for (int i = 0; i < n; i++) {
          delta[i] = Math.signum(delta[i]) * unified[i] > 0 ? 1 : 0;
        }
        arith.narrow(delta, out, n);
      };
    }

    @Override
    public Map<String, Object> decisions(int tensor) {
      return rescalers == null ? Map.of() : Map.of("rescalers", rescalers);
    }
  }
}
