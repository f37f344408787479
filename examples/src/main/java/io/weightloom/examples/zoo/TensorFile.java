package io.weightloom.examples.zoo;

import io.weightloom.error.WeightloomException;
import io.weightloom.kernel.Half;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Just enough of safetensors for the zoo: files whole in memory, plain tensor names. Stateless. */
final class TensorFile {
  private static final Pattern ENTRY =
      Pattern.compile(
          "\"([^\"]+)\":\\{\"dtype\":\"(\\w+)\",\"shape\":\\[[\\d,]*],"
              + "\"data_offsets\":\\[(\\d+),(\\d+)]}");

  private TensorFile() {}

  /** Writes a file; each tensor's bytes are little-endian in C order. */
  static void write(Path file, Map<String, String> metadata, Map<TensorSpec, byte[]> tensors)
      throws IOException {
    List<TensorSpec> order =
        tensors.keySet().stream()
            .sorted(
                Comparator.comparing(TensorSpec::dtype).reversed().thenComparing(TensorSpec::name))
            .toList();
    StringBuilder json = new StringBuilder("{\"__metadata__\":{");
    metadata.forEach((k, v) -> json.append("\"%s\":\"%s\"".formatted(k, v)));
    json.append('}');
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    for (TensorSpec spec : order) {
      int begin = data.size();
      data.writeBytes(tensors.getOrDefault(spec, new byte[0]));
      String shape = spec.shape().toString().replace(" ", "");
      json.append(
          ",\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
              .formatted(spec.name(), spec.dtype(), shape, begin, data.size()));
    }
    json.append('}');
    json.append(" ".repeat(-json.length() & 7));
    byte[] header = json.toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer out = ByteBuffer.allocate(8 + header.length + data.size());
    out.order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).put(header).put(data.toByteArray());
    Files.write(file, out.array());
  }

  /** Hands each tensor of a file to {@code sink}: its name and its values as fp32. */
  static void read(Path file, BiConsumer<String, float[]> sink) throws IOException {
    ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    if (all.limit() < 8 || all.getLong(0) < 2 || all.getLong(0) > all.limit() - 8) {
      throw WeightloomException.input(
          "Cannot read %s: its header does not fit its %d bytes".formatted(file, all.limit()));
    }
    int headerSize = (int) all.getLong(0);
    String header = new String(all.array(), 8, headerSize, StandardCharsets.UTF_8);
    // Outside of names, JSON may have white space anywhere; names of the zoo have none.
    Matcher entry = ENTRY.matcher(header.replaceAll("\\s", ""));
    Map<String, float[]> found = new HashMap<>();
    while (entry.find()) {
      DType dtype = DType.valueOf(entry.group(2));
      int begin = Integer.parseInt(entry.group(3));
      int size = Integer.parseInt(entry.group(4)) - begin;
      found.put(entry.group(1), decode(dtype, all, 8 + headerSize + begin, size));
    }
    found.forEach(sink);
  }

  private static float[] decode(DType dtype, ByteBuffer in, int offset, int size) {
    float[] out = new float[size / dtype.bytes()];
    for (int i = 0; i < out.length; i++) {
      int at = offset + i * dtype.bytes();
      out[i] =
          switch (dtype) {
            case BF16 -> Half.bf16ToFloat(in.getShort(at));
            case F16 -> Half.f16ToFloat(in.getShort(at));
            case F32 -> in.getFloat(at);
            default -> throw WeightloomException.input("Cannot score weights of type " + dtype);
          };
    }
    return out;
  }
}
