package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.plan.MergePlanner;
import io.weightloom.recipe.Recipe;
import io.weightloom.recipe.RecipeReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;

/**
 * A recipe file.
 *
 * @param path where it is
 * @param text its bytes as text, carried into the output unchanged
 * @param recipe what it says
 */
public record RecipeYaml(String path, String text, Recipe recipe) {
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
      tree = yaml().load(text);
    } catch (YAMLException e) {
      throw WeightloomException.usage(
          "Cannot read recipe %s: it is not valid YAML%s (mend the file)".formatted(path, why(e)));
    }
    RecipeReader.Outcome outcome = RecipeReader.read(tree);
    if (!outcome.problems().isEmpty()) {
      throw MergePlanner.problems(outcome.problems());
    }
    return new RecipeYaml(path, text, outcome.recipe());
  }

  /** Plain data with the types of YAML 1.1, as PyYAML reads them; anchors and merge keys too. */
  private static Yaml yaml() {
    LoaderOptions options = new LoaderOptions();
    options.setAllowDuplicateKeys(false);
    return new Yaml(new SafeConstructor(options));
  }

  private static String why(YAMLException e) {
    Mark mark = e instanceof MarkedYAMLException marked ? marked.getProblemMark() : null;
    String problem = e instanceof MarkedYAMLException marked ? marked.getProblem() : e.getMessage();
    return (mark == null
            ? ""
            : ", line %d, column %d".formatted(mark.getLine() + 1, mark.getColumn() + 1))
        + ": "
        + String.valueOf(problem).lines().findFirst().orElse("");
  }
}
