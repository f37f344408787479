package io.weightloom.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is wrong with a recipe is said all at once, each with its path and a way out. */
class RecipeProblemsTest {

  private static List<String> problems(@Nullable Object root) {
    return RecipeReader.read(root).problems().stream().map(RecipeProblem::toString).toList();
  }

  private static Map<String, Object> ties() {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("merge_method", "ties");
    root.put("base_model", "b");
    root.put("models", List.of(Map.of("model", "a", "parameters", Map.of("weight", 1))));
    return root;
  }

  private static List<String> with(String key, Object value) {
    Map<String, Object> root = ties();
    root.put(key, value);
    return problems(root);
  }

  private static List<String> withModel(Map<String, ?> parameters) {
    return with("models", List.of(Map.of("model", "a", "parameters", parameters)));
  }

  @Test
  void misspeltKeyHasASuggestion() {
    assertThat(with("bsae_model", "x"))
        .containsExactly("bsae_model: unknown key (did you mean base_model?)");
    assertThat(with("model", List.of()))
        .containsExactly("model: unknown key (did you mean models?)");
    assertThat(with("residual_weight", 1))
        .containsExactly(
            "residual_weight: unknown key (known: base_model, dtype, merge_method, models,"
                + " out_dtype, parameters, slices, tokenizer_source, weightloom)");
  }

  @Test
  void misspeltParameterHasASuggestion() {
    assertThat(withModel(Map.of("wieght", 1)))
        .containsExactly(
            "models[0].parameters.wieght: unknown parameter of ties (did you mean weight?)");
    assertThat(with("parameters", Map.of("Lamda", 1)))
        .containsExactly("parameters.Lamda: unknown parameter of ties (did you mean lambda?)");
    assertThat(withModel(Map.of("temperature", 1)))
        .containsExactly(
            "models[0].parameters.temperature: unknown parameter of ties (known: weight, density)");
  }

  @Test
  void misspeltMethodHasASuggestion() {
    assertThat(with("merge_method", "dare-ties"))
        .containsExactly("merge_method: unknown method dare-ties (did you mean dare_ties?)");
    assertThat(with("merge_method", "stirring"))
        .hasSize(1)
        .first()
        .asString()
        .contains("unknown method stirring (known: ")
        .contains("dare_linear, dare_ties")
        .contains("linear");
  }

  @Test
  void missingMethodNamesThemAll() {
    Map<String, Object> root = ties();
    root.remove("merge_method");

    assertThat(problems(root))
        .hasSize(1)
        .first()
        .asString()
        .matches("merge_method: missing \\(one of .*linear.*ties.*\\)");
  }

  @Test
  void misspeltKeysOfAModelAreFound() {
    assertThat(
            with(
                "models", List.of(Map.of("modle", "a", "weight", 1, "layer_range", List.of(0, 1)))))
        .containsExactlyInAnyOrder(
            "models[0].modle: unknown key (did you mean model?)",
            "models[0].weight: unknown key (known: model, parameters)",
            "models[0].layer_range: unknown key (known: model, parameters)",
            "models[0].model: missing");
  }

  @Test
  void keysThatWeDoNotSupportAreSaid() {
    assertThat(with("modules", Map.of()))
        .containsExactly("modules: this key of mergekit's is not supported yet (remove it)");
    assertThat(with("tokenizer", Map.of("source", "union"))).hasSize(1);
    assertThat(with("chat_template", "auto")).hasSize(1);
  }

  @Test
  void adaptersStandBehindTheirModel() {
    assertThat(with("models", List.of(Map.of("model", "a+lora")))).isEmpty();
    assertThat(with("base_model", "b+lora*0.5+other")).isEmpty();
  }

  @Test
  void globalParameterDoesNotBelongInAModel() {
    assertThat(withModel(Map.of("normalize", true)))
        .containsExactly(
            "models[0].parameters.normalize: normalize holds for the whole merge (move it to the"
                + " top-level parameters)");
  }

  @Test
  void ourOwnKeysDoNotBelongInParameters() {
    assertThat(with("parameters", Map.of("scope", "model")))
        .containsExactly(
            "parameters.scope: this is one of our own keys (move it under weightloom:)");
  }

  @Test
  void densityMustBeAShare() {
    assertThat(withModel(Map.of("density", 1.5)))
        .containsExactly(
            "models[0].parameters.density: density must be within (0.0, 1.0], not 1.5");
    assertThat(withModel(Map.of("density", 0))).hasSize(1);
    assertThat(withModel(Map.of("density", List.of(0.5, -0.1))))
        .containsExactly(
            "models[0].parameters.density[1]: density must be within (0.0, 1.0], not -0.1");
    assertThat(withModel(Map.of("density", Map.of("filter", "mlp", "value", 2))))
        .containsExactly(
            "models[0].parameters.density.value: density must be within (0.0, 1.0], not 2.0");
  }

  @Test
  void numbersMustBeFinite() {
    assertThat(withModel(Map.of("weight", Double.NaN)))
        .containsExactly(
            "models[0].parameters.weight: weight must be within (-Infinity, Infinity), not NaN");
    assertThat(withModel(Map.of("weight", Double.POSITIVE_INFINITY))).hasSize(1);
  }

  @Test
  void valuesMustBeOfTheParametersType() {
    assertThat(withModel(Map.of("weight", "much")))
        .containsExactly("models[0].parameters.weight: expected a number, found much");
    assertThat(withModel(Map.of("weight", List.of())))
        .containsExactly("models[0].parameters.weight: expected a number, found []");
    assertThat(with("parameters", Map.of("normalize", "maybe")))
        .containsExactly("parameters.normalize: expected true or false, found maybe");
    assertThat(with("parameters", Map.of("normalize", List.of(0, 1))))
        .containsExactly("parameters.normalize: expected true or false, found [0, 1]");
    assertThat(withModel(Map.of("weight", Map.of("filter", "mlp", "vlaue", 1))))
        .containsExactlyInAnyOrder(
            "models[0].parameters.weight.vlaue: unknown key (did you mean value?)",
            "models[0].parameters.weight.value: expected a number, found null");
  }

  @Test
  void ourOwnKeysAreChecked() {
    assertThat(with("weightloom", Map.of("varaint", "reference")))
        .containsExactly("weightloom.varaint: unknown key (did you mean variant?)");
    assertThat(with("weightloom", Map.of("variant", "paper")))
        .containsExactly(
            "weightloom.variant: expected one of mergekit, reference, mergelm, fusionbench, std, nf,"
                + " normfrac, normmass, found paper");
    assertThat(with("weightloom", Map.of("non_finite", "ignore")))
        .containsExactly("weightloom.non_finite: expected one of error, keep, found ignore");
    assertThat(with("weightloom", Map.of("scope", "layer")))
        .containsExactly("weightloom.scope: expected one of tensor, model, found layer");
    assertThat(with("weightloom", "variant"))
        .containsExactly("weightloom: expected keys and values, found variant");
  }

  @Test
  void methodWithoutVariantsSaysSo() {
    Map<String, Object> root = ties();
    root.put("merge_method", "linear");
    root.put("weightloom", Map.of("variant", "reference"));

    assertThat(problems(root))
        .containsExactly("weightloom.variant: linear has no variants (remove it)");
  }

  @Test
  void ofAnUnknownMethodOnlyTheMethodIsWrong() {
    Map<String, Object> root = ties();
    root.put("merge_method", "tise");
    root.put("weightloom", Map.of("variant", "reference", "scope", "model"));

    assertThat(problems(root))
        .containsExactly("merge_method: unknown method tise (did you mean ties?)");
  }

  @Test
  void dtypesAreThoseThatWeCompute() {
    assertThat(with("dtype", "int64"))
        .containsExactly("dtype: unknown dtype int64 (one of bfloat16, float16, float32, float64)");
    assertThat(with("out_dtype", List.of("float16")))
        .containsExactly("out_dtype: expected a word, found [float16]");
  }

  @Test
  void eitherModelsOrSlices() {
    Map<String, Object> neither = ties();
    neither.remove("models");
    Map<String, Object> both = ties();
    both.put("slices", sliced(List.of(0, 1), List.of(1, 2)).get("slices"));

    assertThat(problems(neither))
        .containsExactly("exactly one of models and slices is needed, there are 0");
    assertThat(problems(both))
        .containsExactly("exactly one of models and slices is needed, there are 2");
  }

  private static Map<String, Object> sliced(Object first, Object second) {
    Map<String, Object> root = ties();
    root.remove("models");
    root.put(
        "slices",
        List.of(
            Map.of(
                "sources",
                List.of(
                    Map.of("model", "a", "layer_range", first),
                    Map.of("model", "b", "layer_range", second)))));
    return root;
  }

  @Test
  void layerRangesMustBeRanges() {
    List<Object> wrong = new ArrayList<>(List.of(List.of(3, 3), List.of(-1, 2), List.of(1), "all"));
    for (Object range : wrong) {
      assertThat(problems(sliced(range, List.of(0, 2))))
          .containsExactly(
              "slices[0].sources[0].layer_range: expected [start, end) with 0 <= start < end, found "
                  + range);
    }
  }

  @Test
  void layerRangesOfASliceAreEquallyLong() {
    assertThat(problems(sliced(List.of(0, 2), List.of(0, 3))))
        .containsExactly(
            "slices[0].sources: the layer ranges differ in length (make them equally long)");
    assertThat(problems(sliced(List.of(0, 2), List.of(5, 7)))).isEmpty();
  }

  @Test
  void sliceNeedsSources() {
    Map<String, Object> root = ties();
    root.remove("models");
    root.put("slices", List.of(Map.of("source", List.of())));

    assertThat(problems(root))
        .containsExactly(
            "slices[0].source: unknown key (did you mean sources?)", "slices[0].sources: missing");
  }

  @Test
  void rootMustBeKeysAndValues() {
    assertThat(problems(List.of(1))).contains("expected keys and values, found [1]");
    assertThat(problems(null)).contains("expected keys and values, found null");
    assertThat(with("models", "a")).containsExactly("models: expected a list, found a");
    assertThat(with("models", List.of("a")))
        .contains("models[0]: expected keys and values, found a");
  }

  @Test
  void allProblemsAreListedAtOnce() {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("merge_method", "ties");
    root.put("base-model", "b");
    root.put("dtype", "half");
    root.put("parameters", Map.of("lamda", 2));
    root.put(
        "models",
        List.of(
            Map.of("model", "a", "parameters", Map.of("density", 20)),
            Map.of("model", "c", "parameters", Map.of("wieght", 1))));

    assertThat(RecipeReader.read(root).problems())
        .extracting(RecipeProblem::path)
        .containsExactlyInAnyOrder(
            "base-model",
            "dtype",
            "parameters.lamda",
            "models[0].parameters.density",
            "models[1].parameters.wieght");
  }
}
