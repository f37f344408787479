package io.weightloom.io.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import io.weightloom.error.WeightloomException;
import java.io.IOException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/** Reads the JSON of a header as the reference does, one token at a time. For one use. */
final class HeaderParser {
  /** What precedes the JSON in a file. */
  static final int LENGTH_BYTES = 8;

  static final String METADATA = "__metadata__";

  /** The most tensors of a file in the strict profile; it bounds the memory of a hostile header. */
  private static final int MAX_TENSORS = 1_000_000;

  /** The reference's parser refuses the 128th level. */
  private static final int MAX_DEPTH = 127;

  private static final Pattern LEAVES_DIRECTORY =
      Pattern.compile("^[/\\\\]|(^|[/\\\\])\\.\\.([/\\\\]|$)");

  // The encoding is not guessed: a NUL behind the brace must not make it UTF-16.
  private static final JsonFactory JSON =
      new JsonFactoryBuilder()
          .disable(JsonFactory.Feature.CHARSET_DETECTION)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.FAIL_ON_SYMBOL_HASH_OVERFLOW)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNameLength((int) SafetensorsHeader.MAX_HEADER_BYTES)
                  .maxStringLength((int) SafetensorsHeader.MAX_HEADER_BYTES)
                  .build())
          .build();

  private final HeaderReport report;
  private final JsonParser parser;
  private final Map<String, HeaderEntry> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private boolean metadataSeen;

  private HeaderParser(HeaderReport report, JsonParser parser) {
    this.report = report;
    this.parser = parser;
  }

  /** The parser of this JSON, after it has run. */
  static HeaderParser parse(byte[] json, HeaderReport report) {
    try (JsonParser parser = JSON.createParser(json)) {
      HeaderParser header = new HeaderParser(report, parser);
      try {
        header.top();
      } catch (JsonProcessingException e) {
        // The location's own column counts from 1 and its text would quote the source.
        throw header.failure("the header", e.getOriginalMessage());
      }
      return header;
    } catch (IOException e) {
      throw new IllegalStateException("reading from memory failed", e);
    }
  }

  /** In the header's order. */
  Collection<HeaderEntry> tensors() {
    return tensors.values();
  }

  Map<String, String> metadata() {
    return metadata;
  }

  private void top() throws IOException {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw failure("the header", "it is not an object");
    }
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = text("a tensor's name");
      long at = at();
      parser.nextToken();
      if (name.equals(METADATA)) {
        readMetadata();
      } else {
        tensor(name, at);
      }
    }
    if (parser.nextToken() != null) {
      throw failure("the header", "something follows its closing brace");
    }
  }

  private void readMetadata() throws IOException {
    if (metadataSeen) {
      throw failure(METADATA, "duplicate field `__metadata__`");
    }
    metadataSeen = true;
    if (parser.currentToken() == JsonToken.VALUE_NULL) {
      return;
    }
    expect(JsonToken.START_OBJECT, METADATA, "an object of strings");
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String key = text(METADATA);
      String field = METADATA + ", key " + HeaderReport.quoted(key);
      if (metadata.containsKey(key)) {
        report.irregular(at(), field, "the key comes twice, readers may take either");
      }
      parser.nextToken();
      expect(JsonToken.VALUE_STRING, field, "a string");
      metadata.put(key, text(field));
    }
  }

  private void tensor(String name, long at) throws IOException {
    if (tensors.containsKey(name)) {
      report.irregular(
          at, HeaderReport.tensor(name), "the name comes twice, readers may take either");
    }
    warnOfName(name, at);
    HeaderEntry entry = new TensorInfoParser(report, this, parser, name, at).read();
    tensors.put(name, entry);
    if (tensors.size() == MAX_TENSORS + 1) {
      report.irregular(at, "the header", "more than " + MAX_TENSORS + " tensors");
    }
  }

  private void warnOfName(String name, long at) {
    if (name.isEmpty()) {
      report.warn(at, HeaderReport.tensor(name), "the name is empty");
    } else if (name.chars().anyMatch(Character::isISOControl)) {
      report.warn(at, HeaderReport.tensor(name), "the name holds control characters");
    } else if (LEAVES_DIRECTORY.matcher(name).find()) {
      report.warn(at, HeaderReport.tensor(name), "the name reads as a path out of a directory");
    }
  }

  void expect(JsonToken token, String field, String what) {
    if (parser.currentToken() != token) {
      throw failure(field, "expected " + what + ", found " + parser.currentToken());
    }
  }

  /** The text of the current name or string, refused if it is no Unicode text. */
  String text(String field) throws IOException {
    String text = parser.getText();
    OptionalInt lone =
        text.codePoints()
            .filter(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)
            .findFirst();
    if (lone.isPresent()) {
      throw failure(field, "lone surrogate \\u%04x".formatted(lone.getAsInt()));
    }
    return text;
  }

  /** The byte of the file where the current token begins. */
  long at() {
    return LENGTH_BYTES + Math.max(0, parser.currentTokenLocation().getByteOffset());
  }

  WeightloomException failure(String field, String why) {
    return report.failure(HeaderError.INVALID_HEADER_DESERIALIZATION, at(), field, why);
  }
}
