package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.recipe.ParamValue;
import io.weightloom.recipe.Recipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@NullUnmarked
class RecipeYamlTest {
  @TempDir Path dir;

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

  private static String learned(String value) {
    return """
        merge_method: adamerging
        base_model: b
        models:
          - model: a
            parameters:
              weight: %s
        """
        .formatted(value);
  }

  @Test
  void coefficientsByTensorComeFromAFileBesideTheRecipe() throws IOException {
    Files.writeString(
        dir.resolve("learned.json"), "{\"dtd\": {\"w\": 0.17, \"*\": 0.3}, \"all\": 0.5}");
    Path recipe = dir.resolve("recipe.yml");

    Files.writeString(recipe, learned("{table: learned.json, key: dtd}"));
    ParamValue weight = weight(RecipeYaml.read(recipe));
    assertThat(weight.at("w", 0)).hasValue(0.17);
    assertThat(weight.at("other", 0)).hasValue(0.3);

    Files.writeString(recipe, learned("{table: learned.json, key: all}"));
    assertThat(weight(RecipeYaml.read(recipe)).at("w", 0)).hasValue(0.5);

    Files.writeString(recipe, learned("{tensors: {w: 0.25}}"));
    assertThat(weight(RecipeYaml.read(recipe)).at("other", 0)).isEmpty();
  }

  private static ParamValue weight(RecipeYaml recipe) {
    return java.util.Objects.requireNonNull(
        recipe.recipe().models().get(0).parameters().get("weight"));
  }

  @Test
  void aTableThatIsNotThereOrHasNoSuchKeyIsAClearError() throws IOException {
    Path recipe = dir.resolve("recipe.yml");
    Files.writeString(recipe, learned("{table: learned.json, key: dtd}"));
    assertThatThrownBy(() -> RecipeYaml.read(recipe))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining(
            "Cannot read the table of coefficients " + dir.resolve("learned.json"));

    Files.writeString(dir.resolve("learned.json"), "{\"cars\": {\"w\": 1}}");
    assertThatThrownBy(() -> RecipeYaml.read(recipe))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("nothing under dtd (name a key that it has: [cars])");

    Files.writeString(dir.resolve("learned.json"), "{\"dtd\": {\"w\": \"much\"}}");
    assertThatThrownBy(() -> RecipeYaml.read(recipe))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining(
            "models[0].parameters.weight.tensors.w: expected a number, found much");
  }
}
