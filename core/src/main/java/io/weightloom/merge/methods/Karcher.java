package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
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
import java.util.Map;
import java.util.Optional;

/**
 * The Riemannian (Karcher) mean of the models' directions on the sphere, with the mean of their
 * lengths (Karcher, 1977, "Riemannian center of mass and mollifier smoothing"; mergekit's {@code
 * karcher}).
 */
@AutoService(MergeMethod.class)
public final class Karcher implements SpanMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "karcher",
          "Karcher mean",
          "the mean of the models' directions on the sphere, and of their lengths",
          "https://doi.org/10.1002/cpa.3160300502",
          BaseRule.MEMBER,
          1,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.number("max_iter", 10, "most iterations").within(new Range(0, true, 1000)),
              ParamSpec.number("tol", 1e-5, "angles and lengths below it count as zero")
                  .within(new Range(0, false, Double.POSITIVE_INFINITY)),
              SCOPE),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public SpanRule rule(TensorMerge tensor) {
    Params params = tensor.params();
    return new Rule(tensor.inputs().size(), (int) params.number("max_iter"), params.number("tol"));
  }

  private static double[] shares(double[] norms, double tol) {
    double some = Arrays.stream(norms).filter(n -> n > tol).count();
    return Arrays.stream(norms).map(n -> n > tol ? 1 / some : 0).toArray();
  }

  private record Rule(int models, int maxIterations, double tol) implements SpanRule {
    private static final long serialVersionUID = 1;

    @Override
    public Vectors vectors() {
      return Vectors.MODELS;
    }

    @Override
    public double[] coefficients(Gram gram) {
      double[] mean = direction(gram).mean();
      double length = 0;
      for (int i = 0; i < models; i++) {
        length += gram.norm(i) / models;
      }
      double scale = length;
      return Arrays.stream(mean).map(m -> m * scale).toArray();
    }

    private record Found(double[] mean, int iterations) {}

    private Found direction(Gram gram) {
      double[] norms = new double[models];
      Arrays.setAll(norms, gram::norm);
      double[] shares = shares(norms, tol);
      double[] mean = new double[models];
      Arrays.setAll(mean, i -> shares[i] == 0 ? 0 : shares[i] / norms[i]);
      double length = gram.norm(mean);
      if (length < tol) {
        return new Found(first(shares, norms), 0);
      }
      divide(mean, length);
      for (int iteration = 0; iteration < maxIterations; iteration++) {
        double[] tangent = tangent(gram, mean, norms, shares);
        double angle = gram.norm(tangent);
        if (angle < tol) {
          return new Found(mean, iteration);
        }
        double cosine = StrictMath.cos(angle);
        double sine = StrictMath.sin(angle) / angle;
        double[] last = mean.clone();
        Arrays.setAll(mean, i -> cosine * last[i] + sine * tangent[i]);
        divide(mean, gram.norm(mean));
      }
      return new Found(mean, maxIterations);
    }

    /** The first model that has a length; zeros if none has. */
    private static double[] first(double[] shares, double[] norms) {
      double[] first = new double[shares.length];
      for (int i = 0; i < shares.length; i++) {
        if (shares[i] > 0) {
          first[i] = 1 / norms[i];
          return first;
        }
      }
      return first;
    }

    private static void divide(double[] x, double divisor) {
      for (int i = 0; i < x.length; i++) {
        x[i] /= divisor;
      }
    }

    private double[] tangent(Gram gram, double[] mean, double[] norms, double[] shares) {
      double[] tangent = new double[models];
      for (int i = 0; i < models; i++) {
        double[] one = new double[models];
        one[i] = shares[i] == 0 ? 0 : 1 / norms[i];
        double cosine = Math.max(-1, Math.min(1, gram.dot(mean, one)));
        double angle = StrictMath.acos(cosine);
        double sine = StrictMath.sin(angle);
        if (shares[i] == 0 || angle < tol || sine < tol) {
          continue;
        }
        for (int j = 0; j < models; j++) {
          tangent[j] += shares[i] * angle / sine * (one[j] - cosine * mean[j]);
        }
      }
      return tangent;
    }

    @Override
    public Map<String, Object> decisions(Gram gram) {
      return Map.of("iterations", direction(gram).iterations());
    }
  }

  @Override
  public Optional<Steps> steps(TensorMerge tensor) {
    Params params = tensor.params();
    return isWholeModel(params)
        ? Optional.empty()
        : Optional.of(
            new Rounded(
                tensor.inputs().size(),
                (int) params.number("max_iter"),
                params.number("tol"),
                tensor.compute()));
  }

  /**
   * Known are, in this order, the norms of the models, the norm of their mean, and for each
   * iteration the cosines, the norm of the tangent and the norm of the new mean before it is
   * divided by it. Norms are fp32, cosines of the compute dtype.
   */
  private record Rounded(int models, int maxIterations, double tol, DType dtype) implements Steps {
    private static final long serialVersionUID = 1;

    @Override
    public Axis axis() {
      return Axis.TENSOR;
    }

    @Override
    public int reads() {
      return 3 + 3 * maxIterations;
    }

    @Override
    public int sums(double[] known, int vectors) {
      int n = known.length;
      if (n == 0) {
        return models;
      }
      if (n == models) {
        return anyModel(known) ? 1 : 0;
      }
      if (known[models] < tol) {
        return 0;
      }
      return switch (phase(n)) {
        case COSINES -> iterations(n) == maxIterations ? 0 : models;
        case TANGENT -> isAtRest(known) ? 0 : 1;
        case MEAN -> known[n - 1] < tol ? 0 : 1;
      };
    }

    /** What is to be found next. */
    private enum Phase {
      COSINES,
      TANGENT,
      MEAN
    }

    private Phase phase(int n) {
      int within = (n - models - 1) % (models + 2);
      if (within == 0) {
        return Phase.COSINES;
      }
      return within == models ? Phase.TANGENT : Phase.MEAN;
    }

    private int iterations(int n) {
      return (n - models - 1) / (models + 2);
    }

    private boolean anyModel(double[] known) {
      return Arrays.stream(known, 0, models).anyMatch(norm -> norm > tol);
    }

    private boolean isAtRest(double[] known) {
      int n = known.length;
      return Arrays.stream(known, n - models, n).noneMatch(c -> factor(1, c) != 0);
    }

    @Override
    public double[] learn(double[] known, double[] sums) {
      double[] learnt = Arrays.copyOf(known, known.length + sums.length);
      boolean cosines = known.length > models && phase(known.length) == Phase.COSINES;
      for (int i = 0; i < sums.length; i++) {
        learnt[known.length + i] =
            cosines
                ? Math.max(-1, Math.min(1, Steps.round(dtype, sums[i])))
                : (float) Math.sqrt(sums[i]);
      }
      return learnt;
    }

    /** {@code a·(θ/sin θ)}, or 0 for an angle that counts as zero. */
    private double factor(double share, double cosine) {
      double angle = Steps.round(dtype, StrictMath.acos(cosine));
      double sine = Steps.round(dtype, StrictMath.sin(angle));
      if (angle < tol || sine == 0) {
        return 0;
      }
      double ratio = Steps.round(dtype, (float) angle / (float) sine);
      return Steps.round(dtype, (float) share * (float) ratio);
    }

    @Override
    public <V> Pass<V> pass(Arith<V> arith, Spread spread) {
      double[] known = spread.whole();
      double[] shares =
          shares(known.length == 0 ? new double[models] : Arrays.copyOf(known, models), tol);
      V mean = arith.vector();
      V tangent = arith.vector();
      V term = arith.vector();
      return new Pass<>() {
        @Override
        public void see(Chunk<V> chunk, VectorSums<V> sums) {
          V[] units = chunk.inputs();
          if (known.length == 0) {
            for (int i = 0; i < models; i++) {
              sums.add(i, units[i], units[i], chunk);
            }
            return;
          }
          replay(chunk);
          if (known.length > models && phase(known.length) == Phase.COSINES) {
            for (int i = 0; i < models; i++) {
              sums.add(i, mean, units[i], chunk);
            }
          } else if (known.length > models && phase(known.length) == Phase.TANGENT) {
            sums.add(0, tangent, tangent, chunk);
          } else {
            sums.add(0, mean, mean, chunk);
          }
        }

        @Override
        public void emit(Chunk<V> chunk, V out) {
          replay(chunk);
          double length = 0;
          for (int i = 0; i < models; i++) {
            length += 1.0 / models * known[i];
          }
          arith.scale(mean, length, out, chunk.length());
        }

        /** Brings models, mean and tangent to where the known numbers end. */
        private void replay(Chunk<V> chunk) {
          V[] units = chunk.inputs();
          int n = chunk.length();
          arith.scale(mean, 0, mean, n);
          for (int i = 0; i < models; i++) {
            arith.divide(units[i], known[i] > 0 ? known[i] : 1, units[i], n);
            addTimes(mean, shares[i], units[i], n);
          }
          if (known.length == models) {
            return;
          }
          if (known[models] < tol) {
            takeFirst(units, n);
            return;
          }
          arith.divide(mean, known[models], mean, n);
          for (int at = models + 1; known.length - at >= models; at += models + 2) {
            iterate(units, at, n);
          }
        }

        private void takeFirst(V[] units, int n) {
          for (int i = 0; i < models; i++) {
            if (shares[i] > 0) {
              arith.scale(units[i], 1, mean, n);
              return;
            }
          }
        }

        private void iterate(V[] units, int at, int n) {
          arith.scale(tangent, 0, tangent, n);
          for (int i = 0; i < models; i++) {
            double factor = shares[i] == 0 ? 0 : factor(shares[i], known[at + i]);
            if (factor != 0) {
              arith.scale(mean, known[at + i], term, n);
              arith.subtract(units[i], term, term, n);
              addTimes(tangent, factor, term, n);
            }
          }
          boolean ends = known.length == at + models + 1 && known[at + models] < tol;
          if (known.length == at + models || ends) {
            return;
          }
          double angle = known[at + models];
          arith.scale(tangent, StrictMath.sin(angle), tangent, n);
          arith.divide(tangent, angle, tangent, n);
          arith.scale(mean, StrictMath.cos(angle), mean, n);
          arith.add(mean, tangent, mean, n);
          if (known.length > at + models + 1) {
            arith.divide(mean, known[at + models + 1], mean, n);
          }
        }

        private void addTimes(V sum, double factor, V x, int n) {
          arith.scale(x, factor, product, n);
          arith.add(sum, product, sum, n);
        }

        private final V product = arith.vector();
      };
    }
  }
}
