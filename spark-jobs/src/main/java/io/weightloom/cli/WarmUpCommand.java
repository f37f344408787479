package io.weightloom.cli;

import io.weightloom.io.safetensors.SafetensorsFile;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;

/**
 * Merges two tiny models, queries and explodes them, so that a JVM run with {@code
 * -XX:ArchiveClassesAtExit} has loaded what these load.
 */
@Command(
    name = "warm-up",
    hidden = true,
    description =
        "Run a tiny merge, queries and an explosion; the launcher makes its class-data archive of it.")
final class WarmUpCommand implements Callable<Integer> {
  private static final String QUERIES =
      """
      SHOW NAMESPACES IN models;
      SELECT role, sum(bytes) AS bytes FROM models.tensors GROUP BY role ORDER BY bytes;
      SELECT tensor, wl_l2(data, dtype) AS l2 FROM models.a.blocks
      """;

  @Override
  public Integer call() throws IOException {
    Path dir = Files.createTempDirectory("weightloom-warm-up");
    try {
      for (String model : List.of("base", "a", "b")) {
        TensorSpec spec = new TensorSpec("model.layers.0.weight", DType.BF16, Shape.of(64, 64));
        byte[] data = new byte[(int) spec.byteSize()];
        for (int i = 0; i < data.length; i++) {
          data[i] = (byte) (i % 2 == 0 ? i * model.hashCode() : 0x3c);
        }
        Files.createDirectories(dir.resolve(model));
        SafetensorsFile.write(
            dir.resolve(model).resolve("model.safetensors"),
            Map.of("format", "pt"),
            Map.of(spec, data));
        Files.writeString(dir.resolve(model).resolve("config.json"), "{}");
      }
      Path recipe = dir.resolve("recipe.yml");
      Files.writeString(
          recipe,
          """
          merge_method: ties
          base_model: DIR/base
          models:
            - model: DIR/a
              parameters: {weight: 0.5, density: 0.5}
            - model: DIR/b
              parameters: {weight: 0.5, density: 0.5}
          dtype: bfloat16
          """
              .replace("DIR", dir.toString()));
      Main.run("--help");
      Main.run("inspect", dir.resolve("a").toString(), "--output", "json");
      Main.run("merge", recipe.toString(), dir.resolve("out").toString(), "--dry-run");
      int merged =
          Main.run("merge", recipe.toString(), dir.resolve("out").toString(), "--output", "json");
      int queried = Main.run("sql", "--models", dir.toString(), "-e", QUERIES);
      int exploded =
          Main.run("explode", dir.resolve("a").toString(), dir.resolve("table").toString());
      return Math.max(exploded, Math.max(merged, queried));
    } finally {
      try (Stream<Path> all = Files.walk(dir)) {
        for (Path p : all.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(p);
        }
      }
    }
  }
}
