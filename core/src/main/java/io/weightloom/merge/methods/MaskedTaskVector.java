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
import io.weightloom.merge.SideTable;
import io.weightloom.merge.SideTable.Layout;
import io.weightloom.merge.SideTable.Per;
import io.weightloom.merge.Span;
import java.util.Arrays;
import java.util.List;

/**
 * What a bundle holds of one model: {@code θ₀ + r·(mₜ ⊙ τ)} of a merged task vector τ and the
 * model's mask (Wang et al., 2024, eq. 4; Huang et al., 2024, "EMR-Merging", eq. 5).
 */
@AutoService(MergeMethod.class)
public final class MaskedTaskVector implements ElementwiseMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "masked_task_vector",
          "Masked task vector (unpacks a bundle)",
          "adds to the base what a mask leaves of a task vector",
          "https://arxiv.org/abs/2405.07813",
          BaseRule.REQUIRED,
          1,
          1,
          List.of(ParamSpec.number("rescale", 1, "factor of the masked task vector")),
          List.of(
              new SideTable(
                  "mask",
                  Per.MERGE,
                  Layout.BITS,
                  false,
                  false,
                  0,
                  "the model's mask, packed in bits; without it all of the vector is added")),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public MergeState begin(MergeScope scope) {
    return new Masked(scope);
  }

  private record Masked(MergeScope scope) implements MergeState {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      double rescale = scope.tensors().get(span.tensor()).params().number("rescale");
      double[] vector = new double[Arith.CAPACITY];
      double[] mask = new double[Arith.CAPACITY];
      Arrays.fill(mask, 1);
      return (chunk, out) -> {
        int n = chunk.length();
        arith.widen(chunk.inputs()[0], vector, 0, n);
        if (chunk.sides().length > 0) {
          arith.widen(chunk.sides()[0], mask, 0, n);
        }
        for (int i = 0; i < n; i++) {
          vector[i] = mask[i] == 0 ? 0 : vector[i] * rescale;
        }
        arith.narrow(vector, out, n);
        arith.add(chunk.base(), out, out, n);
      };
    }
  }
}
