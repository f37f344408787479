package io.weightloom.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Safetensors files read without any code of the product, so that they can judge it. */
public final class SavedModel {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A tensor as it is stored. */
  public record Stored(String dtype, List<Long> shape, String file, byte[] data) {

    /** The values as doubles. */
    public double[] values() {
      ByteBuffer in = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
      int width = dtype.equals("BF16") || dtype.equals("F16") ? 2 : dtype.equals("F64") ? 8 : 4;
      double[] values = new double[data.length / width];
      for (int i = 0; i < values.length; i++) {
        values[i] =
            switch (dtype) {
              case "BF16" -> Float.intBitsToFloat(in.getShort() << 16);
              case "F16" -> half(in.getShort());
              case "F32" -> in.getFloat();
              case "F64" -> in.getDouble();
              default -> throw new IllegalArgumentException(dtype);
            };
      }
      return values;
    }

    private static double half(short bits) {
      int exponent = (bits >> 10) & 31;
      int fraction = bits & 0x3ff;
      double size =
          exponent == 0 ? fraction * 0x1p-24 : (fraction + 1024) * Math.scalb(1.0, exponent - 25);
      return bits < 0 ? -size : size;
    }
  }

  private SavedModel() {}

  /** The tensors of every safetensors file of a directory, or of one file. */
  public static Map<String, Stored> read(Path path) {
    Map<String, Stored> all = new TreeMap<>();
    for (Path file : Files.isDirectory(path) ? files(path) : List.of(path)) {
      add(file, all);
    }
    return all;
  }

  private static List<Path> files(Path dir) {
    try (Stream<Path> entries = Files.list(dir)) {
      return entries.filter(f -> f.toString().endsWith(".safetensors")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void add(Path file, Map<String, Stored> all) {
    try {
      byte[] bytes = Files.readAllBytes(file);
      int header = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
      for (Map.Entry<String, JsonNode> e : JSON.readTree(bytes, 8, header).properties()) {
        if (!e.getKey().equals("__metadata__")) {
          all.put(e.getKey(), stored(file, bytes, 8 + header, e.getValue()));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Stored stored(Path file, byte[] bytes, int start, JsonNode info) {
    JsonNode offsets = info.get("data_offsets");
    return new Stored(
        info.get("dtype").asText(),
        JSON.convertValue(info.get("shape"), new LongList()),
        file.getFileName().toString(),
        Arrays.copyOfRange(bytes, start + offsets.get(0).asInt(), start + offsets.get(1).asInt()));
  }

  private static final class LongList
      extends com.fasterxml.jackson.core.type.TypeReference<List<Long>> {}
}
