package io.weightloom.io;

import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The files beside the weights that a derived model carries over: configuration, tokenizer and
 * processors. A list of what is known to be safe: no code, no weights, no index and no card, which
 * belong to the one model.
 */
final class CompanionFiles {
  private static final Set<String> NAMES =
      Set.of(
          "config.json",
          "generation_config.json",
          "added_tokens.json",
          "special_tokens_map.json",
          "merges.txt",
          "vocab.json",
          "vocab.txt",
          "tekken.json",
          "params.json",
          "preprocessor_config.json",
          "processor_config.json",
          "image_processor_config.json",
          "video_preprocessor_config.json",
          "feature_extractor_config.json",
          "scheduler_config.json",
          "modules.json",
          "sentence_bert_config.json",
          "config_sentence_transformers.json",
          "qwen.tiktoken",
          "normalizer.json");
  private static final Pattern PATTERNS =
      Pattern.compile(
          "tokenizer[\\w.-]*\\.(json|model|tiktoken|txt)"
              + "|(spiece|sentencepiece|source|target)[\\w.-]*\\.(model|spm)"
              + "|tiktoken\\.model"
              + "|chat_template\\.(jinja|json)");

  private CompanionFiles() {}

  static List<String> in(List<String> names) {
    return names.stream().filter(n -> NAMES.contains(n) || PATTERNS.matcher(n).matches()).toList();
  }
}
