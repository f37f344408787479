package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
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
import java.util.Map;
import java.util.Optional;

/**
 * Between the base and the mean of N fine-tuned models, {@code t·mean + (1−t)·θ₀} with {@code t =
 * N·cos ψ / (1 + (N−1)·cos ψ)} and ψ the angle between task vectors (Jang et al., 2024, "Model
 * Stock: All we need is just a few fine-tuned models", §4).
 */
@AutoService(MergeMethod.class)
public final class ModelStock implements SpanMethod {
  /** Task vectors whose mean is as short as this cancel, and t is 0/0 or worse. */
  private static final double NO_DIVISOR = 1e-6;

  private static final MethodSpec SPEC =
      new MethodSpec(
          "model_stock",
          "Model Stock",
          "as far from the base to the models' mean as the angle between them says",
          "https://arxiv.org/abs/2403.19522",
          BaseRule.REQUIRED,
          2,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.flag("filter_wise", false, "an angle for each row"),
              ParamSpec.extension(
                  "mean_of", List.of("cosines", "angles"), "what the mean over pairs is taken of"),
              SCOPE),
          List.of(
              new Variant("mergekit", "mean of cosines", Map.of()),
              new Variant("fusionbench", "mean of angles", Map.of("mean_of", "angles"))));

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Optional<String> problem(Params params) {
    return params.flag("filter_wise") && isWholeModel(params)
        ? Optional.of("filter_wise excludes scope: model (remove one of them)")
        : Optional.empty();
  }

  private static Axis axis(TensorMerge tensor) {
    return tensor.params().flag("filter_wise") ? Axis.ROWS : Axis.TENSOR;
  }

  @Override
  public SpanRule rule(TensorMerge tensor) {
    return new Rule(
        axis(tensor), tensor.inputs().size(), tensor.params().choice("mean_of").equals("angles"));
  }

  private record Rule(Axis axis, int models, boolean ofAngles) implements SpanRule {
    private static final long serialVersionUID = 1;
    private static final double COSINES_FLOOR = 1e-6;
    private static final double ANGLES_FLOOR = 1e-8;

    @Override
    public Vectors vectors() {
      return Vectors.TASK_VECTORS;
    }

    @Override
    public double[] coefficients(Gram gram) {
      double[] shares = new double[models];
      Arrays.fill(shares, ratio(cosine(gram)) / models);
      return shares;
    }

    private double ratio(double cosine) {
      double divisor = 1 + (models - 1) * cosine;
      return divisor < NO_DIVISOR ? 0 : models * cosine / divisor;
    }

    private double cosine(Gram gram) {
      double sum = 0;
      for (int i = 0; i < models; i++) {
        for (int j = i + 1; j < models; j++) {
          double cosine = cosine(gram, i, j);
          sum += ofAngles ? StrictMath.acos(cosine) : cosine;
        }
      }
      double mean = 2 * sum / (models * (models - 1));
      return ofAngles ? StrictMath.cos(mean) : mean;
    }

    private double cosine(Gram gram, int i, int j) {
      double norms = gram.norm(i) * gram.norm(j);
      double divisor = ofAngles ? norms + ANGLES_FLOOR : Math.max(norms, COSINES_FLOOR);
      return Math.max(-1, Math.min(1, gram.dot(i, j) / divisor));
    }

    @Override
    public Map<String, Object> decisions(Gram gram) {
      return Map.of("cosine", cosine(gram), "t", ratio(cosine(gram)));
    }
  }

  @Override
  public Optional<Steps> steps(TensorMerge tensor) {
    boolean ofAngles = tensor.params().choice("mean_of").equals("angles");
    return ofAngles || isWholeModel(tensor.params())
        ? Optional.empty()
        : Optional.of(new Rounded(axis(tensor), tensor.inputs().size(), tensor.compute()));
  }

  /** In one read the norms and the sums of rounded products; then t and 1 − t are known. */
  private record Rounded(Axis axis, int models, DType dtype) implements Steps {
    private static final long serialVersionUID = 1;

    @Override
    public int reads() {
      return 2;
    }

    @Override
    public int sums(double[] known, int vectors) {
      return known.length == 0 ? models + models * (models - 1) / 2 : 0;
    }

    @Override
    public double[] learn(double[] known, double[] sums) {
      double floor = round(1e-6);
      double total = 0;
      int pair = models;
      for (int i = 0; i < models; i++) {
        for (int j = i + 1; j < models; j++) {
          double norms = round(round(Math.sqrt(sums[i])) * round(Math.sqrt(sums[j])));
          double cosine = round(round(sums[pair++]) / Math.max(norms, floor));
          total += Math.max(-1, Math.min(1, cosine));
        }
      }
      double cosine = round(total / (pair - models));
      double divisor = round(1 + round((models - 1) * cosine));
      double t = divisor < NO_DIVISOR ? 0 : round(round(models * cosine) / divisor);
      return new double[] {t, round(1 - t)};
    }

    private double round(double x) {
      return Steps.round(dtype, x);
    }

    @Override
    public <V> Pass<V> pass(Arith<V> arith, Spread known) {
      V ones = Vectors.ones(arith);
      V product = arith.vector();
      return new Pass<>() {
        @Override
        public void see(Chunk<V> chunk, VectorSums<V> sums) {
          V[] deltas = chunk.inputs();
          int n = chunk.length();
          for (int i = 0; i < models; i++) {
            arith.subtract(deltas[i], chunk.base(), deltas[i], n);
            sums.add(i, deltas[i], deltas[i], chunk);
          }
          int pair = models;
          for (int i = 0; i < models; i++) {
            for (int j = i + 1; j < models; j++) {
              arith.multiply(deltas[i], deltas[j], product, n);
              sums.add(pair++, product, ones, chunk);
            }
          }
        }

        @Override
        public void emit(Chunk<V> chunk, V out) {
          V[] xs = chunk.inputs();
          int n = chunk.length();
          for (int k = 1; k < models; k++) {
            arith.add(xs[0], xs[k], xs[0], n);
          }
          arith.divide(xs[0], models, xs[0], n);
          arith.scaleEach(xs[0], known.over(chunk, 0), xs[0], n);
          arith.scaleEach(chunk.base(), known.over(chunk, 1), out, n);
          arith.add(xs[0], out, out, n);
        }
      };
    }
  }
}
