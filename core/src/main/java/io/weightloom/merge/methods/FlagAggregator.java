package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.span.Gram;
import io.weightloom.merge.span.SpanMethod;
import io.weightloom.merge.span.SpanRule;
import io.weightloom.merge.span.SymmetricEigen;
import io.weightloom.merge.span.Vectors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The mean of the task vectors within the subspace Y that most of them lie in, {@code θ₀ + (1/p) Σ
 * YYᵀτᵢ}: Y minimises {@code Σ √(1 − vᵢ)} where {@code vᵢ = τᵢᵀYYᵀτᵢ / ‖τᵢ‖²}, by iteratively
 * reweighted least squares (Almasi et al., 2023, "Flag aggregator: Scalable distributed training
 * under failures and augmented losses using convex optimization", §2).
 *
 * <p>Y lies in the span of the task vectors, so that every step is an eigenproblem of their Gram
 * matrix. With {@code pairs} λ the sum gets {@code λ/(p−1) Σ √(1 − v)} of all differences of two.
 */
@AutoService(MergeMethod.class)
public final class FlagAggregator implements SpanMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "flag_aggregator",
          "Flag aggregator",
          "the mean task vector within the subspace that most of them lie in",
          "https://arxiv.org/abs/2302.05865",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.number(
                      "dimension", 0, "of the subspace; 0 is (p+1)/2 for p models, rounded up")
                  .within(new Range(0, true, Double.POSITIVE_INFINITY)),
              ParamSpec.number("pairs", 0, "weight of the differences of two task vectors")
                  .within(new Range(0, true, Double.POSITIVE_INFINITY)),
              ParamSpec.extension(
                  "scope", List.of("model", "tensor"), "what lengths and angles are taken over")),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public SpanRule rule(TensorMerge tensor) {
    Params params = tensor.params();
    int models = tensor.inputs().size();
    int wanted = (int) params.number("dimension");
    int dimension = wanted == 0 ? models / 2 + 1 : wanted;
    return new Rule(models, Math.min(dimension, models), params.number("pairs"));
  }

  private record Rule(int models, int dimension, double pairs) implements SpanRule {
    private static final long serialVersionUID = 1;
    private static final int ITERATIONS = 200;
    private static final double AT_REST = 1e-12;
    private static final double NO_DISTANCE = 1e-12;
    private static final double NO_VALUE = 1e-12;

    @Override
    public Vectors vectors() {
      return Vectors.TASK_VECTORS;
    }

    /** A column of the least-squares problem: a combination of length 1, and its weight. */
    private record Column(double[] unit, double weight) {}

    @Override
    public double[] coefficients(Gram gram) {
      double[] sum = new double[models];
      Arrays.fill(sum, 1);
      double[] mean = new double[models];
      for (double[] y : subspace(gram)) {
        double along = gram.dot(y, sum) / models;
        for (int i = 0; i < models; i++) {
          mean[i] += along * y[i];
        }
      }
      return mean;
    }

    private List<Column> columns(Gram gram) {
      List<Column> columns = new ArrayList<>();
      for (int i = 0; i < models; i++) {
        double[] one = new double[models];
        one[i] = 1;
        add(columns, gram, one, 1);
        for (int j = i + 1; pairs > 0 && j < models; j++) {
          double[] difference = one.clone();
          difference[j] = -1;
          // Each pair stands twice in the sum.
          add(columns, gram, difference, 2 * pairs / (models - 1));
        }
      }
      return columns;
    }

    private static void add(List<Column> columns, Gram gram, double[] x, double weight) {
      double length = gram.norm(x);
      if (length > 0) {
        columns.add(new Column(Arrays.stream(x).map(c -> c / length).toArray(), weight));
      }
    }

    /** An orthonormal basis of Y, as combinations of the task vectors. */
    private List<double[]> subspace(Gram gram) {
      List<Column> columns = columns(gram);
      double[] weights = columns.stream().mapToDouble(Column::weight).toArray();
      List<double[]> basis = List.of();
      double last = Double.POSITIVE_INFINITY;
      for (int iteration = 0; iteration < ITERATIONS; iteration++) {
        basis = principal(gram, columns, weights);
        double loss = 0;
        for (int j = 0; j < weights.length; j++) {
          Column column = columns.get(j);
          double distance = Math.sqrt(Math.max(NO_DISTANCE, 1 - ratio(gram, basis, column.unit())));
          weights[j] = column.weight() / distance;
          loss += column.weight() * distance;
        }
        if (last - loss <= AT_REST * loss) {
          return basis;
        }
        last = loss;
      }
      return basis;
    }

    /** The left singular vectors of the weighted columns. */
    private List<double[]> principal(Gram gram, List<Column> columns, double[] weights) {
      int n = columns.size();
      double[][] products = new double[n][n];
      for (int i = 0; i < n; i++) {
        for (int j = i; j < n; j++) {
          products[i][j] =
              Math.sqrt(weights[i] * weights[j])
                  * gram.dot(columns.get(i).unit(), columns.get(j).unit());
        }
      }
      SymmetricEigen eigen = SymmetricEigen.of(products);
      List<double[]> basis = new ArrayList<>();
      for (int k = 0; k < Math.min(dimension, n); k++) {
        if (eigen.values()[k] > NO_VALUE * eigen.values()[0]) {
          double length = Math.sqrt(eigen.values()[k]);
          double[] y = new double[models];
          for (int j = 0; j < n; j++) {
            double share = Math.sqrt(weights[j]) * eigen.vectors()[k][j] / length;
            for (int i = 0; i < models; i++) {
              y[i] += share * columns.get(j).unit()[i];
            }
          }
          basis.add(y);
        }
      }
      return basis;
    }

    private static double ratio(Gram gram, List<double[]> basis, double[] unit) {
      return basis.stream()
          .mapToDouble(
              y -> {
                double along = gram.dot(y, unit);
                return along * along;
              })
          .sum();
    }

    @Override
    public Map<String, Object> decisions(Gram gram) {
      List<double[]> basis = subspace(gram);
      List<Double> ratios = new ArrayList<>();
      for (int i = 0; i < models; i++) {
        double[] one = new double[models];
        one[i] = gram.dot(i, i) == 0 ? 0 : 1 / gram.norm(i);
        ratios.add(ratio(gram, basis, one));
      }
      return Map.of("reconstruction_ratios", ratios);
    }
  }
}
