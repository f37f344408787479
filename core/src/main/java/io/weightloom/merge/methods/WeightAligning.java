package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.error.WeightloomException;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.span.Axis;
import io.weightloom.merge.span.FixedRule;
import io.weightloom.merge.span.Gram;
import io.weightloom.merge.span.SpanMethod;
import io.weightloom.merge.span.SpanRule;
import io.weightloom.merge.span.Vectors;
import io.weightloom.tensor.TensorName;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Takes away what a classifier favours the classes by that it has learnt last: its rows from {@code
 * first_new} on are multiplied by {@code γ = mean‖old rows‖ / mean‖new rows‖} (Zhao et al., 2020,
 * "Maintaining Discrimination and Fairness in Class Incremental Learning"). A row is a class; what
 * is no matrix, as the classifier's bias, stays as it is, and so does a matrix whose {@code
 * first_new} is 0.
 */
@AutoService(MergeMethod.class)
public final class WeightAligning implements SpanMethod {
  private static final String FIRST_NEW = "first_new";

  private static final MethodSpec SPEC =
      new MethodSpec(
          "weight_aligning",
          "Weight Aligning",
          "scales a classifier's rows of new classes to the mean norm of the old ones",
          "https://arxiv.org/abs/1911.07053",
          BaseRule.DONOR,
          1,
          1,
          List.of(
              ParamSpec.required(
                      FIRST_NEW,
                      "the first row of the new classes, which is the number of old ones; 0 leaves"
                          + " a tensor as it is")
                  .within(new Range(0, true, Double.POSITIVE_INFINITY))),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Optional<String> problem(Params params) {
    return params.notWhole(FIRST_NEW);
  }

  @Override
  public Optional<String> warning(TensorMerge tensor) {
    String name = tensor.output().name();
    return tensor.params().number(FIRST_NEW) > 0
            && tensor.output().shape().rank() == 2
            && TensorName.layer(name).isPresent()
        ? Optional.of(
            "%s is in a layer and no classifier, and its rows are scaled too (filter first_new)"
                .formatted(name))
        : Optional.empty();
  }

  /**
   * {@inheritDoc}
   *
   * @throws WeightloomException for a matrix that has no rows from {@code first_new} on
   */
  @Override
  public SpanRule rule(TensorMerge tensor) {
    int firstNew = (int) tensor.params().number(FIRST_NEW);
    List<Long> dims = tensor.output().shape().dims();
    if (firstNew == 0 || dims.size() != 2 || tensor.elements() == 0) {
      return new FixedRule(Vectors.MODELS, new double[] {1});
    }
    String name = tensor.output().name();
    if (firstNew >= dims.get(0)) {
      throw WeightloomException.input(
          "Cannot align %s: it has %d rows and the new ones begin at row %d (name the classifier alone: first_new: [{filter: NAME, value: %3$d}, {value: 0}])"
              .formatted(name, dims.get(0), firstNew));
    }
    return new Rule(name, firstNew);
  }

  private record Rule(String tensor, int firstNew) implements SpanRule {
    private static final long serialVersionUID = 1;

    @Override
    public Vectors vectors() {
      return Vectors.MODELS;
    }

    @Override
    public Axis axis() {
      return Axis.ROWS;
    }

    /** An old row. */
    @Override
    public double[] coefficients(Gram row) {
      return new double[] {1};
    }

    @Override
    public double[] coefficients(List<Gram> rows) {
      double[] factors = new double[rows.size()];
      Arrays.fill(factors, 0, firstNew, 1);
      Arrays.fill(factors, firstNew, factors.length, factor(rows));
      return factors;
    }

    private double factor(List<Gram> rows) {
      double old = meanNorm(rows.subList(0, firstNew));
      double young = meanNorm(rows.subList(firstNew, rows.size()));
      if (young == 0) {
        throw WeightloomException.input(
            "Cannot align %s: its rows from %d on are 0 throughout, and no factor gives them a norm (set first_new to the number of old classes)"
                .formatted(tensor, firstNew));
      }
      return old / young;
    }

    private static double meanNorm(List<Gram> rows) {
      return rows.stream().mapToDouble(row -> row.norm(0)).sum() / rows.size();
    }

    @Override
    public Map<String, Object> decisions(List<Gram> rows) {
      return Map.of("gamma", factor(rows));
    }
  }
}
