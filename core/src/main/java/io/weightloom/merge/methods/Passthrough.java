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

/** One model's tensors as they are, scaled if asked: for stacking and replacing layers. */
@AutoService(MergeMethod.class)
public final class Passthrough implements ElementwiseMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "passthrough",
          "Passthrough (layer stacking)",
          "the tensors of one model, layer by layer, scaled if asked",
          "",
          BaseRule.DONOR,
          1,
          1,
          List.of(ParamSpec.perModel("scale", "factor for the tensor").orElse(1)),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public MergeState begin(MergeScope scope) {
    return new Scale(scope.tensors().get(0).params().numbers("scale")[0]);
  }

  private record Scale(double scale) implements MergeState {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      return (chunk, out) -> arith.scale(chunk.inputs()[0], scale, out, chunk.length());
    }
  }
}
