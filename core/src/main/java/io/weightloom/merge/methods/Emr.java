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
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.Params;
import io.weightloom.merge.Span;
import java.io.Serializable;
import java.util.Arrays;
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
  public MergeState begin(MergeScope scope) {
    return new Unified(scope, null);
  }

  /**
   * A scope.
   *
   * @param rescalers by model, null until all is written
   */
  private record Unified(MergeScope scope, @Nullable List<Double> rescalers) implements MergeState {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      Params params = scope.tensors().get(span.tensor()).params();
      return BundlePart.of(params) == Yield.MASK
          ? mask(arith, BundlePart.maskOf(params))
          : new Unifying<>(arith, span, scope.models(), params);
    }

    @Override
    public MergeState written(List<Part> parts) {
      double[][] sums = new double[scope.models()][2];
      for (Part part : parts) {
        double share = share(part.span().tensor());
        double[][][] found = (double[][][]) part.found();
        for (int k = 0; k < sums.length; k++) {
          for (int side = 0; side < 2; side++) {
            for (double grain : found[k][side]) {
              sums[k][side] += grain * share;
            }
          }
        }
      }
      return parts.isEmpty()
          ? this
          : new Unified(scope, Arrays.stream(sums).map(s -> s[1] == 0 ? 1 : s[0] / s[1]).toList());
    }

    /** What a tensor's sum is multiplied by; the divisor of the whole model cancels. */
    private double share(int tensor) {
      var merge = scope.tensors().get(tensor);
      return merge.params().choice("rescaler_of").equals("tensors") ? 1.0 / merge.elements() : 1;
    }

    @Override
    public Map<String, Object> decisions(int tensor) {
      return rescalers == null ? Map.of() : Map.of("rescalers", rescalers);
    }
  }

  /** Fills {@code out} with the unified task vector, and the inputs with the task vectors. */
  private static <V> void unify(Arith<V> arith, Chunk<V> chunk, V sign, V out) {
    V[] deltas = chunk.inputs();
    for (V delta : deltas) {
      arith.subtract(delta, chunk.base(), delta, chunk.length());
    }
    arith.electByMass(deltas, -1, sign, chunk.length());
    arith.disjointMax(deltas, sign, out, chunk.length());
  }

  /** 1 where the model agrees with the elected sign. */
  private static <V> MergeState.Emitter<V> mask(Arith<V> arith, int model) {
    V sign = arith.vector();
    double[] unified = new double[Arith.CAPACITY];
    double[] delta = new double[Arith.CAPACITY];
    return (chunk, out) -> {
      int n = chunk.length();
      unify(arith, chunk, sign, out);
      arith.widen(out, unified, 0, n);
      arith.widen(chunk.inputs()[model], delta, 0, n);
      for (int i = 0; i < n; i++) {
        delta[i] = agrees(delta[i], unified[i]) ? 1 : 0;
      }
      arith.narrow(delta, out, n);
    };
  }

  private static boolean agrees(double delta, double unified) {
    return Math.signum(delta) * unified > 0;
  }

  /** Writes the unified task vector or model, and adds up what the rescalers are made of. */
  private static final class Unifying<V> implements MergeState.Emitter<V> {
    private final Arith<V> arith;
    private final Span span;
    private final Params params;
    private final GrainSums[] own;
    private final GrainSums[] masked;
    private final V sign;
    private final double[] unified = new double[Arith.CAPACITY];
    private final double[] delta = new double[Arith.CAPACITY];

    Unifying(Arith<V> arith, Span span, int models, Params params) {
      this.arith = arith;
      this.span = span;
      this.params = params;
      this.own = new GrainSums[models];
      this.masked = new GrainSums[models];
      this.sign = arith.vector();
      Arrays.setAll(own, k -> new GrainSums(span));
      Arrays.setAll(masked, k -> new GrainSums(span));
    }

    @Override
    public void emit(Chunk<V> chunk, V out) {
      int n = chunk.length();
      unify(arith, chunk, sign, out);
      arith.widen(out, unified, 0, n);
      for (int k = 0; k < own.length; k++) {
        add(chunk, k);
      }
      if (BundlePart.of(params) == Yield.MODEL) {
        arith.scale(out, params.number("lambda"), out, n);
        arith.add(chunk.base(), out, out, n);
      }
    }

    private void add(Chunk<V> chunk, int k) {
      int n = chunk.length();
      long offset = chunk.first() - span.first();
      arith.sumMagnitudes(chunk.inputs()[k], own[k].lanes(offset), n);
      arith.widen(chunk.inputs()[k], delta, 0, n);
      double[] lanes = masked[k].lanes(offset);
      for (int i = 0; i < n; i++) {
        lanes[i & (Kernels.LANES - 1)] += agrees(delta[i], unified[i]) ? Math.abs(unified[i]) : 0;
      }
    }

    /** By model the sums by grain of |τ| and of what its mask leaves of the unified vector. */
    @Override
    public Optional<Serializable> found() {
      double[][][] found = new double[own.length][2][];
      for (int k = 0; k < found.length; k++) {
        found[k][0] = own[k].finish();
        found[k][1] = masked[k].finish();
      }
      return Optional.of(found);
    }
  }
}
