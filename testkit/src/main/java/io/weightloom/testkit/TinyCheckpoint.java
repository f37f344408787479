package io.weightloom.testkit;

import static java.util.Objects.requireNonNull;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.NullMarked;

/**
 * A small checkpoint, written byte by byte without any code of the product, so that it can judge
 * it. Tensors lie in the order in which they were added. For one thread.
 */
@NullMarked
public final class TinyCheckpoint {
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Tensor(String dtype, long[] shape, byte[] data) {}

  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  /** Adds a tensor of any type; the bytes are taken as they are, right or wrong. */
  public TinyCheckpoint add(String name, String dtype, long[] shape, byte[] data) {
    tensors.put(name, new Tensor(dtype, shape.clone(), data.clone()));
    return this;
  }

  /** Adds a tensor of F64, F32, F16, BF16, I64 or U8, each value rounded to nearest even. */
  public TinyCheckpoint add(String name, String dtype, long[] shape, double... values) {
    long elements = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    if (elements != values.length) {
      throw new IllegalArgumentException(
          name + ": " + values.length + " values for shape " + Arrays.toString(shape));
    }
    return add(name, dtype, shape, encode(dtype, values));
  }

  /** Adds a line of {@code __metadata__}. */
  public TinyCheckpoint metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /** The file's bytes. */
  public byte[] toBytes() {
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    List<String> fields = new ArrayList<>();
    if (!metadata.isEmpty()) {
      fields.add(
          "\"__metadata__\":"
              + metadata.entrySet().stream()
                  .map(e -> quoted(e.getKey()) + ":" + quoted(e.getValue()))
                  .collect(Collectors.joining(",", "{", "}")));
    }
    tensors.forEach(
        (name, t) -> {
          int begin = data.size();
          data.writeBytes(t.data());
          fields.add(
              "%s:{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                  .formatted(
                      quoted(name),
                      t.dtype(),
                      Arrays.toString(t.shape()).replace(" ", ""),
                      begin,
                      data.size()));
        });
    return file("{" + String.join(",", fields) + "}", data.toByteArray());
  }

  /** Writes the file, making its directory. */
  public Path write(Path file) {
    return write(file, toBytes());
  }

  /**
   * Writes a model directory: {@code model.safetensors} and {@code config.json}.
   *
   * @param config the JSON text; none if empty
   */
  public Path writeModel(Path dir, String config) {
    write(dir.resolve("model.safetensors"));
    writeConfig(dir, config);
    return dir;
  }

  /**
   * Writes a model directory of shards that hold so many tensors each, with index and {@code
   * config.json}.
   *
   * @param config the JSON text; none if empty
   */
  public Path writeSharded(Path dir, int tensorsPerShard, String config) {
    List<String> names = List.copyOf(tensors.keySet());
    int shards = (names.size() + tensorsPerShard - 1) / tensorsPerShard;
    Map<String, String> weightMap = new TreeMap<>();
    long totalSize = 0;
    for (int i = 0; i < shards; i++) {
      String file = "model-%05d-of-%05d.safetensors".formatted(i + 1, shards);
      TinyCheckpoint shard = new TinyCheckpoint();
      shard.metadata.putAll(metadata);
      int end = Math.min(names.size(), (i + 1) * tensorsPerShard);
      for (String name : names.subList(i * tensorsPerShard, end)) {
        Tensor t = requireNonNull(tensors.get(name));
        shard.tensors.put(name, t);
        weightMap.put(name, file);
        totalSize += t.data().length;
      }
      shard.write(dir.resolve(file));
    }
    String map =
        weightMap.entrySet().stream()
            .map(e -> quoted(e.getKey()) + ": " + quoted(e.getValue()))
            .collect(Collectors.joining(", ", "{", "}"));
    String index =
        "{\"metadata\": {\"total_size\": %d}, \"weight_map\": %s}".formatted(totalSize, map);
    write(dir.resolve("model.safetensors.index.json"), index.getBytes(StandardCharsets.UTF_8));
    writeConfig(dir, config);
    return dir;
  }

  /** The bytes of a safetensors file of this JSON, unpadded, and this data. */
  public static byte[] file(String json, byte[] data) {
    return file(json.getBytes(StandardCharsets.UTF_8), data);
  }

  /** The bytes of a safetensors file of this header, whatever it is, and this data. */
  public static byte[] file(byte[] header, byte[] data) {
    return ByteBuffer.allocate(8 + header.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.length)
        .put(header)
        .put(data)
        .array();
  }

  private static void writeConfig(Path dir, String config) {
    if (!config.isEmpty()) {
      write(dir.resolve("config.json"), config.getBytes(StandardCharsets.UTF_8));
    }
  }

  private static Path write(Path file, byte[] bytes) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      return Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String quoted(String text) {
    return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }

  /** The little-endian bytes of values in one of the types that {@code add} takes. */
  public static byte[] encode(String dtype, double... values) {
    int width =
        switch (dtype) {
          case "F64", "I64" -> 8;
          case "F32" -> 4;
          case "F16", "BF16" -> 2;
          case "U8" -> 1;
          default -> throw new IllegalArgumentException("no encoder for " + dtype);
        };
    ByteBuffer out = ByteBuffer.allocate(values.length * width).order(ByteOrder.LITTLE_ENDIAN);
    for (double v : values) {
      switch (dtype) {
        case "F64" -> out.putDouble(v);
        case "I64" -> out.putLong((long) v);
        case "F32" -> out.putFloat((float) v);
        case "F16" -> out.putShort(half(v));
        case "BF16" -> out.putShort(bfloat(v));
        default -> out.put((byte) (long) v);
      }
    }
    return out.array();
  }

  /** The upper half of the float's bits, rounded to nearest even. */
  private static short bfloat(double v) {
    float f = (float) v;
    int bits = Float.floatToRawIntBits(f);
    if (Float.isNaN(f)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  /** Counts in units of the binade's last place, by the definition of the format. */
  private static short half(double v) {
    int sign = Double.doubleToRawLongBits(v) < 0 ? 0x8000 : 0;
    double a = Math.abs(v);
    if (Double.isNaN(v)) {
      return (short) (sign | 0x7e00);
    }
    if (a >= 65520) {
      return (short) (sign | 0x7c00);
    }
    int exponent = Math.max(-14, a == 0 ? -14 : Math.getExponent(a));
    long units = (long) Math.rint(Math.scalb(a, 10 - exponent));
    // A carry into the next binade adds itself to the exponent's field.
    return (short) (sign | (int) (units + ((long) (exponent + 14) << 10)));
  }
}
