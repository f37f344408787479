package io.weightloom.job;

import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.plan.MergePlanner;
import io.weightloom.recipe.Recipe;
import io.weightloom.recipe.RecipeProblem;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * {@code tokenizer_source} without merging vocabularies: where all models have the same tokenizer,
 * byte for byte, the union is that tokenizer; where they do not, the recipe is refused.
 */
final class TokenizerCheck {
  private static final int LIMIT = 256 << 20;
  private static final List<String> VOCABULARIES =
      List.of(
          "tokenizer.json",
          "tokenizer.model",
          "vocab.json",
          "vocab.txt",
          "merges.txt",
          "spiece.model",
          "added_tokens.json");

  private TokenizerCheck() {}

  static void require(Recipe recipe, Map<String, ModelDir> byReference) {
    if (recipe.tokenizerSource().isEmpty()) {
      return;
    }
    Map<String, Map<String, Integer>> found = new TreeMap<>();
    byReference.forEach((reference, dir) -> found.put(reference, vocabulary(dir)));
    if (found.values().stream().distinct().count() > 1) {
      throw MergePlanner.problems(
          List.of(
              new RecipeProblem(
                  "tokenizer_source",
                  "the tokenizers of %s differ, and vocabularies are not merged yet (align them"
                          .formatted(String.join(", ", found.keySet()))
                      + " first, or remove the key to take the base model's)")));
    }
  }

  private static Map<String, Integer> vocabulary(ModelDir model) {
    Storage storage = Storage.of(model.path());
    Map<String, Integer> hashes = new TreeMap<>();
    for (String name : VOCABULARIES) {
      if (model.companionFiles().contains(name)) {
        byte[] bytes = storage.readAll(storage.resolve(model.path(), name), LIMIT);
        hashes.put(name, Arrays.hashCode(bytes));
      }
    }
    return hashes;
  }
}
