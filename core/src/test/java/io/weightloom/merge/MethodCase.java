package io.weightloom.merge;

import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec.Scope;
import io.weightloom.merge.span.SpanMethod;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A method in one of its variants: what the tests of all methods are run over. */
record MethodCase(MethodSpec spec, String variant) {
  private static final double[] WEIGHTS = {0.75, 0.5, -0.25};
  private static final Map<String, Object> BUSY =
      Map.of(
          "density",
          new double[] {0.5, 0.75, 0.25},
          "weight",
          WEIGHTS,
          "scale",
          new double[] {0.5},
          "lambda",
          0.75,
          "trim_density",
          0.5,
          "t",
          0.25,
          "alpha",
          0.5,
          "gamma",
          new double[] {0.125, 0.02, 0.25},
          "epsilon",
          new double[] {0.125, 0.1, 0.2});

  private static final Map<String, Object> PRUNING =
      Map.of("sparsity", 0.5, "targets", "all", "lacking", "dense");

  /** Values that switch off what sparsifies, weighs or scales. */
  private static final Map<String, Object> PLAIN =
      Map.of(
          "density",
          1.0,
          "weight",
          1.0,
          "lambda",
          1.0,
          "trim_density",
          1.0,
          "prun_thre_k",
          1.0,
          "std_factor",
          0.0,
          "sparsity",
          0.0);

  /** Every element-wise method on the class path in each of its variants. */
  static List<MethodCase> all() {
    return MergeMethods.all().stream()
        .filter(m -> m instanceof ElementwiseMethod)
        .map(MethodCase::variants)
        .flatMap(List::stream)
        .toList();
  }

  /** Every matrix method on the class path in each of its variants. */
  static List<MethodCase> ofMatrices() {
    return MergeMethods.all().stream()
        .filter(m -> m instanceof MatrixMethod)
        .map(MethodCase::variants)
        .flatMap(List::stream)
        .toList();
  }

  private static List<MethodCase> variants(MergeMethod method) {
    return Stream.of(method)
        .map(MergeMethod::spec)
        .flatMap(
            s ->
                s.variants().isEmpty()
                    ? Stream.of(new MethodCase(s, ""))
                    : s.variants().stream().map(v -> new MethodCase(s, v.name())))
        .toList();
  }

  /** Those that add a weighted sum of task vectors to a base. */
  static List<MethodCase> ofTaskVectors() {
    return all().stream()
        .filter(c -> c.spec.base() == BaseRule.REQUIRED && c.has("weight") && c.has("lambda"))
        .toList();
  }

  /** Those whose output is a combination of the models with coefficients of their geometry. */
  static List<MethodCase> ofSpans() {
    return all().stream().filter(MethodCase::isSpan).toList();
  }

  boolean isSpan() {
    return MergeMethods.named(spec.name()).orElseThrow() instanceof SpanMethod;
  }

  MergeInMemory merge() {
    return MergeInMemory.of(spec.name()).variant(variant);
  }

  /** With every number away from the value that makes it a no-op, for this many models. */
  MergeInMemory busy(int models) {
    MergeInMemory merge = merge().randomSides();
    BUSY.forEach(
        (key, value) -> {
          if (value instanceof double[] each && isPerModel(key)) {
            merge.set(key, Arrays.copyOf(each, models));
          } else if (value instanceof Double && has(key)) {
            merge.set(key, value);
          }
        });
    PRUNING.forEach(
        (key, value) -> {
          if (has(key)) {
            merge.set(key, value);
          }
        });
    return merge;
  }

  boolean has(String parameter) {
    return spec.parameter(parameter).isPresent();
  }

  /** With all that sparsifies, weighs or scales switched off. */
  MergeInMemory plain() {
    MergeInMemory merge = merge();
    PLAIN.forEach(
        (key, value) -> {
          if (has(key)) {
            merge.set(key, value);
          }
        });
    return merge;
  }

  /** As many models as it takes, three at most. */
  int models() {
    return Math.min(3, spec.maxModels());
  }

  /** Defaults that hold for all models of this case. */
  Map<String, Object> defaults() {
    return spec.variants().stream()
        .filter(v -> v.name().equals(variant))
        .findFirst()
        .map(Variant::defaults)
        .orElse(Map.of());
  }

  boolean isPerModel(String parameter) {
    return spec.parameter(parameter).filter(p -> p.scope() == Scope.MODEL).isPresent();
  }

  @Override
  public String toString() {
    return variant.isEmpty() ? spec.name() : spec.name() + " " + variant;
  }
}
