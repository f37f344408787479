package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.Arith;
import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.Span;
import java.util.List;

/**
 * NearSwap: moves the base towards the other model where the two are near each other, {@code (1 −
 * w)·θ₀ + w·θ} with {@code w = clamp(t / max(|θ₀ − θ|, 1e-6), 0, 1)} (Alchemonaut, 2024, as
 * mergekit has it).
 */
@AutoService(MergeMethod.class)
public final class NearSwap implements ElementwiseMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "nearswap",
          "NearSwap",
          "takes the other model's values where they are near the base's",
          "https://huggingface.co/alchemonaut/QuartetAnemoi-70B-t0.0001",
          BaseRule.REQUIRED,
          1,
          1,
          List.of(ParamSpec.required("t", "how near values are swapped whole")),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public MergeState begin(MergeScope scope) {
    return new Swap(scope.tensors().get(0).params().number("t"));
  }

  private record Swap(double t) implements MergeState {
    private static final long serialVersionUID = 1;
    private static final double NEAREST = 1e-6;

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      double[] base = new double[Arith.CAPACITY];
      double[] other = new double[Arith.CAPACITY];
      double nearest = arith.scalar(NEAREST);
      return (chunk, out) -> {
        int n = chunk.length();
        arith.widen(chunk.base(), base, 0, n);
        arith.widen(chunk.inputs()[0], other, 0, n);
        for (int i = 0; i < n; i++) {
          double distance = Math.max(Math.abs(arith.scalar(base[i] - other[i])), nearest);
          double w = Math.min(Math.max(share(arith, distance), 0), 1);
          double rest = arith.scalar(1 - w);
          base[i] = arith.scalar(w * other[i]) + arith.scalar(rest * base[i]);
        }
        arith.narrow(base, out, n);
      };
    }

    /** A number over a tensor is for mergekit the tensor's reciprocal, times the number. */
    private double share(Arith<?> arith, double distance) {
      return arith.roundsEachStep()
          ? arith.scalar(arith.scalar(1 / distance) * (float) t)
          : t / distance;
    }
  }
}
