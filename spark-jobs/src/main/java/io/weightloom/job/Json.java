package io.weightloom.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;

/** JSON as we write it: indented by two, a line break at the end, the same bytes everywhere. */
public final class Json {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final ObjectWriter PRETTY =
      MAPPER.writer(new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n")));

  private Json() {}

  public static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  /** A tree of records, maps and lists as JSON. */
  public static JsonNode tree(Object value) {
    return MAPPER.valueToTree(value);
  }

  static byte[] pretty(JsonNode node) {
    return prettyText(node).getBytes(StandardCharsets.UTF_8);
  }

  /** Indented, with a line break at the end. */
  public static String prettyText(JsonNode node) {
    try {
      return PRETTY.writeValueAsString(node) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** One line. */
  public static String line(JsonNode node) {
    return node.toString();
  }

  /** A string with its quotes, which YAML reads too. */
  static String text(String value) {
    return MAPPER.getNodeFactory().textNode(value).toString();
  }
}
