package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.span.Arc;
import io.weightloom.merge.span.Gram;
import io.weightloom.merge.span.SpanMethod;
import io.weightloom.merge.span.SpanRule;
import io.weightloom.merge.span.Vectors;
import java.util.List;
import java.util.Map;

/**
 * Spherical linear interpolation of whole weights from the base to one model, {@code
 * (sin((1−t)Ω)·θ₀ + sin(tΩ)·θ₁) / sin Ω} with Ω the angle between them (Shoemake, 1985, "Animating
 * rotation with quaternion curves"); linear where they are nearly parallel.
 */
@AutoService(MergeMethod.class)
public final class Slerp implements SpanMethod {
  private static final double NO_NORM = 1e-8;
  private static final double PARALLEL = 0.9995;

  private static final MethodSpec SPEC =
      new MethodSpec(
          "slerp",
          "SLERP",
          "goes from the base to a model on the arc between them",
          "https://doi.org/10.1145/325334.325242",
          BaseRule.REQUIRED,
          1,
          1,
          List.of(ParamSpec.required("t", "how far to go: 0 is the base, 1 the model"), SCOPE),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public SpanRule rule(TensorMerge tensor) {
    return new Rule(tensor.params().number("t"));
  }

  private record Rule(double t) implements SpanRule {
    private static final long serialVersionUID = 1;

    @Override
    public Vectors vectors() {
      return Vectors.MODELS_AND_BASE;
    }

    @Override
    public boolean roundsOnce() {
      return true;
    }

    @Override
    public double[] coefficients(Gram gram) {
      double cosine = cosine(gram);
      double[] weights = Math.abs(cosine) > PARALLEL ? Arc.chord(t) : Arc.slerp(cosine, t);
      return new double[] {weights[1], weights[0]};
    }

    /** As everyone has it, a vector without length stands at right angles to the other. */
    private static double cosine(Gram gram) {
      double norms = 1;
      for (int i = 0; i < 2; i++) {
        norms *= gram.norm(i) > NO_NORM ? gram.norm(i) : 1;
      }
      return gram.dot(0, 1) / norms;
    }

    @Override
    public Map<String, Object> decisions(Gram gram) {
      return Map.of("cosine", cosine(gram));
    }
  }
}
