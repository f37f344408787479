package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.recipe.ParamValue;
import io.weightloom.recipe.Recipe;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RecipeYamlTest {

  @Test
  void anchorsAndMergeKeysAreFollowed() {
    Recipe recipe =
        RecipeYaml.parse(
                "recipe.yml",
                """
                merge_method: ties
                base_model: base
                models:
                  - model: &first a
                    parameters: &light
                      weight: &w 0.25
                      density: 0.5
                  - model: b
                    parameters:
                      <<: *light
                      weight: 1
                parameters: {lambda: *w}
                """)
            .recipe();

    assertThat(recipe.models().get(0).parameters())
        .isEqualTo(
            Map.of("weight", new ParamValue.Scalar(0.25), "density", new ParamValue.Scalar(0.5)));
    assertThat(recipe.models().get(1).parameters())
        .isEqualTo(
            Map.of("weight", new ParamValue.Scalar(1.0), "density", new ParamValue.Scalar(0.5)));
    assertThat(recipe.parameters()).isEqualTo(Map.of("lambda", new ParamValue.Scalar(0.25)));
  }

  @Test
  void numbersWithoutAPointAreNumbers() {
    Recipe recipe =
        RecipeYaml.parse(
                "recipe.yml",
                "{merge_method: linear, models: [{model: a, parameters: {weight: 1e-3}}]}")
            .recipe();

    assertThat(recipe.models().get(0).parameters())
        .isEqualTo(Map.of("weight", new ParamValue.Scalar(0.001)));
  }

  @Test
  void theTextIsKeptAsItIs() {
    String text = "merge_method: linear # why\r\nmodels:\n- {model: a, parameters: {weight: 1}}";

    assertThat(RecipeYaml.parse("recipe.yml", text).text()).isEqualTo(text);
  }
}
