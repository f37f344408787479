package io.weightloom.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SuggestionTest {
  private static final List<String> KNOWN =
      List.of("weight", "density", "lambda", "normalize", "rescale");

  @ParameterizedTest
  @CsvSource({
    "wieght, weight",
    "weigth, weight",
    "Weight, weight",
    "densty, density",
    "lamda, lambda",
    "normalise, normalize",
    "rescales, rescale"
  })
  void slipsAreMended(String word, String meant) {
    assertThat(Suggestion.closest(word, KNOWN)).contains(meant);
  }

  @ParameterizedTest
  @CsvSource({"temperature", "t", "eps", "''"})
  void otherWordsAreLeftAlone(String word) {
    assertThat(Suggestion.closest(word, KNOWN)).isEmpty();
  }
}
