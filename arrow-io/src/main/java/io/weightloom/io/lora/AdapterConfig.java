package io.weightloom.io.lora;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.JsonText;
import io.weightloom.io.Storage;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * What PEFT's {@code adapter_config.json} says of how an adapter is folded.
 *
 * @param base {@code base_model_name_or_path}; may be empty
 * @param alpha {@code lora_alpha}
 * @param alphas {@code alpha_pattern}: α of modules whose names end with a pattern, in order
 * @param rankStabilised {@code use_rslora}: α/√r instead of α/r
 * @param transposed {@code fan_in_fan_out}: weights are stored inputs × outputs
 */
record AdapterConfig(
    String base,
    double alpha,
    Map<Pattern, Double> alphas,
    boolean rankStabilised,
    boolean transposed) {

  static final String FILE = "adapter_config.json";
  private static final int LIMIT = 16 << 20;

  /** Switches of PEFT that change what folding means. */
  private static final List<String> UNKNOWN_TO_US =
      List.of(
          "use_dora",
          "use_qalora",
          "lora_bias",
          "layer_replication",
          "megatron_config",
          "trainable_token_indices",
          "target_parameters",
          "alora_invocation_tokens",
          "corda_config");

  /** Beginnings of {@code init_lora_weights} that change the base at the start. */
  private static final List<String> CHANGING_THE_BASE = List.of("pissa", "olora", "loftq", "corda");

  static AdapterConfig read(String adapter) {
    Storage storage = Storage.of(adapter);
    String path = storage.resolve(adapter, FILE);
    if (!storage.exists(path)) {
      throw failure(adapter, "it holds no " + FILE, "name the directory that PEFT saved");
    }
    ObjectNode json = JsonText.object(path, storage.readAll(path, LIMIT));
    String type = json.path("peft_type").asText("LORA");
    if (!type.equals("LORA")) {
      throw failure(adapter, "its peft_type is " + type, "merge it into its base with PEFT first");
    }
    for (String key : UNKNOWN_TO_US) {
      JsonNode value = json.path(key);
      boolean unset =
          value.isMissingNode()
              || value.isNull()
              || (value.isBoolean() && !value.asBoolean())
              || (value.isContainerNode() && value.isEmpty());
      if (!unset) {
        throw failure(adapter, "it sets " + key, "merge it into its base with PEFT first");
      }
    }
    String start = json.path("init_lora_weights").asText("");
    if (CHANGING_THE_BASE.stream().anyMatch(start::startsWith)) {
      throw failure(
          adapter,
          "it began as " + start + ", which changes the base's weights",
          "save it with PEFT's path_initial_model_for_weight_conversion");
    }
    return new AdapterConfig(
        json.path("base_model_name_or_path").asText(""),
        json.path("lora_alpha").asDouble(8),
        patterns(adapter, json.path("alpha_pattern")),
        json.path("use_rslora").asBoolean(false),
        json.path("fan_in_fan_out").asBoolean(false));
  }

  private static Map<Pattern, Double> patterns(String adapter, JsonNode node) {
    Map<Pattern, Double> patterns = new LinkedHashMap<>();
    node.properties()
        .forEach(
            e -> {
              try {
                // As PEFT looks them up: the whole name, or its end behind a dot.
                patterns.put(
                    Pattern.compile("(.*\\.)?(" + e.getKey() + ")$"), e.getValue().asDouble());
              } catch (PatternSyntaxException why) {
                throw failure(
                    adapter,
                    "its alpha_pattern %s is no pattern, %s"
                        .formatted(e.getKey(), why.getDescription()),
                    "mend " + FILE);
              }
            });
    return patterns;
  }

  /** The factor of B·A in this module. */
  double scale(String module, int rank) {
    double a =
        alphas.entrySet().stream()
            .filter(e -> e.getKey().matcher(module).matches())
            .map(Map.Entry::getValue)
            .findFirst()
            .orElse(alpha);
    return rankStabilised ? a / Math.sqrt(rank) : a / rank;
  }

  static WeightloomException failure(String adapter, String why, String fix) {
    return WeightloomException.input(
        "Cannot use the adapter %s: %s (%s)".formatted(adapter, why, fix));
  }
}
