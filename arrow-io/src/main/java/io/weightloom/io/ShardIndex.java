package io.weightloom.io;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.error.WeightloomException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A {@code model.safetensors.index.json}: which shard holds which tensor. Immutable.
 *
 * @param weightMap tensor name to file name, sorted by tensor name
 * @param totalSize bytes of all tensors' data; some writers give the files' sizes instead
 * @param totalParameters the number of all tensors' elements
 */
public record ShardIndex(
    Map<String, String> weightMap, OptionalLong totalSize, OptionalLong totalParameters) {

  public ShardIndex {
    weightMap = Collections.unmodifiableMap(new TreeMap<>(weightMap));
  }

  /** The shards' file names, sorted. */
  public List<String> files() {
    return List.copyOf(new TreeSet<>(weightMap.values()));
  }

  /**
   * Reads an index.
   *
   * @param path what to call it in errors
   * @param json its bytes
   * @throws WeightloomException of kind INPUT if it is no such JSON, or names a file outside of its
   *     directory
   */
  public static ShardIndex parse(String path, byte[] json) {
    ObjectNode root = JsonText.object(path, json);
    if (!(root.get("weight_map") instanceof ObjectNode map)) {
      throw failure(path, "weight_map", "expected an object of file names");
    }
    Map<String, String> weights = new TreeMap<>();
    for (Map.Entry<String, JsonNode> e : map.properties()) {
      String field = "weight_map, \"" + e.getKey() + "\"";
      if (!e.getValue().isTextual()) {
        throw failure(path, field, "expected a file name, found " + e.getValue());
      }
      String file = e.getValue().asText();
      if (!isPlainName(file)) {
        throw failure(
            path, field, "\"" + file + "\" is no plain file name, it may leave the directory");
      }
      weights.put(e.getKey(), file);
    }
    JsonNode metadata = root.path("metadata");
    return new ShardIndex(
        weights, count(path, metadata, "total_size"), count(path, metadata, "total_parameters"));
  }

  /** The index as the common writers lay it out: keys sorted, indented by two. */
  public byte[] toJson() {
    StringBuilder out = new StringBuilder("{\n  \"metadata\": {");
    String comma = "";
    if (totalParameters.isPresent()) {
      out.append("\n    \"total_parameters\": ").append(totalParameters.getAsLong());
      comma = ",";
    }
    if (totalSize.isPresent()) {
      out.append(comma).append("\n    \"total_size\": ").append(totalSize.getAsLong());
      comma = ",";
    }
    out.append(comma.isEmpty() ? "}" : "\n  }").append(",\n  \"weight_map\": {");
    comma = "";
    for (Map.Entry<String, String> e : weightMap.entrySet()) {
      out.append(comma).append("\n    ");
      quote(out, e.getKey());
      out.append(": ");
      quote(out, e.getValue());
      comma = ",";
    }
    out.append(weightMap.isEmpty() ? "}" : "\n  }").append("\n}\n");
    return out.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void quote(StringBuilder out, String text) {
    out.append('"');
    JsonStringEncoder.getInstance().quoteAsString(text, out);
    out.append('"');
  }

  private static boolean isPlainName(String file) {
    return !file.isEmpty()
        && !file.equals(".")
        && !file.equals("..")
        && file.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c < 0x20);
  }

  private static OptionalLong count(String path, JsonNode metadata, String field) {
    JsonNode node = metadata.path(field);
    if (node.isMissingNode() || node.isNull()) {
      return OptionalLong.empty();
    }
    // Some writers compute it in floating point.
    boolean whole =
        node.isIntegralNumber()
            || (node.isNumber() && node.asDouble() == Math.rint(node.asDouble()));
    if (!whole || !node.canConvertToLong() || node.asLong() < 0) {
      throw failure(path, "metadata, " + field, "expected a count, found " + node);
    }
    return OptionalLong.of(node.asLong());
  }

  private static WeightloomException failure(String path, String field, String why) {
    return WeightloomException.input(
        "Cannot read the shard index %s: field %s: %s (write the index again with the model's library)"
            .formatted(path, field, why));
  }
}
