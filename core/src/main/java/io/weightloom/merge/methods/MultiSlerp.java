package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.error.WeightloomException;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.span.Axis;
import io.weightloom.merge.span.Gram;
import io.weightloom.merge.span.SpanMethod;
import io.weightloom.merge.span.SpanRule;
import io.weightloom.merge.span.Spread;
import io.weightloom.merge.span.Steps;
import io.weightloom.merge.span.VectorSums;
import io.weightloom.merge.span.Vectors;
import io.weightloom.tensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * SLERP of any number of models: one step from the mean direction along the mean of the tangents
 * (mergekit's {@code multislerp}; the first iteration of the Karcher mean).
 */
@AutoService(MergeMethod.class)
public final class MultiSlerp implements SpanMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "multislerp",
          "Multi-SLERP",
          "one step from the mean direction of any number of models on the sphere",
          "https://doi.org/10.1145/325334.325242",
          BaseRule.OPTIONAL,
          1,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.perModel("weight", "the model's share"),
              ParamSpec.flag("normalize_weights", true, "divide the weights by their sum"),
              ParamSpec.number(
                      "eps", 1e-8, "added to norms, and below which a mean has no direction")
                  .within(new Range(0, false, Double.POSITIVE_INFINITY)),
              SCOPE),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Optional<String> problem(Params params) {
    double sum = Arrays.stream(params.numbers("weight")).sum();
    return params.flag("normalize_weights") && Math.abs(sum) < 1e-8
        ? Optional.of(
            "the weights sum to " + sum + " (change a weight, or set normalize_weights: false)")
        : Optional.empty();
  }

  @Override
  public SpanRule rule(TensorMerge tensor) {
    Params params = tensor.params();
    double[] weights = params.numbers("weight");
    double total = params.flag("normalize_weights") ? Arrays.stream(weights).sum() : 1;
    return new Rule(
        tensor.output().name(),
        tensor.base() == null ? Vectors.MODELS : Vectors.TASK_VECTORS,
        Arrays.stream(weights).map(w -> w / total).toArray(),
        params.number("eps"));
  }

  private static WeightloomException cancels(String tensor, int models) {
    return WeightloomException.input(
        "Cannot merge %s: the directions of its %d models cancel (change a weight, or leave out a model)"
            .formatted(tensor, models));
  }

  private record Rule(String tensor, Vectors vectors, double[] weights, double eps)
      implements SpanRule {
    private static final long serialVersionUID = 1;

    @Override
    public double[] coefficients(Gram gram) {
      int models = weights.length;
      if (models == 1) {
        return new double[] {1};
      }
      double[] mean = new double[models];
      double scale = 0;
      for (int i = 0; i < models; i++) {
        mean[i] = weights[i] / (gram.norm(i) + eps);
        scale += weights[i] * gram.norm(i);
      }
      double length = gram.norm(mean);
      if (length < eps) {
        return withoutDirection(gram);
      }
      double[] direction = Arrays.stream(mean).map(m -> m / length).toArray();
      double[] tangent = mean.clone();
      double along = gram.dot(mean, direction);
      Arrays.setAll(tangent, i -> tangent[i] - along * direction[i]);
      double angle = gram.norm(tangent) + eps;
      double cosine = scale * StrictMath.cos(angle);
      double sine = scale * StrictMath.sin(angle) / angle;
      double[] point = new double[models];
      Arrays.setAll(point, i -> cosine * direction[i] + sine * tangent[i]);
      return point;
    }

    /** Of two opposite vectors the linear mean; vectors of zeros stay zeros. */
    private double[] withoutDirection(Gram gram) {
      boolean nothing = true;
      for (int i = 0; i < weights.length; i++) {
        nothing &= gram.dot(i, i) == 0;
      }
      if (weights.length > 2 && !nothing) {
        throw cancels(tensor, weights.length);
      }
      return weights.clone();
    }
  }

  @Override
  public Optional<Steps> steps(TensorMerge tensor) {
    Params params = tensor.params();
    DType dtype = tensor.compute();
    double[] weights =
        Arrays.stream(params.numbers("weight")).map(w -> Steps.round(dtype, w)).toArray();
    if (params.flag("normalize_weights")) {
      double total = Steps.round(dtype, Arrays.stream(weights).sum());
      weights =
          Arrays.stream(weights).map(w -> Steps.round(dtype, (float) w / (float) total)).toArray();
    }
    return weights.length == 1 || isWholeModel(params)
        ? Optional.empty()
        : Optional.of(
            new Rounded(
                tensor.output().name(),
                tensor.base() != null,
                weights,
                params.number("eps"),
                dtype));
  }

  /**
   * Known are, one read after the other, the norms of the vectors, the norm of their mean
   * direction, their products with it, and the norm of the mean tangent.
   */
  private record Rounded(
      String tensor, boolean ofTaskVectors, double[] weights, double eps, DType dtype)
      implements Steps {
    private static final long serialVersionUID = 1;

    @Override
    public Axis axis() {
      return Axis.TENSOR;
    }

    @Override
    public int reads() {
      return 5;
    }

    @Override
    public int sums(double[] known, int vectors) {
      int models = weights.length;
      if (known.length == 0) {
        return models;
      }
      if (known.length == models) {
        return 1;
      }
      if (hasNoDirection(known)) {
        return 0;
      }
      return known.length == models + 1 ? models : known.length == 2 * models + 1 ? 1 : 0;
    }

    private boolean hasNoDirection(double[] known) {
      return known.length == weights.length + 1 && known[weights.length] < eps;
    }

    @Override
    public double[] learn(double[] known, double[] sums) {
      int models = weights.length;
      boolean products = known.length == models + 1;
      double[] learnt = Arrays.copyOf(known, known.length + sums.length);
      for (int i = 0; i < sums.length; i++) {
        learnt[known.length + i] = Steps.round(dtype, products ? sums[i] : Math.sqrt(sums[i]));
      }
      boolean nothing = Arrays.stream(learnt, 0, models).allMatch(n -> n == 0);
      if (hasNoDirection(learnt) && models > 2 && !nothing) {
        throw cancels(tensor, models);
      }
      return learnt;
    }

    private double round(double x) {
      return Steps.round(dtype, x);
    }

    @Override
    public <V> Pass<V> pass(Arith<V> arith, Spread spread) {
      double[] known = spread.whole();
      int models = weights.length;
      V ones = Vectors.ones(arith);
      V[] units = arith.vectors(models);
      V mean = arith.vector();
      V term = arith.vector();
      return new Pass<>() {
        @Override
        public void see(Chunk<V> chunk, VectorSums<V> sums) {
          V[] xs = vectors(chunk);
          if (known.length == 0) {
            for (int i = 0; i < models; i++) {
              sums.add(i, xs[i], xs[i], chunk);
            }
            return;
          }
          replay(xs, chunk.length());
          for (int i = 0; i < models && known.length == models + 1; i++) {
            arith.multiply(units[i], mean, term, chunk.length());
            sums.add(i, term, ones, chunk);
          }
          if (known.length == models) {
            sums.add(0, mean, mean, chunk);
          } else if (known.length == 2 * models + 1) {
            arith.weightedSum(units, weights, term, chunk.length());
            sums.add(0, term, term, chunk);
          }
        }

        /** Units and mean direction; then tangents in place of the units. */
        private void replay(V[] xs, int n) {
          for (int i = 0; i < models; i++) {
            arith.divide(xs[i], round((float) known[i] + (float) eps), units[i], n);
          }
          arith.weightedSum(units, weights, mean, n);
          if (known.length > models) {
            arith.divide(mean, known[models], mean, n);
          }
          for (int i = 0; i < models && known.length > models + 1; i++) {
            arith.scale(mean, known[models + 1 + i], term, n);
            arith.subtract(units[i], term, units[i], n);
          }
        }

        @Override
        public void emit(Chunk<V> chunk, V out) {
          V[] xs = vectors(chunk);
          int n = chunk.length();
          if (hasNoDirection(known)) {
            arith.weightedSum(xs, weights, out, n);
          } else {
            point(xs, out, n);
          }
          if (ofTaskVectors) {
            arith.add(chunk.base(), out, out, n);
          }
        }

        private void point(V[] xs, V out, int n) {
          replay(xs, n);
          double angle = round((float) known[2 * models + 1] + (float) eps);
          double sine = round((float) round(StrictMath.sin(angle)) / (float) angle);
          arith.weightedSum(units, weights, term, n);
          arith.scale(term, sine, term, n);
          arith.scale(mean, round(StrictMath.cos(angle)), out, n);
          arith.add(out, term, out, n);
          double length = 0;
          for (int i = 0; i < models; i++) {
            length += round(weights[i] * known[i]);
          }
          arith.scale(out, round(length), out, n);
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
