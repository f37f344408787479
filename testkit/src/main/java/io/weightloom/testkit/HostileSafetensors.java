package io.weightloom.testkit;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.NullMarked;

/**
 * Safetensors files that are wrong, odd or at an edge, with what the reference reader and a strict
 * one make of each. The reference's column was held against safetensors 0.8.0 by {@code
 * dev/golden/safetensors_corpus.py}.
 */
@NullMarked
public final class HostileSafetensors {
  /** The outcome of a file that is read without a word. */
  public static final String ACCEPTED = "accepted";

  /** The outcome of a file that is read with a warning. */
  public static final String WARNED = "warned";

  /** The strict outcome of what only a strict reader refuses. */
  public static final String NOT_STRICT = "NotStrict";

  /** The outcome, in both profiles, of shapes that signed numbers of 64 bits cannot hold. */
  public static final String LIMIT = "Limit";

  private static final String JSON = "InvalidHeaderDeserialization";
  private static final String LARGE = "HeaderTooLarge";
  private static final String LENGTH = "InvalidHeaderLength";
  private static final String OFFSET = "InvalidOffset";
  private static final String OVERFLOW = "ValidationOverflow";
  private static final String MISALIGNED = "MisalignedSlice";
  private static final String INFO = "TensorInvalidInfo";
  private static final String INCOMPLETE = "MetadataIncompleteBuffer";

  /**
   * A file.
   *
   * @param name of the case, fit for a file name
   * @param bytes the file; borrowed
   * @param reference {@link #ACCEPTED} or the reference's name of the error
   * @param strict {@link #ACCEPTED}, {@link #WARNED} or the name of the error
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Case(String name, byte[] bytes, String reference, String strict) {
    @Override
    public String toString() {
      return name;
    }
  }

  private final List<Case> cases = new ArrayList<>();

  private HostileSafetensors() {
    lengths();
    encodings();
    padding();
    duplicates();
    metadata();
    infos();
    numbers();
    offsets();
    sizes();
    names();
    attacks();
  }

  /** All files. */
  public static List<Case> cases() {
    return Collections.unmodifiableList(new HostileSafetensors().cases);
  }

  /**
   * Writes all files and their {@code expected.tsv}, for other readers.
   *
   * @param args the directory
   */
  public static void main(String[] args) throws IOException {
    Path dir = Files.createDirectories(Path.of(args[0]));
    List<String> lines = new ArrayList<>();
    for (Case c : cases()) {
      Files.write(dir.resolve(c.name() + ".safetensors"), c.bytes());
      lines.add(c.name() + "\t" + c.reference() + "\t" + c.strict());
    }
    Files.write(dir.resolve("expected.tsv"), lines);
  }

  private void lengths() {
    byte[] sound = TinyCheckpoint.file("{" + tensor("a", "I32", "2", 0, 8) + "}", new byte[8]);
    add("sound", sound, ACCEPTED, ACCEPTED);
    add("empty_file", new byte[0], "HeaderTooSmall", "HeaderTooSmall");
    add("seven_bytes", new byte[7], "HeaderTooSmall", "HeaderTooSmall");
    add("zero_header", new byte[8], JSON, JSON);
    add("length_beyond_file", length(sound, sound.length - 7), LENGTH, LENGTH);
    add("length_at_limit", length(sound, 100_000_000L), LENGTH, LENGTH);
    add("length_over_limit", length(sound, 100_000_001L), LARGE, LARGE);
    add("length_4_gib", length(sound, 1L << 32), LARGE, LARGE);
    add("length_negative", length(sound, -1), LARGE, LARGE);
    add("length_min", length(sound, Long.MIN_VALUE), LARGE, LARGE);
    add("length_one_short", length(sound, sound.length - 17), JSON, JSON);
    add("data_short", Arrays.copyOf(sound, sound.length - 1), INCOMPLETE, INCOMPLETE);
    add("data_long", Arrays.copyOf(sound, sound.length + 1), INCOMPLETE, INCOMPLETE);
    add("header_cut", Arrays.copyOf(sound, 20), LENGTH, LENGTH);
    json("no_tensors", "{}", 0, ACCEPTED, ACCEPTED);
    json("no_tensors_but_data", "{}", 1, INCOMPLETE, INCOMPLETE);
  }

  private void encodings() {
    String good = "{" + tensor("a", "U8", "1", 0, 1) + "}";
    bytes("bom", concat(new byte[] {(byte) 0xef, (byte) 0xbb, (byte) 0xbf}, utf8(good)), JSON);
    bytes("utf16", good.getBytes(StandardCharsets.UTF_16LE), JSON);
    bytes("utf32", good.getBytes(java.nio.charset.Charset.forName("UTF-32LE")), JSON);
    byte[] head = utf8("{\"a");
    byte[] tail = utf8("\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}");
    bytes("utf8_invalid_byte", concat(head, new byte[] {(byte) 0xff}, tail), "InvalidHeader");
    bytes("utf8_cut", concat(head, new byte[] {(byte) 0xe2, (byte) 0x82}, tail), "InvalidHeader");
    byte[] overlong = {(byte) 0xc0, (byte) 0xaf};
    bytes("utf8_overlong", concat(head, overlong, tail), "InvalidHeader");
    byte[] surrogate = {(byte) 0xed, (byte) 0xa0, (byte) 0x80};
    bytes("utf8_surrogate", concat(head, surrogate, tail), "InvalidHeader");
    json("escape_lone_high", "{" + tensor("\\ud800", "U8", "1", 0, 1) + "}", 1, JSON, JSON);
    json("escape_lone_low", "{" + tensor("\\udc00", "U8", "1", 0, 1) + "}", 1, JSON, JSON);
    json("escape_high_high", "{" + tensor("\\ud800\\ud800", "U8", "1", 0, 1) + "}", 1, JSON, JSON);
    json("escape_pair", "{" + tensor("\\ud83d\\ude00", "U8", "1", 0, 1) + "}", 1);
    json("escape_slash", "{" + tensor("a\\u002db", "U8", "1", 0, 1) + "}", 1);
    json("escape_unknown", "{" + tensor("\\x", "U8", "1", 0, 1) + "}", 1, JSON, JSON);
    json("raw_control", "{" + tensor("a\u0001", "U8", "1", 0, 1) + "}", 1, JSON, JSON);
    json("raw_newline", "{" + tensor("a\nb", "U8", "1", 0, 1) + "}", 1, JSON, JSON);
    json("raw_del", "{" + tensor("a\u007f", "U8", "1", 0, 1) + "}", 1, ACCEPTED, WARNED);
    json("raw_unicode", "{" + tensor("gewicht_\u00e4\ud83d\ude00", "U8", "1", 0, 1) + "}", 1);
  }

  private void padding() {
    String good = "{" + tensor("a", "U8", "1", 0, 1) + "}";
    json("lead_space", " " + good, 1, ACCEPTED, WARNED);
    json("lead_newline_tab", "\n\t" + good, 1, ACCEPTED, WARNED);
    json("trail_spaces", good + "     ", 1, ACCEPTED, ACCEPTED);
    json("trail_white", good + "\t\r\n ", 1, ACCEPTED, WARNED);
    json("trail_nul", good + "\0\0", 1, JSON, JSON);
    json("trail_garbage", good + "x", 1, JSON, JSON);
    json("trail_object", good + "{}", 1, JSON, JSON);
    json("trail_form_feed", good + "\f", 1, JSON, JSON);
    json("lead_nbsp", "\u00a0" + good, 1, JSON, JSON);
    json("only_spaces", "        ", 0, JSON, JSON);
    json("inner_white", good.replace(":", " :\n\t"), 1, ACCEPTED, ACCEPTED);
    json("trailing_comma", good.replace("}}", "},}"), 1, JSON, JSON);
    json("comment", good.replace("{\"a\"", "{/* a */\"a\""), 1, JSON, JSON);
    json("single_quotes", good.replace('"', '\''), 1, JSON, JSON);
    json("unclosed", good.substring(0, good.length() - 1), 1, JSON, JSON);
    json("top_array", "[" + good + "]", 1, JSON, JSON);
    json("top_null", "null", 0, JSON, JSON);
    json("top_string", "\"a\"", 0, JSON, JSON);
  }

  private void duplicates() {
    String a = tensor("a", "U8", "2", 0, 2);
    json("twice_same", "{" + a + "," + a + "}", 2, ACCEPTED, NOT_STRICT);
    json(
        "twice_escaped",
        "{" + a + "," + a.replace("\"a\"", "\"\\u0061\"") + "}",
        2,
        ACCEPTED,
        NOT_STRICT);
    json("twice_moved", "{" + a + "," + tensor("a", "U8", "2", 2, 4) + "}", 4, OFFSET, NOT_STRICT);
    json("twice_first_wrong", "{\"a\":7," + a + "}", 2, JSON, JSON);
    json("metadata_twice", "{\"__metadata__\":{},\"__metadata__\":{}," + a + "}", 2, JSON, JSON);
    json(
        "metadata_null_twice",
        "{\"__metadata__\":null,\"__metadata__\":null," + a + "}",
        2,
        JSON,
        JSON);
    json(
        "metadata_key_twice",
        "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}," + a + "}",
        2,
        ACCEPTED,
        NOT_STRICT);
    json(
        "field_twice",
        "{" + a.replace("\"shape\"", "\"dtype\":\"U8\",\"shape\"") + "}",
        2,
        JSON,
        JSON);
    json(
        "shape_twice",
        "{" + a.replace("\"shape\"", "\"shape\":[2],\"shape\"") + "}",
        2,
        JSON,
        JSON);
  }

  private void metadata() {
    String a = tensor("a", "U8", "1", 0, 1);
    json("metadata_null", "{\"__metadata__\":null," + a + "}", 1, ACCEPTED, ACCEPTED);
    json("metadata_empty", "{\"__metadata__\":{}," + a + "}", 1, ACCEPTED, ACCEPTED);
    json("metadata_last", "{" + a + ",\"__metadata__\":{\"format\":\"pt\"}}", 1);
    json("metadata_escaped_key", "{\"\\u005f_metadata__\":{\"k\":\"v\"}," + a + "}", 1);
    json("metadata_number", "{\"__metadata__\":{\"k\":1}," + a + "}", 1, JSON, JSON);
    json("metadata_value_null", "{\"__metadata__\":{\"k\":null}," + a + "}", 1, JSON, JSON);
    json("metadata_nested", "{\"__metadata__\":{\"k\":{}}," + a + "}", 1, JSON, JSON);
    json("metadata_array", "{\"__metadata__\":[]," + a + "}", 1, JSON, JSON);
    json("metadata_string", "{\"__metadata__\":\"x\"," + a + "}", 1, JSON, JSON);
    json(
        "metadata_lone_surrogate",
        "{\"__metadata__\":{\"k\":\"\\ud800\"}," + a + "}",
        1,
        JSON,
        JSON);
    json(
        "tensor_named_metadata",
        "{" + tensor("__metadata__", "U8", "1", 0, 1) + "}",
        1,
        JSON,
        JSON);
  }

  private void infos() {
    String a = tensor("a", "I32", "2", 0, 8);
    json(
        "unknown_field",
        "{" + a.replace("\"shape\"", "\"x\":[1,{}],\"shape\"") + "}",
        8,
        ACCEPTED,
        WARNED);
    json(
        "unknown_field_surrogate",
        "{" + a.replace("\"shape\"", "\"x\":\"\\ud800\",\"shape\"") + "}",
        8,
        JSON,
        JSON);
    json(
        "unknown_field_huge",
        "{" + a.replace("\"shape\"", "\"x\":1e999,\"shape\"") + "}",
        8,
        JSON,
        JSON);
    json("field_order", "{\"a\":{\"data_offsets\":[0,8],\"shape\":[2],\"dtype\":\"I32\"}}", 8);
    json("info_array", "{\"a\":[\"I32\",[2],[0,8]]}", 8, ACCEPTED, NOT_STRICT);
    json("info_array_short", "{\"a\":[\"I32\",[2]]}", 8, JSON, NOT_STRICT);
    json("info_array_long", "{\"a\":[\"I32\",[2],[0,8],1]}", 8, JSON, NOT_STRICT);
    json(
        "dtype_object",
        "{" + a.replace("\"I32\"", "{\"I32\":null}") + "}",
        8,
        ACCEPTED,
        NOT_STRICT);
    json(
        "dtype_object_value", "{" + a.replace("\"I32\"", "{\"I32\":1}") + "}", 8, JSON, NOT_STRICT);
    json(
        "dtype_object_two",
        "{" + a.replace("\"I32\"", "{\"I32\":null,\"U8\":null}") + "}",
        8,
        JSON,
        NOT_STRICT);
    json("dtype_unknown", "{" + a.replace("I32", "I33") + "}", 8, JSON, JSON);
    json("dtype_small_letters", "{" + a.replace("I32", "i32") + "}", 8, JSON, JSON);
    json("dtype_number", "{" + a.replace("\"I32\"", "15") + "}", 8, JSON, JSON);
    json("dtype_null", "{" + a.replace("\"I32\"", "null") + "}", 8, JSON, JSON);
    json("dtype_missing", "{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, JSON, JSON);
    json("shape_missing", "{\"a\":{\"dtype\":\"I32\",\"data_offsets\":[0,8]}}", 8, JSON, JSON);
    json("offsets_missing", "{\"a\":{\"dtype\":\"I32\",\"shape\":[2]}}", 8, JSON, JSON);
    json("info_null", "{\"a\":null}", 0, JSON, JSON);
    json("info_string", "{\"a\":\"x\"}", 0, JSON, JSON);
    json("info_empty", "{\"a\":{}}", 0, JSON, JSON);
    json("offsets_three", "{" + a.replace("[0,8]", "[0,8,8]") + "}", 8, JSON, JSON);
    json("offsets_one", "{" + a.replace("[0,8]", "[0]") + "}", 8, JSON, JSON);
    json("offsets_empty", "{" + a.replace("[0,8]", "[]") + "}", 8, JSON, JSON);
    json("offsets_object", "{" + a.replace("[0,8]", "{\"0\":8}") + "}", 8, JSON, JSON);
    json("shape_number", "{" + a.replace("[2]", "2") + "}", 8, JSON, JSON);
    json("shape_nested", "{" + a.replace("[2]", "[[2]]") + "}", 8, JSON, JSON);
    json("all_dtypes", "{" + allDTypes() + "}", 67, ACCEPTED, ACCEPTED);
  }

  private void numbers() {
    for (String dim :
        List.of(
            "2.0",
            "2e0",
            "-0",
            "-2",
            "\"2\"",
            "null",
            "true",
            "02",
            "+2",
            "0x2",
            "NaN",
            ".2",
            "18446744073709551616",
            "1e400")) {
      String name = "dim_" + dim.replaceAll("[^\\w.+-]", "q").replace('+', 'p');
      json(name, "{" + tensor("a", "I32", dim, 0, 8) + "}", 8, JSON, JSON);
    }
    json("dim_escape_digits", "{" + tensor("a", "I32", "\\u0032", 0, 8) + "}", 8, JSON, JSON);
    json("offset_float", "{" + raw("a", "I32", "2", "0.0", "8") + "}", 8, JSON, JSON);
    json("offset_negative", "{" + raw("a", "I32", "2", "-8", "0") + "}", 8, JSON, JSON);
    json(
        "offset_2_64",
        "{" + raw("a", "I32", "2", "0", "18446744073709551616") + "}",
        8,
        JSON,
        JSON);
    json(
        "offset_2_64_less_1",
        "{" + raw("a", "I32", "2", "0", "18446744073709551615") + "}",
        8,
        INFO,
        INFO);
    json(
        "offset_2_63", "{" + raw("a", "I32", "2", "0", "9223372036854775808") + "}", 8, INFO, INFO);
  }

  private void offsets() {
    String a = tensor("a", "U8", "4", 0, 4);
    json("hole_first", "{" + tensor("a", "U8", "4", 4, 8) + "}", 8, OFFSET, OFFSET);
    json("hole", "{" + a + "," + tensor("b", "U8", "4", 5, 9) + "}", 9, OFFSET, OFFSET);
    json("overlap", "{" + a + "," + tensor("b", "U8", "4", 3, 7) + "}", 7, OFFSET, OFFSET);
    json("same_range", "{" + a + "," + tensor("b", "U8", "4", 0, 4) + "}", 4, OFFSET, OFFSET);
    json("backwards", "{" + a + "," + tensor("b", "U8", "4", 4, 0) + "}", 8, OFFSET, OFFSET);
    json("end_before_begin", "{" + tensor("a", "U8", "0", 4, 0) + "}", 4, OFFSET, OFFSET);
    json(
        "inside",
        "{" + tensor("a", "U8", "8", 0, 8) + "," + tensor("b", "U8", "2", 2, 4) + "}",
        8,
        OFFSET,
        OFFSET);
    json("header_order", "{" + tensor("b", "U8", "4", 4, 8) + "," + a + "}", 8);
    json("empty_at_0", "{" + a + "," + tensor("z", "U8", "0", 0, 0) + "}", 4);
    json("empty_at_end", "{" + a + "," + tensor("z", "U8", "3,0,2", 4, 4) + "}", 4);
    json(
        "empty_between",
        "{" + a + "," + tensor("b", "U8", "4", 4, 8) + "," + tensor("z", "F64", "0", 4, 4) + "}",
        8);
    json(
        "empty_twice",
        "{" + tensor("y", "U8", "0", 0, 0) + "," + tensor("z", "U8", "0", 0, 0) + "}",
        0);
    json("empty_inside", "{" + a + "," + tensor("z", "U8", "0", 2, 2) + "}", 4, OFFSET, OFFSET);
    json("empty_beyond", "{" + a + "," + tensor("z", "U8", "0", 9, 9) + "}", 4, OFFSET, OFFSET);
    json(
        "unaligned",
        "{" + tensor("a", "U8", "1", 0, 1) + "," + tensor("b", "F64", "1", 1, 9) + "}",
        9);
  }

  private void sizes() {
    json("scalar", "{" + tensor("a", "F32", "", 0, 4) + "}", 4);
    json("size_short", "{" + tensor("a", "I32", "2", 0, 4) + "}", 4, INFO, INFO);
    json("size_long", "{" + tensor("a", "I32", "2", 0, 12) + "}", 12, INFO, INFO);
    json(
        "overflow_product",
        "{" + tensor("a", "U8", "4294967296,4294967296", 0, 0) + "}",
        0,
        OVERFLOW,
        OVERFLOW);
    json(
        "overflow_then_0",
        "{" + tensor("a", "U8", "4294967296,4294967296,0", 0, 0) + "}",
        0,
        OVERFLOW,
        OVERFLOW);
    json("zero_before_overflow", "{" + tensor("a", "U8", "0,4294967296,4294967296", 0, 0) + "}", 0);
    json(
        "overflow_bits",
        "{" + tensor("a", "U8", "2305843009213693952", 0, 0) + "}",
        0,
        OVERFLOW,
        OVERFLOW);
    json(
        "overflow_bits_wide",
        "{" + tensor("a", "F64", "288230376151711744", 0, 0) + "}",
        0,
        OVERFLOW,
        OVERFLOW);
    json(
        "no_overflow_f4",
        "{" + tensor("a", "F4", "2305843009213693952", 0, 0) + "}",
        0,
        INFO,
        INFO);
    json(
        "overflow_dim_2_63",
        "{" + tensor("a", "U8", "9223372036854775808", 0, 0) + "}",
        0,
        OVERFLOW,
        OVERFLOW);
    json(
        "zero_then_2_63",
        "{" + tensor("a", "U8", "0,9223372036854775808", 0, 0) + "}",
        0,
        ACCEPTED,
        LIMIT);
    json(
        "pass_2_63_then_zero",
        "{" + tensor("a", "U8", "4294967296,2147483648,0", 0, 0) + "}",
        0,
        ACCEPTED,
        LIMIT);
    json("f4_even", "{" + tensor("a", "F4", "2,3", 0, 3) + "}", 3);
    json("f4_odd", "{" + tensor("a", "F4", "3", 0, 2) + "}", 2, MISALIGNED, MISALIGNED);
    json("f6_four", "{" + tensor("a", "F6_E2M3", "4", 0, 3) + "}", 3);
    json("f6_three", "{" + tensor("a", "F6_E3M2", "3", 0, 3) + "}", 3, MISALIGNED, MISALIGNED);
    json("rank_64", "{" + tensor("a", "U8", ones(64), 0, 1) + "}", 1);
    json("rank_200", "{" + tensor("a", "U8", ones(200), 0, 1) + "}", 1, ACCEPTED, NOT_STRICT);
    add(
        "bool_7",
        TinyCheckpoint.file("{" + tensor("a", "BOOL", "1", 0, 1) + "}", new byte[] {7}),
        ACCEPTED,
        ACCEPTED);
  }

  private void names() {
    json("name_empty", "{" + tensor("", "U8", "1", 0, 1) + "}", 1, ACCEPTED, WARNED);
    json("name_path", "{" + tensor("../../x", "U8", "1", 0, 1) + "}", 1, ACCEPTED, WARNED);
    json("name_nul", "{" + tensor("a\\u0000b", "U8", "1", 0, 1) + "}", 1, ACCEPTED, WARNED);
    json("name_long", "{" + tensor("n".repeat(200_000), "U8", "1", 0, 1) + "}", 1);
  }

  private void attacks() {
    String same =
        IntStream.range(0, 10_000)
            .mapToObj(i -> tensor("t" + i, "U8", "4", 0, 4))
            .collect(Collectors.joining(","));
    json("ten_thousand_on_one_range", "{" + same + "}", 4, OFFSET, OFFSET);
    String empties =
        IntStream.range(0, 10_000)
            .mapToObj(i -> tensor("t" + i, "U8", "0", 0, 0))
            .collect(Collectors.joining(","));
    json("ten_thousand_empty", "{" + empties + "}", 0);
    json("deep_126", deep(124), 1, ACCEPTED, WARNED);
    json("deep_127", deep(125), 1, ACCEPTED, WARNED);
    json("deep_128", deep(126), 1, JSON, JSON);
    json("deep_100000", deep(100_000), 1, JSON, JSON);
    json("deep_open", "[".repeat(100_000), 0, JSON, JSON);
    json("big_number", "{" + tensor("a", "U8", "9".repeat(100_000), 0, 1) + "}", 1, JSON, JSON);
    byte[] noise = new byte[4096];
    new java.util.Random(42).nextBytes(noise);
    add("noise", noise, LARGE, LARGE);
    add("zip", concat(utf8("PK\3\4"), noise), LARGE, LARGE);
    add("git_lfs_pointer", utf8("version https://git-lfs.github.com/spec/v1\n"), LARGE, LARGE);
  }

  /** A tensor whose ignored field holds so many arrays in each other. */
  private static String deep(int arrays) {
    return "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":"
        + "[".repeat(arrays)
        + "]".repeat(arrays)
        + "}}";
  }

  private static String allDTypes() {
    List<String> names =
        List.of(
            "BOOL",
            "F4",
            "F6_E2M3",
            "F6_E3M2",
            "U8",
            "I8",
            "F8_E5M2",
            "F8_E4M3",
            "F8_E8M0",
            "F8_E4M3FNUZ",
            "F8_E5M2FNUZ",
            "I16",
            "U16",
            "F16",
            "BF16",
            "I32",
            "U32",
            "F32",
            "C64",
            "F64",
            "I64",
            "U64");
    int[] elements = {1, 2, 4, 4};
    int[] bytes = {1, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 8, 8, 8, 8};
    StringBuilder out = new StringBuilder();
    int at = 0;
    for (int i = 0; i < names.size(); i++) {
      String shape = String.valueOf(i < elements.length ? elements[i] : 1);
      out.append(i == 0 ? "" : ",").append(tensor("t" + i, names.get(i), shape, at, at + bytes[i]));
      at += bytes[i];
    }
    return out.toString();
  }

  private static String ones(int rank) {
    return String.join(",", Collections.nCopies(rank, "1"));
  }

  private static String tensor(String name, String dtype, String shape, long begin, long end) {
    return raw(name, dtype, shape, String.valueOf(begin), String.valueOf(end));
  }

  private static String raw(String name, String dtype, String shape, String begin, String end) {
    return "\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%s,%s]}"
        .formatted(name, dtype, shape, begin, end);
  }

  private void json(String name, String json, int dataBytes) {
    json(name, json, dataBytes, ACCEPTED, ACCEPTED);
  }

  private void json(String name, String json, int dataBytes, String reference, String strict) {
    add(name, TinyCheckpoint.file(json, new byte[dataBytes]), reference, strict);
  }

  private void bytes(String name, byte[] header, String outcome) {
    add(name, TinyCheckpoint.file(header, new byte[1]), outcome, outcome);
  }

  private void add(String name, byte[] bytes, String reference, String strict) {
    cases.add(new Case(name, bytes, reference, strict));
  }

  private static byte[] length(byte[] file, long length) {
    byte[] copy = file.clone();
    ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
    return copy;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] concat(byte[]... parts) {
    ByteBuffer out = ByteBuffer.allocate(Arrays.stream(parts).mapToInt(p -> p.length).sum());
    Arrays.stream(parts).forEach(out::put);
    return out.array();
  }
}
