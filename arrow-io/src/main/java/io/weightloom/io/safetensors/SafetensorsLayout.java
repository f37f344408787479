package io.weightloom.io.safetensors;

import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The header and the places of a file that will hold some tensors, byte for byte as the reference
 * writer makes it: widest dtype first, then by name; no hole; the JSON padded to 8 bytes. The
 * reference leaves the order of metadata keys open, here they are sorted.
 *
 * @param header the length and the JSON, the bytes before the data; given to the caller
 * @param tensors in the file's order, with positions in the file
 * @param fileSize in bytes
 */
@SuppressWarnings("ArrayRecordComponent") // never compared; the bytes go straight to a file
public record SafetensorsLayout(byte[] header, List<StoredTensor> tensors, long fileSize) {
  private static final Comparator<TensorSpec> WRITERS_ORDER =
      Comparator.comparing(TensorSpec::dtype)
          .reversed()
          .thenComparing(TensorSpec::name, SafetensorsLayout::compareCodePoints);

  /**
   * Lays out a file.
   *
   * @param specs the tensors, in any order
   * @param metadata the text of {@code __metadata__}; empty for none
   * @throws WeightloomException of kind INPUT if the format cannot hold them: two of one name, one
   *     named {@code __metadata__}, bits that are no whole bytes, too long a header
   */
  public static SafetensorsLayout of(Collection<TensorSpec> specs, Map<String, String> metadata) {
    List<TensorSpec> ordered = new ArrayList<>(specs);
    ordered.sort(WRITERS_ORDER);
    return inOrder(ordered, metadata);
  }

  /** Lays out a file whose tensors lie in this order, which readers take as well. */
  public static SafetensorsLayout inOrder(List<TensorSpec> ordered, Map<String, String> metadata) {
    StringBuilder json = new StringBuilder("{");
    if (!metadata.isEmpty()) {
      appendMetadata(json, metadata);
    }
    long offset = 0;
    long[] ends = new long[ordered.size()];
    for (int i = 0; i < ends.length; i++) {
      TensorSpec spec = ordered.get(i);
      ends[i] = end(offset, spec);
      json.append(json.length() > 1 ? "," : "");
      append(json, spec, offset, ends[i]);
      offset = ends[i];
    }
    checkDistinct(ordered);
    byte[] header = encode(json.append('}'));
    List<StoredTensor> tensors = new ArrayList<>(ends.length);
    for (int i = 0; i < ends.length; i++) {
      long begin = i == 0 ? 0 : ends[i - 1];
      tensors.add(new StoredTensor(ordered.get(i), header.length + begin, header.length + ends[i]));
    }
    return new SafetensorsLayout(header, List.copyOf(tensors), header.length + offset);
  }

  private static void append(StringBuilder json, TensorSpec spec, long begin, long end) {
    quote(json, spec.name());
    json.append(":{\"dtype\":\"").append(spec.dtype().name()).append("\",\"shape\":");
    json.append(
        spec.shape().dims().stream()
            .map(String::valueOf)
            .collect(Collectors.joining(",", "[", "]")));
    json.append(",\"data_offsets\":[").append(begin).append(',').append(end).append("]}");
  }

  private static void appendMetadata(StringBuilder json, Map<String, String> metadata) {
    quote(json, HeaderParser.METADATA);
    json.append(":{");
    String comma = "";
    for (Map.Entry<String, String> e : new TreeMap<>(metadata).entrySet()) {
      json.append(comma);
      quote(json, e.getKey());
      json.append(':');
      quote(json, e.getValue());
      comma = ",";
    }
    json.append('}');
  }

  private static byte[] encode(StringBuilder json) {
    ByteBuffer utf8;
    try {
      utf8 = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(json));
    } catch (CharacterCodingException e) {
      throw refused("a name or metadata text holds half a surrogate pair", "rename the tensor");
    }
    int length = Math.addExact(utf8.remaining(), 7) & ~7;
    if (length > SafetensorsHeader.MAX_HEADER_BYTES) {
      throw refused(
          "it would have %d bytes, readers take %d"
              .formatted(length, SafetensorsHeader.MAX_HEADER_BYTES),
          "cut the model into more shards");
    }
    ByteBuffer out =
        ByteBuffer.allocate(HeaderParser.LENGTH_BYTES + length).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(length).put(utf8);
    while (out.hasRemaining()) {
      out.put((byte) ' ');
    }
    return out.array();
  }

  private static void checkDistinct(List<TensorSpec> specs) {
    Set<String> names = new HashSet<>();
    for (TensorSpec spec : specs) {
      if (spec.name().equals(HeaderParser.METADATA)) {
        throw refused("a tensor is named " + HeaderParser.METADATA, "rename it");
      }
      if (!names.add(spec.name())) {
        throw refused(
            "two tensors are named " + HeaderReport.quoted(spec.name()), "rename one of them");
      }
    }
  }

  private static long end(long begin, TensorSpec spec) {
    try {
      return Math.addExact(begin, spec.byteSize());
    } catch (ArithmeticException e) {
      throw refused(
          "tensor %s, %s of %s: %s"
              .formatted(
                  HeaderReport.quoted(spec.name()), spec.dtype(), spec.shape(), e.getMessage()),
          "change its shape");
    }
  }

  private static WeightloomException refused(String why, String fix) {
    return WeightloomException.input(
        "Cannot lay out a safetensors file: %s (%s)".formatted(why, fix));
  }

  private static void quote(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < 0x20) {
            out.append("\\u%04x".formatted((int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }

  /** By UTF-8 bytes, which is by code points, unlike the order of Java's strings. */
  private static int compareCodePoints(String a, String b) {
    int n = Math.min(a.length(), b.length());
    for (int i = 0; i < n; i++) {
      char x = a.charAt(i);
      char y = b.charAt(i);
      if (x != y) {
        boolean sameKind = Character.isSurrogate(x) == Character.isSurrogate(y);
        return sameKind ? Character.compare(x, y) : Character.isSurrogate(x) ? 1 : -1;
      }
    }
    return Integer.compare(a.length(), b.length());
  }
}
