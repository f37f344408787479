package io.weightloom.io;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.error.WeightloomException;
import java.io.IOException;

/** Reads the small JSON files of a model directory. Stateless. */
public final class JsonText {
  // Python writes NaN and Infinity into config.json, which JSON does not have.
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private JsonText() {}

  /**
   * The object that these bytes are.
   *
   * @throws WeightloomException of kind INPUT that names the path and the byte
   */
  public static ObjectNode object(String path, byte[] json) {
    try {
      JsonNode node = MAPPER.readTree(json);
      if (node instanceof ObjectNode object) {
        return object;
      }
      throw failure(path, 0, "it is no JSON object");
    } catch (JsonProcessingException e) {
      JsonLocation at = e.getLocation();
      throw failure(path, at == null ? 0 : Math.max(0, at.getByteOffset()), e.getOriginalMessage());
    } catch (IOException e) {
      throw new IllegalStateException("reading from memory failed", e);
    }
  }

  private static WeightloomException failure(String path, long at, String why) {
    return WeightloomException.input(
        "Cannot read %s: invalid JSON at byte %d, %s (mend it or download it again)"
            .formatted(path, at, why));
  }
}
