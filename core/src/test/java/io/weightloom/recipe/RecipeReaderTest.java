package io.weightloom.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.recipe.ParamValue.Case;
import io.weightloom.recipe.ParamValue.Filtered;
import io.weightloom.recipe.ParamValue.Gradient;
import io.weightloom.recipe.ParamValue.Scalar;
import io.weightloom.recipe.Recipe.LayerRange;
import io.weightloom.tensor.DType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What a recipe in mergekit's grammar is read as; the trees are those of a YAML parser. */
class RecipeReaderTest {

  private static Recipe read(Map<String, ?> root) {
    RecipeReader.Outcome outcome = RecipeReader.read(root);
    assertThat(outcome.problems()).isEmpty();
    return outcome.recipe();
  }

  private static Map<String, Object> ties(Object parameters) {
    return Map.of(
        "merge_method",
        "ties",
        "base_model",
        "org/base",
        "models",
        List.of(Map.of("model", "org/a", "parameters", parameters)));
  }

  private static ParamValue weight(Object value) {
    ParamValue found =
        read(ties(Map.of("weight", value))).models().get(0).parameters().get("weight");
    return Optional.ofNullable(found).orElseThrow();
  }

  @Test
  void aModelMayBeABaseAndItsAdapter() {
    Map<String, Object> root =
        Map.of(
            "merge_method",
            "passthrough",
            "models",
            List.of(Map.of("model", Map.of("model", "base", "lora", "org/adapter"))));

    assertThat(RecipeReader.read(root).recipe().models().get(0).model())
        .isEqualTo("base+org/adapter");
  }

  @Test
  void commonRecipeIsRead() {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("merge_method", "dare_ties");
    root.put("base_model", "org/base");
    root.put(
        "models",
        List.of(
            Map.of("model", "org/base"),
            Map.of("model", "org/math", "parameters", Map.of("weight", 0.5, "density", 0.4)),
            Map.of("model", "/zoo/code", "parameters", Map.of("weight", 1))));
    root.put("parameters", Map.of("normalize", true, "int8_mask", true, "lambda", "1.5"));
    root.put("dtype", "bfloat16");
    root.put("out_dtype", "torch.float16");
    root.put("tokenizer_source", "base");

    Recipe recipe = read(root);

    assertThat(recipe.method()).isEqualTo("dare_ties");
    assertThat(recipe.base()).contains("org/base");
    assertThat(recipe.models())
        .extracting(Recipe.Source::model)
        .containsExactly("org/base", "org/math", "/zoo/code");
    assertThat(recipe.models())
        .extracting(Recipe.Source::path)
        .containsExactly("models[0]", "models[1]", "models[2]");
    assertThat(recipe.models().get(1).parameters())
        .containsOnly(Map.entry("weight", new Scalar(0.5)), Map.entry("density", new Scalar(0.4)));
    assertThat(recipe.parameters())
        .containsOnly(
            Map.entry("normalize", new Scalar(true)),
            Map.entry("int8_mask", new Scalar(true)),
            Map.entry("lambda", new Scalar(1.5)));
    assertThat(recipe.dtype()).contains(DType.BF16);
    assertThat(recipe.outDtype()).contains(DType.F16);
    assertThat(recipe.tokenizerSource()).contains("base");
    assertThat(recipe.slices()).isEmpty();
    assertThat(recipe.extensions()).isEmpty();
    assertThat(recipe.keepsNonFinite()).isFalse();
  }

  @Test
  void numbersMayBeWholeWordsOrYesAndNo() {
    assertThat(weight(1)).isEqualTo(new Scalar(1.0));
    assertThat(weight(1L)).isEqualTo(new Scalar(1.0));
    assertThat(weight("0.25")).isEqualTo(new Scalar(0.25));
    assertThat(weight("-1e-3")).isEqualTo(new Scalar(-0.001));
    assertThat(weight(true)).isEqualTo(new Scalar(1.0));
    assertThat(weight(false)).isEqualTo(new Scalar(0.0));
  }

  @Test
  void listOfNumbersIsAGradient() {
    assertThat(weight(List.of(0, 0.5, "1"))).isEqualTo(new Gradient(List.of(0.0, 0.5, 1.0)));
  }

  @Test
  void filterAndValueIsACase() {
    assertThat(weight(Map.of("filter", "mlp", "value", 0.5)))
        .isEqualTo(new Filtered(List.of(new Case("mlp", new Scalar(0.5)))));
    assertThat(weight(Map.of("value", 0.5)))
        .isEqualTo(new Filtered(List.of(new Case("", new Scalar(0.5)))));
  }

  @Test
  void listOfCasesKeepsItsOrder() {
    assertThat(
            weight(
                List.of(
                    Map.of("filter", "mlp", "value", List.of(0, 1)),
                    Map.of("filter", "*", "value", 0.25),
                    Map.of("value", 0.5))))
        .isEqualTo(
            new Filtered(
                List.of(
                    new Case("mlp", new Gradient(List.of(0.0, 1.0))),
                    new Case("*", new Scalar(0.25)),
                    new Case("", new Scalar(0.5)))));
  }

  @Test
  void flagsMayBeFilteredAndMayBeZeroOrOne() {
    Recipe recipe =
        read(
            Map.of(
                "merge_method",
                "ties",
                "base_model",
                "b",
                "models",
                List.of(Map.of("model", "a")),
                "parameters",
                Map.of(
                    "normalize",
                    0,
                    "rescale",
                    List.of(Map.of("filter", "mlp", "value", true), Map.of("value", false)))));

    assertThat(recipe.parameters()).containsEntry("normalize", new Scalar(false));
    assertThat(recipe.parameters())
        .containsEntry(
            "rescale",
            new Filtered(
                List.of(new Case("mlp", new Scalar(true)), new Case("", new Scalar(false)))));
  }

  @Test
  void modelParametersMayStandAtTheTopForAll() {
    Map<String, Object> root = new LinkedHashMap<>(ties(Map.of()));
    root.put("parameters", Map.of("weight", 0.5, "density", List.of(0.2, 0.4)));

    assertThat(read(root).parameters()).containsOnlyKeys("weight", "density");
  }

  @Test
  void slicesHaveLayerRanges() {
    Recipe recipe =
        read(
            Map.of(
                "merge_method",
                "passthrough",
                "slices",
                List.of(
                    Map.of("sources", List.of(Map.of("model", "a", "layer_range", List.of(0, 24)))),
                    Map.of(
                        "sources",
                        List.of(
                            Map.of(
                                "model",
                                Map.of("model", "b"),
                                "layer_range",
                                List.of(8, 32),
                                "parameters",
                                Map.of("scale", 0.5))),
                        "base_model",
                        "c",
                        "parameters",
                        Map.of("scale", 2)))));

    assertThat(recipe.models()).isEmpty();
    assertThat(recipe.slices()).hasSize(2);
    Recipe.Slice second = recipe.slices().get(1);
    assertThat(second.base()).contains("c");
    assertThat(second.path()).isEqualTo("slices[1]");
    assertThat(second.parameters()).containsEntry("scale", new Scalar(2.0));
    assertThat(second.sources().get(0).model()).isEqualTo("b");
    assertThat(second.sources().get(0).layers()).contains(new LayerRange(8, 32));
    assertThat(second.sources().get(0).path()).isEqualTo("slices[1].sources[0]");
    assertThat(new LayerRange(8, 32).size()).isEqualTo(24);
  }

  @Test
  void ourOwnKeysStandApart() {
    Map<String, Object> root = new LinkedHashMap<>(ties(Map.of()));
    root.put(
        "weightloom",
        Map.of("variant", "reference", "non_finite", "keep", "scope", "tensor", "trim", "exact"));

    Recipe recipe = read(root);

    assertThat(recipe.extensions())
        .containsOnly(
            Map.entry("variant", "reference"),
            Map.entry("non_finite", "keep"),
            Map.entry("scope", "tensor"),
            Map.entry("trim", "exact"));
    assertThat(recipe.keepsNonFinite()).isTrue();
  }

  @Test
  void numbersAmongOurOwnKeysAreNumbers() {
    Map<String, Object> root = new LinkedHashMap<>(ties(Map.of()));
    root.put("merge_method", "dare_ties");
    root.put("weightloom", Map.of("trim_density", "0.2"));

    assertThat(read(root).extensions()).containsExactly(Map.entry("trim_density", 0.2));
  }

  @Test
  void keysWithoutValuesAreAsIfLeftOut() {
    Map<String, Object> root = new LinkedHashMap<>(ties(Map.of()));
    root.put("parameters", null);
    root.put("dtype", null);
    root.put("slices", null);
    root.put("weightloom", null);

    assertThat(read(root).parameters()).isEmpty();
  }
}
