package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.merge.ParamSpec.Scope;
import io.weightloom.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What is said to matter to the emission alone changes nothing that a survey finds. */
class EmissionOnlyTest {

  static List<Arguments> cases() {
    List<Arguments> all = new ArrayList<>();
    for (MethodCase c : MethodCase.all()) {
      c.spec().parameters().stream()
          .filter(ParamSpec::emissionOnly)
          .forEach(p -> all.add(Arguments.of(c, p.name())));
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void surveysFindTheSame(MethodCase method, String parameter) {
    for (boolean mergekit : new boolean[] {false, true}) {
      MergeInMemory.Result one = run(method, parameter, 1, mergekit);
      MergeInMemory.Result two = run(method, parameter, 2, mergekit);

      assertThat(two.reads()).isEqualTo(one.reads());
      assertThat(two.found()).hasSameSizeAs(one.found());
      for (int i = 0; i < one.found().size(); i++) {
        assertThat(two.found().get(i)).isEqualTo(one.found().get(i));
      }
    }
  }

  private static MergeInMemory.Result run(
      MethodCase method, String parameter, double value, boolean mergekit) {
    int models = method.models();
    ParamSpec spec = method.spec().parameter(parameter).orElseThrow();
    MergeInMemory merge =
        method.busy(models).dtype(DType.BF16).seed(3).set(parameter, value(spec, value, models));
    if (mergekit) {
      merge.mergekit(DType.BF16);
    }
    RandomModels.add(merge, "t", 5000, models, DType.BF16, DType.BF16);
    return merge.run();
  }

  private static Object value(ParamSpec parameter, double value, int models) {
    if (!parameter.choices().isEmpty()) {
      return parameter.choices().get((int) value % parameter.choices().size());
    }
    double[] values = new double[models];
    Arrays.fill(values, value);
    return parameter.scope() == Scope.MODEL ? values : (Object) value;
  }

  @Test
  void theFactorOfTheMergedTaskVectorIsSuchAParameter() {
    assertThat(cases().stream().map(a -> a.get()[0] + " " + a.get()[1]))
        .contains("ties reference lambda", "dare_ties mergekit lambda", "consensus ties lambda")
        .noneMatch(c -> c.contains("density") || c.endsWith(" weight"));
  }
}
