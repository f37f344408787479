package io.weightloom.job;

import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * A base model and models fine-tuned from it: two layers, embeddings, norm, head, and a counter.
 */
public final class Family {
  public static final String UP = "model.layers.%d.mlp.up_proj.weight";
  public static final String COUNTER = "model.layers.0.steps";
  public static final String EMBEDDING = "model.embed_tokens.weight";

  public static final String CONFIG =
      """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 2,
       "torch_dtype": "float32", "tie_word_embeddings": false}
      """;

  private Family() {}

  /** The weights of a model: those of {@code base}, and for another name a little of its own. */
  public static TinyCheckpoint weights(String model, String dtype) {
    TinyCheckpoint out = new TinyCheckpoint().metadata("format", "pt");
    add(out, model, dtype, EMBEDDING, 16, 6);
    for (int layer = 0; layer < 2; layer++) {
      add(out, model, dtype, UP.formatted(layer), 9, 7);
      add(out, model, dtype, "model.layers." + layer + ".input_layernorm.weight", 7);
    }
    out.add(COUNTER, "I64", new long[] {3}, model.hashCode(), -1, 1L << 40);
    add(out, model, dtype, "model.norm.weight", 6);
    add(out, model, dtype, "lm_head.weight", 16, 6);
    return out;
  }

  /** Adds a tensor of noise that depends on the names only. */
  public static void add(
      TinyCheckpoint to, String model, String dtype, String tensor, long... shape) {
    to.add(tensor, dtype, shape, values(model, tensor, shape));
  }

  /** What {@link #add} writes, before rounding. */
  public static double[] values(String model, String tensor, long... shape) {
    int n = Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b));
    double[] values = new double[n];
    noise(values, "base" + tensor, 1);
    if (!model.equals("base")) {
      noise(values, model + tensor, 0.05);
    }
    return values;
  }

  private static void noise(double[] values, String seed, double size) {
    SplittableRandom random = new SplittableRandom(seed.hashCode());
    for (int i = 0; i < values.length; i++) {
      values[i] += size * (random.nextDouble() + random.nextDouble() - 1);
    }
  }

  /** Writes {@code base}, {@code a} and {@code b} into a directory; gives the directory. */
  public static Path write(Path zoo, String dtype) {
    for (String model : new String[] {"base", "a", "b"}) {
      weights(model, dtype).writeModel(zoo.resolve(model), CONFIG);
    }
    file(zoo.resolve("base/tokenizer.json"), "{\"model\": \"base's\"}");
    file(zoo.resolve("base/tokenizer_config.json"), "{}");
    file(zoo.resolve("base/generation_config.json"), "{\"max_length\": 7}");
    file(zoo.resolve("base/modeling_custom.py"), "raise SystemExit");
    file(zoo.resolve("a/tokenizer.json"), "{\"model\": \"a's\"}");
    return zoo;
  }

  /** Writes a text file. */
  public static Path file(Path file, String text) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      return Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A recipe that merges {@code a} and {@code b}; {@code extra} is more YAML at the top level. */
  public static String recipe(Path zoo, String method, String extra) {
    return """
        merge_method: %s
        base_model: ZOO/base
        models:
          - model: ZOO/a
            parameters: {weight: 0.6}
          - model: ZOO/b
            parameters: {weight: 0.5}
        """
            .formatted(method)
            .replace("ZOO", zoo.toString())
        + extra
        + "\n";
  }
}
