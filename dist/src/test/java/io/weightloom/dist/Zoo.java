package io.weightloom.dist;

import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** Three models that can be merged. */
final class Zoo {
  static final List<String> MODELS = List.of("base", "a", "b");
  private static final String CONFIG = "{\"num_hidden_layers\": 1, \"torch_dtype\": \"float32\"}";

  private Zoo() {}

  /** Small ones with numbers. */
  static Path small(Path dir) {
    for (String model : MODELS) {
      TinyCheckpoint weights = new TinyCheckpoint();
      Random random = new Random(model.hashCode());
      for (String name : List.of("model.embed_tokens", "model.layers.0.mlp", "lm_head")) {
        double[] values = random.doubles(6000, -1, 1).toArray();
        weights.add(name + ".weight", "F32", new long[] {60, 100}, values);
      }
      weights.writeModel(dir.resolve(model), CONFIG);
    }
    return dir;
  }

  /** Large ones of zeros, which are holes in their files. */
  static Path sparse(Path dir, long elements) throws IOException {
    String header =
        "{\"model.layers.0.weight\":{\"dtype\":\"BF16\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
            .formatted(elements, 2 * elements);
    for (String model : MODELS) {
      Path file = Files.createDirectories(dir.resolve(model)).resolve("model.safetensors");
      Files.write(file, TinyCheckpoint.file(header, new byte[0]));
      try (RandomAccessFile hole = new RandomAccessFile(file.toFile(), "rw")) {
        hole.setLength(hole.length() + 2 * elements);
      }
    }
    return dir;
  }

  static Path recipe(Path zoo, String method, String extra) throws IOException {
    String yaml =
        """
        merge_method: METHOD
        base_model: "ZOO/base"
        models:
          - {model: "ZOO/a", parameters: {weight: 0.6}}
          - {model: "ZOO/b", parameters: {weight: 0.4}}
        """
            .replace("METHOD", method)
            .replace("ZOO", zoo.toString());
    return Files.writeString(zoo.resolve(method + ".yml"), yaml + extra + "\n");
  }
}
