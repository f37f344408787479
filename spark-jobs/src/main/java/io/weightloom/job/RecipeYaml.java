package io.weightloom.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.weightloom.error.WeightloomException;
import io.weightloom.plan.MergePlanner;
import io.weightloom.recipe.Recipe;
import io.weightloom.recipe.RecipeReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * A recipe file.
 *
 * @param path where it is
 * @param text its bytes as text, carried into the output unchanged
 * @param recipe what it says
 */
public record RecipeYaml(String path, String text, Recipe recipe) {
  private static final ObjectMapper YAML =
      new ObjectMapper(
          YAMLFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build());

  /**
   * Reads a recipe file.
   *
   * @throws WeightloomException of kind USAGE that lists all that is wrong with it
   */
  public static RecipeYaml read(Path path) {
    String text;
    try {
      text = Files.readString(path, StandardCharsets.UTF_8);
    } catch (NoSuchFileException e) {
      throw WeightloomException.usage(
          "Cannot read recipe %s: there is no such file (check the path)".formatted(path));
    } catch (IOException e) {
      throw WeightloomException.usage(
          "Cannot read recipe %s: %s (it must be a UTF-8 text file)".formatted(path, e));
    }
    return parse(path.toString(), text);
  }

  /** Parses a recipe's text; {@code path} is for messages. */
  public static RecipeYaml parse(String path, String text) {
    Object tree;
    try {
      tree = YAML.readValue(text, Object.class);
    } catch (JsonProcessingException e) {
      String where =
          e.getLocation() == null
              ? ""
              : ", line %d, column %d"
                  .formatted(e.getLocation().getLineNr(), e.getLocation().getColumnNr());
      throw WeightloomException.usage(
          "Cannot read recipe %s: it is not valid YAML%s: %s (mend the file)"
              .formatted(path, where, e.getOriginalMessage().lines().findFirst().orElse("")));
    }
    RecipeReader.Outcome outcome = RecipeReader.read(tree);
    if (!outcome.problems().isEmpty()) {
      throw MergePlanner.problems(outcome.problems());
    }
    return new RecipeYaml(path, text, outcome.recipe());
  }
}
