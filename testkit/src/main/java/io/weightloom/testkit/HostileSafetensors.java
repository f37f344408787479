package io.weightloom.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.NullMarked;

/**
 * Safetensors files that are wrong, odd or at an edge, with what the reference reader and a strict
 * one make of each. Short headers are in the resource {@code hostile/safetensors.tsv}, the rest is
 * made here. The reference's column was held against safetensors 0.8.0 by {@code
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
  private static final String INCOMPLETE = "MetadataIncompleteBuffer";
  private static final String TABLE = "/hostile/safetensors.tsv";

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
    table();
    lengths();
    cuts();
    encodings();
    sizes();
    crowds();
    depths();
    strangers();
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

  private void table() {
    String text;
    try (InputStream in = requireNonNull(HostileSafetensors.class.getResourceAsStream(TABLE))) {
      text = new String(in.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    for (String line : text.lines().toList()) {
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      String[] columns = line.split("\t", -1);
      byte[] data = new byte[Integer.parseInt(columns[1])];
      add(columns[0], TinyCheckpoint.file(unescaped(columns[4]), data), columns[2], columns[3]);
    }
  }

  private static byte[] unescaped(String text) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int at = 0;
    while (at < text.length()) {
      int escape = text.indexOf('<', at);
      int end = escape < 0 ? text.length() : escape;
      out.writeBytes(text.substring(at, end).getBytes(UTF_8));
      if (escape >= 0) {
        out.write(Integer.parseInt(text.substring(escape + 1, escape + 3), 16));
        end = escape + 4;
      }
      at = end;
    }
    return out.toByteArray();
  }

  private static byte[] sound() {
    return TinyCheckpoint.file("{" + tensor("a", "I32", "2", 8) + "}", new byte[8]);
  }

  private void lengths() {
    byte[] sound = sound();
    add("sound", sound, ACCEPTED, ACCEPTED);
    both("length_beyond_file", length(sound, sound.length - 7), LENGTH);
    both("length_at_limit", length(sound, 100_000_000L), LENGTH);
    both("length_over_limit", length(sound, 100_000_001L), LARGE);
    both("length_4_gib", length(sound, 1L << 32), LARGE);
    both("length_negative", length(sound, -1), LARGE);
    both("length_min", length(sound, Long.MIN_VALUE), LARGE);
    both("length_one_short", length(sound, sound.length - 17), JSON);
  }

  private void cuts() {
    byte[] sound = sound();
    both("empty_file", new byte[0], "HeaderTooSmall");
    both("seven_bytes", new byte[7], "HeaderTooSmall");
    both("zero_header", new byte[8], JSON);
    both("header_cut", Arrays.copyOf(sound, 20), LENGTH);
    both("data_short", Arrays.copyOf(sound, sound.length - 1), INCOMPLETE);
    both("data_long", Arrays.copyOf(sound, sound.length + 1), INCOMPLETE);
  }

  private void encodings() {
    String good = "{" + tensor("a", "U8", "1", 1) + "}";
    byte[] data = new byte[1];
    both("utf16", TinyCheckpoint.file(good.getBytes(StandardCharsets.UTF_16LE), data), JSON);
    both("utf32", TinyCheckpoint.file(good.getBytes(Charset.forName("UTF-32LE")), data), JSON);
    json("name_long", tensor("n".repeat(200_000), "U8", "1", 1), ACCEPTED, ACCEPTED);
  }

  private void sizes() {
    json("rank_64", tensor("a", "U8", ones(64), 1), ACCEPTED, ACCEPTED);
    json("rank_200", tensor("a", "U8", ones(200), 1), ACCEPTED, NOT_STRICT);
    byte[] seven = TinyCheckpoint.file("{" + tensor("a", "BOOL", "1", 1) + "}", new byte[] {7});
    add("bool_7", seven, ACCEPTED, ACCEPTED);
  }

  private void crowds() {
    json("ten_thousand_on_one_range", many("1", 1), "InvalidOffset", "InvalidOffset");
    byte[] empties = TinyCheckpoint.file("{" + many("0", 0) + "}", new byte[0]);
    add("ten_thousand_empty", empties, ACCEPTED, ACCEPTED);
  }

  private static String many(String shape, long end) {
    return IntStream.range(0, 10_000)
        .mapToObj(i -> tensor("t" + i, "U8", shape, end))
        .collect(Collectors.joining(","));
  }

  private void depths() {
    json("deep_126", deep(124), ACCEPTED, WARNED);
    json("deep_127", deep(125), ACCEPTED, WARNED);
    json("deep_128", deep(126), JSON, JSON);
    json("deep_100000", deep(100_000), JSON, JSON);
    both("deep_open", TinyCheckpoint.file("[".repeat(100_000), new byte[0]), JSON);
    json("big_number", tensor("a", "U8", "9".repeat(100_000), 1), JSON, JSON);
  }

  private void strangers() {
    byte[] noise = new byte[4096];
    new Random(42).nextBytes(noise);
    both("noise", noise, LARGE);
    byte[] zip = noise.clone();
    System.arraycopy("PK\3\4".getBytes(UTF_8), 0, zip, 0, 4);
    both("zip", zip, LARGE);
    both("git_lfs_pointer", "version https://git-lfs.github.com/spec/v1\n".getBytes(UTF_8), LARGE);
  }

  /** A tensor whose ignored field holds so many arrays in each other. */
  private static String deep(int arrays) {
    return "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":"
        + "[".repeat(arrays)
        + "]".repeat(arrays)
        + "}";
  }

  private static String ones(int rank) {
    return String.join(",", Collections.nCopies(rank, "1"));
  }

  private static String tensor(String name, String dtype, String shape, long end) {
    return "\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[0,%d]}"
        .formatted(name, dtype, shape, end);
  }

  /** A file of these tensors and one byte of data. */
  private void json(String name, String tensors, String reference, String strict) {
    add(name, TinyCheckpoint.file("{" + tensors + "}", new byte[1]), reference, strict);
  }

  private void both(String name, byte[] bytes, String outcome) {
    add(name, bytes, outcome, outcome);
  }

  private void add(String name, byte[] bytes, String reference, String strict) {
    cases.add(new Case(name, bytes, reference, strict));
  }

  private static byte[] length(byte[] file, long length) {
    byte[] copy = file.clone();
    ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
    return copy;
  }
}
