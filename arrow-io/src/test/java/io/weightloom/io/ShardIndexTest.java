package io.weightloom.io;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShardIndexTest {
  private static ShardIndex parse(String json) {
    return ShardIndex.parse("i.json", json.getBytes(UTF_8));
  }

  @Test
  void writtenTextIsSortedAndReadBack() {
    ShardIndex index =
        new ShardIndex(
            Map.of(
                "b", "model-00002-of-00002.safetensors", "a\"", "model-00001-of-00002.safetensors"),
            OptionalLong.of(10),
            OptionalLong.of(5));

    String text = new String(index.toJson(), UTF_8);

    assertThat(text)
        .isEqualTo(
            """
            {
              "metadata": {
                "total_parameters": 5,
                "total_size": 10
              },
              "weight_map": {
                "a\\"": "model-00001-of-00002.safetensors",
                "b": "model-00002-of-00002.safetensors"
              }
            }
            """);
    assertThat(parse(text)).isEqualTo(index);
    assertThat(index.files())
        .containsExactly("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
  }

  @Test
  void anEmptyIndexIsSoundText() {
    ShardIndex empty = new ShardIndex(Map.of(), OptionalLong.empty(), OptionalLong.empty());

    assertThat(parse(new String(empty.toJson(), UTF_8))).isEqualTo(empty);
  }

  @Test
  void totalsMayBeWrittenAsFloatsOrNotAtAll() {
    assertThat(parse("{\"metadata\":{\"total_size\":1.0e3},\"weight_map\":{}}").totalSize())
        .hasValue(1000);
    assertThat(parse("{\"weight_map\":{}}").totalSize()).isEmpty();
    assertThat(parse("{\"metadata\":{},\"weight_map\":{}}").totalParameters()).isEmpty();
    assertThatThrownBy(() -> parse("{\"metadata\":{\"total_size\":-1},\"weight_map\":{}}"))
        .hasMessageContaining("field metadata, total_size: expected a count, found -1");
    assertThatThrownBy(() -> parse("{\"metadata\":{\"total_size\":1.5},\"weight_map\":{}}"))
        .hasMessageContaining("expected a count, found 1.5");
  }

  @ParameterizedTest
  @ValueSource(strings = {"../x", "/etc/passwd", "a/b", "..", "", "a\\\\b", "s3://b/x", "x\\n"})
  void filesOutsideTheDirectoryAreRefused(String file) {
    assertThatThrownBy(() -> parse("{\"weight_map\":{\"w\":\"" + file + "\"}}"))
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith("Cannot read the shard index i.json: field weight_map, \"w\": ")
        .hasMessageContaining("is no plain file name, it may leave the directory");
  }

  @Test
  void malformedIndexesNameTheirFieldOrByte() {
    assertThatThrownBy(() -> parse("{\"metadata\":{}}"))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot read the shard index i.json: field weight_map: expected an object of file names (write the index again with the model's library)");
    assertThatThrownBy(() -> parse("{\"weight_map\":{\"w\":3}}"))
        .hasMessageContaining("field weight_map, \"w\": expected a file name, found 3");
    assertThatThrownBy(() -> parse("{\"weight_map\":{\"w\":\"a\",\"w\":\"b\"}}"))
        .hasMessageStartingWith("Cannot read i.json: invalid JSON at byte 26, Duplicate field 'w'");
    assertThatThrownBy(() -> parse("[]")).hasMessageContaining("it is no JSON object");
    assertThatThrownBy(() -> parse("")).hasMessageContaining("it is no JSON object");
  }
}
