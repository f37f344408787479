package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the documentation shows as a recipe is one. */
class DocumentedRecipesTest {
  private static final Pattern YAML = Pattern.compile("```yaml\\n(.*?)```", Pattern.DOTALL);

  @ParameterizedTest
  @CsvSource({"papers-as-recipes.md, 5", "adapters.md, 2"})
  void readsWithoutAProblem(String page, int expected) throws IOException {
    String text = Files.readString(Path.of("..", "docs", page));
    Matcher blocks = YAML.matcher(text);
    int read = 0;
    while (blocks.find()) {
      assertThat(RecipeYaml.parse(page, blocks.group(1)).recipe().method()).isNotEmpty();
      read++;
    }
    assertThat(read).isEqualTo(expected);
  }
}
