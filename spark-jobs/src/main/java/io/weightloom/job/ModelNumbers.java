package io.weightloom.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.error.WeightloomException;
import java.util.List;
import java.util.Optional;

/**
 * Whole numbers of a model's config: at its top, or where a model of several parts has its text.
 */
final class ModelNumbers {
  private static final List<String> PLACES = List.of("", "/text_config");

  private final String model;
  private final ObjectNode config;

  ModelNumbers(String model, ObjectNode config) {
    this.model = model;
    this.config = config;
  }

  /** A number that may be absent. */
  Optional<Integer> find(String key) {
    JsonNode found = config.at(pointer(key));
    return found.isInt() ? Optional.of(found.asInt()) : Optional.empty();
  }

  /** A number that must be there. */
  int require(String key) {
    return find(key)
        .orElseThrow(
            () ->
                WeightloomException.input(
                    "Cannot tell the units of %s apart: its config.json has no whole number %s (known are configs as Llama's)"
                        .formatted(model, key)));
  }

  /** Where the number is, as a JSON pointer; at the top if it is nowhere. */
  String pointer(String key) {
    return PLACES.stream()
            .filter(place -> config.at(place + "/" + key).isInt())
            .findFirst()
            .orElse("")
        + "/"
        + key;
  }

  /** The place of another number beside this one. */
  String beside(String key, String other) {
    String at = pointer(key);
    return at.substring(0, at.length() - key.length()) + other;
  }
}
