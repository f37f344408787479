package io.weightloom.io.safetensors;

import io.weightloom.io.ByteSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a safetensors file says of its tensors, checked against its size. Immutable.
 *
 * <p>The checks are those of the reference reader, in its order and by its names; see the format's
 * <a href="https://github.com/huggingface/safetensors#format">description</a>.
 *
 * @param path the file
 * @param headerLength the JSON's length in bytes, padding and all
 * @param dataStart where the tensors' data begins, {@code 8 + headerLength}
 * @param tensors in the order of their data, which they cover without hole or overlap
 * @param metadata the free text of {@code __metadata__}, in the file's order
 * @param warnings what was let pass, with byte and field
 * @param sha256 of bytes 0 to {@code dataStart}, 64 hexadecimal digits
 */
public record SafetensorsHeader(
    String path,
    long headerLength,
    long dataStart,
    List<StoredTensor> tensors,
    Map<String, String> metadata,
    List<String> warnings,
    String sha256) {

  /** The longest JSON that readers take. */
  public static final long MAX_HEADER_BYTES = 100_000_000;

  public SafetensorsHeader {
    tensors = List.copyOf(tensors);
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    warnings = List.copyOf(warnings);
  }

  /**
   * Reads a header by two ranged reads, its length and its JSON; no data.
   *
   * @param source the file; borrowed
   * @throws io.weightloom.error.WeightloomException of kind INPUT, if the file cannot be read or
   *     its header is refused; the message has the reference's name of the error, the byte and the
   *     field
   */
  public static SafetensorsHeader read(ByteSource source, Profile profile) {
    HeaderReport report = new HeaderReport(source.path(), profile);
    byte[] prefix = readPrefix(source, report);
    long length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
    checkLength(length, source.size(), report);
    byte[] json = new byte[(int) length];
    source.readFully(prefix.length, json, 0, json.length);
    checkUtf8(json, report);
    checkPadding(json, report);
    HeaderParser parsed = HeaderParser.parse(json, report);
    long dataStart = prefix.length + length;
    List<StoredTensor> tensors =
        new HeaderValidator(report, dataStart, source.size()).validate(parsed.tensors());
    return new SafetensorsHeader(
        source.path(),
        length,
        dataStart,
        tensors,
        parsed.metadata(),
        report.warnings(),
        sha256(prefix, json));
  }

  private static byte[] readPrefix(ByteSource source, HeaderReport report) {
    byte[] prefix = new byte[HeaderParser.LENGTH_BYTES];
    if (source.size() < prefix.length) {
      throw report.failure(
          HeaderError.HEADER_TOO_SMALL,
          0,
          "header length",
          "the file has %d bytes".formatted(source.size()));
    }
    source.readFully(0, prefix, 0, prefix.length);
    return prefix;
  }

  private static void checkLength(long length, long fileSize, HeaderReport report) {
    String said = "the length is " + Long.toUnsignedString(length);
    if (length < 0 || length > MAX_HEADER_BYTES) {
      throw report.failure(
          HeaderError.HEADER_TOO_LARGE,
          0,
          "header length",
          said + ", the limit " + MAX_HEADER_BYTES);
    }
    if (length > fileSize - HeaderParser.LENGTH_BYTES) {
      throw report.failure(
          HeaderError.INVALID_HEADER_LENGTH,
          0,
          "header length",
          said + ", the file has " + fileSize + " bytes");
    }
  }

  private static void checkUtf8(byte[] json, HeaderReport report) {
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(json);
    CharBuffer out = CharBuffer.allocate(4096);
    CoderResult result;
    do {
      out.clear();
      result = decoder.decode(in, out, true);
    } while (result.isOverflow());
    if (result.isError()) {
      throw report.failure(
          HeaderError.INVALID_HEADER,
          HeaderParser.LENGTH_BYTES + (long) in.position(),
          "the header",
          "byte 0x%02x".formatted(json[in.position()]));
    }
  }

  private static void checkPadding(byte[] json, HeaderReport report) {
    if (json.length > 0 && isBlank(json[0])) {
      report.warn(HeaderParser.LENGTH_BYTES, "the header", "white space before the first brace");
    }
    for (int i = json.length - 1; i >= 0 && isBlank(json[i]); i--) {
      if (json[i] != ' ') {
        report.warn(
            HeaderParser.LENGTH_BYTES + (long) i, "the header", "padded with other than spaces");
        return;
      }
    }
  }

  private static boolean isBlank(byte b) {
    return b == ' ' || b == '\t' || b == '\n' || b == '\r';
  }

  private static String sha256(byte[] prefix, byte[] json) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(prefix);
      digest.update(json);
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
