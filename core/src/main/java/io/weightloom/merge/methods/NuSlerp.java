package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.span.Arc;
import io.weightloom.merge.span.Axis;
import io.weightloom.merge.span.Gram;
import io.weightloom.merge.span.SpanMethod;
import io.weightloom.merge.span.SpanRule;
import io.weightloom.merge.span.Spread;
import io.weightloom.merge.span.Steps;
import io.weightloom.merge.span.VectorSums;
import io.weightloom.merge.span.Vectors;
import io.weightloom.tensor.DType;
import java.util.List;
import java.util.Optional;

/**
 * SLERP of two models or, with a base, of their task vectors; for whole tensors or for each row or
 * column (mergekit's {@code nuslerp}).
 */
@AutoService(MergeMethod.class)
public final class NuSlerp implements SpanMethod {
  private static final double NO_WEIGHT = 1e-6;
  private static final double NO_NORM = 1e-7;
  private static final double NO_SINE = 1e-8;

  private static final MethodSpec SPEC =
      new MethodSpec(
          "nuslerp",
          "NuSLERP",
          "SLERP of two models or of their task vectors, by tensor, row or column",
          "https://doi.org/10.1145/325334.325242",
          BaseRule.OPTIONAL,
          2,
          2,
          List.of(
              ParamSpec.perModel("weight", "the model's share of the way"),
              ParamSpec.flag("nuslerp_flatten", true, "take a tensor as one vector"),
              ParamSpec.flag(
                  "nuslerp_row_wise",
                  false,
                  "if not flattened: along the first dimension instead of the last")),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  private static Axis axis(Params params) {
    if (params.flag("nuslerp_flatten")) {
      return Axis.TENSOR;
    }
    return params.flag("nuslerp_row_wise") ? Axis.COLUMNS : Axis.ROWS;
  }

  private static double way(Params params) {
    double[] w = params.numbers("weight");
    double sum = w[0] + w[1];
    return Math.abs(sum) < NO_WEIGHT ? 0.5 : w[1] / sum;
  }

  @Override
  public SpanRule rule(TensorMerge tensor) {
    Params params = tensor.params();
    return new Rule(
        way(params), tensor.base() == null ? Vectors.MODELS : Vectors.TASK_VECTORS, axis(params));
  }

  private record Rule(double t, Vectors vectors, Axis axis) implements SpanRule {
    private static final long serialVersionUID = 1;

    @Override
    public double[] coefficients(Gram gram) {
      double norms = Math.max(gram.norm(0), NO_NORM) * Math.max(gram.norm(1), NO_NORM);
      return Arc.slerp(gram.dot(0, 1) / norms, t);
    }
  }

  @Override
  public Optional<Steps> steps(TensorMerge tensor) {
    Params params = tensor.params();
    return Optional.of(
        new Rounded(way(params), tensor.base() != null, axis(params), tensor.compute()));
  }

  /** First the two norms are known, then the two weights and their divisor. */
  private record Rounded(double t, boolean ofTaskVectors, Axis axis, DType dtype) implements Steps {
    private static final long serialVersionUID = 1;

    @Override
    public int reads() {
      return 3;
    }

    @Override
    public int sums(double[] known, int vectors) {
      return switch (known.length / vectors) {
        case 0 -> 2;
        case 2 -> 1;
        default -> 0;
      };
    }

    @Override
    public double[] learn(double[] known, double[] sums) {
      return known.length == 0 ? norms(sums) : weights(sums[0]);
    }

    private double[] norms(double[] squares) {
      double least = round(NO_NORM);
      return new double[] {
        Math.max(round(Math.sqrt(squares[0])), least), Math.max(round(Math.sqrt(squares[1])), least)
      };
    }

    private double[] weights(double sum) {
      double angle = round(StrictMath.acos(Math.max(-1, Math.min(1, round(sum)))));
      double sine = round(StrictMath.sin(angle));
      if (Math.abs(sine) < NO_SINE) {
        return new double[] {1 - t, t, 1};
      }
      return new double[] {
        round(StrictMath.sin(times(1 - t, angle))), round(StrictMath.sin(times(t, angle))), sine
      };
    }

    private double times(double scalar, double angle) {
      return round((float) scalar * (float) angle);
    }

    private double round(double x) {
      return Steps.round(dtype, x);
    }

    @Override
    public <V> Pass<V> pass(Arith<V> arith, Spread known) {
      V ones = Vectors.ones(arith);
      V[] units = arith.vectors(2);
      return new Pass<>() {
        @Override
        public void see(Chunk<V> chunk, VectorSums<V> sums) {
          V[] xs = vectors(chunk);
          int n = chunk.length();
          if (known.width() == 0) {
            sums.add(0, xs[0], xs[0], chunk);
            sums.add(1, xs[1], xs[1], chunk);
            return;
          }
          arith.divideEach(xs[0], known.over(chunk, 0), units[0], n);
          arith.divideEach(xs[1], known.over(chunk, 1), units[1], n);
          arith.multiply(units[0], units[1], units[0], n);
          sums.add(0, units[0], ones, chunk);
        }

        @Override
        public void emit(Chunk<V> chunk, V out) {
          V[] xs = vectors(chunk);
          int n = chunk.length();
          arith.scaleEach(xs[0], known.over(chunk, 0), xs[0], n);
          arith.scaleEach(xs[1], known.over(chunk, 1), xs[1], n);
          arith.add(xs[0], xs[1], out, n);
          arith.divideEach(out, known.over(chunk, 2), out, n);
          if (ofTaskVectors) {
            arith.add(chunk.base(), out, out, n);
          }
        }

        private V[] vectors(Chunk<V> chunk) {
          if (ofTaskVectors) {
            for (V x : chunk.inputs()) {
              arith.subtract(x, chunk.base(), x, chunk.length());
            }
          }
          return chunk.inputs();
        }
      };
    }
  }
}
