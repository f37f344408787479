package io.weightloom.examples.zoo;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsFile;
import io.weightloom.kernel.Half;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.tensor.TensorSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A network as a model directory: {@code config.json} and {@code model.safetensors} in BF16. */
final class Checkpoint {

  private Checkpoint() {}

  /**
   * Writes a model directory.
   *
   * @param weights BF16 values as {@link Layout} places them
   */
  static void write(Path directory, float[] weights) throws IOException {
    Map<TensorSpec, byte[]> tensors = new LinkedHashMap<>();
    for (Layout.Slot slot : Layout.slots()) {
      ByteBuffer bytes = ByteBuffer.allocate(slot.size() * 2).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < slot.size(); i++) {
        bytes.putShort(Half.floatToBf16(weights[slot.offset() + i]));
      }
      tensors.put(slot.spec(), bytes.array());
    }
    Files.createDirectories(directory);
    SafetensorsFile.write(directory.resolve("model.safetensors"), Map.of("format", "pt"), tensors);
    Files.writeString(directory.resolve("config.json"), config());
  }

  /** Reads the tensors of a model directory, whatever its number of files. */
  static float[] read(Path directory) {
    ModelDir model = ModelDir.open(directory.toString(), Profile.STRICT);
    float[] weights = new float[Layout.SIZE];
    for (Layout.Slot slot : Layout.slots()) {
      TensorLocation found = model.tensors().get(slot.spec().name());
      if (found == null || !found.spec().shape().equals(slot.spec().shape())) {
        throw WeightloomException.input(
            "Cannot score %s: it lacks %s of %s (is it a model of the demo's zoo?)"
                .formatted(directory, slot.spec().name(), slot.spec().shape()));
      }
      System.arraycopy(values(found), 0, weights, slot.offset(), slot.size());
    }
    return weights;
  }

  private static float[] values(TensorLocation tensor) {
    byte[] bytes = new byte[(int) (tensor.end() - tensor.begin())];
    try (ByteSource source = Storage.of(tensor.file()).open(tensor.file())) {
      source.readFully(tensor.begin(), bytes, 0, bytes.length);
    }
    float[] values = new float[(int) tensor.spec().elements()];
    KernelRegistry.scalar().decode(tensor.spec().dtype(), bytes, 0, values, values.length);
    return values;
  }

  private static String config() {
    String tasks =
        Stream.of(Task.values())
            .map(t -> "    \"%s\": %d".formatted(t.label(), t.classes()))
            .collect(Collectors.joining(",\n"));
    return """
        {
          "architectures": ["WeightloomDemoForImageClassification"],
          "hidden_act": "relu",
          "hidden_size": %d,
          "intermediate_size": %d,
          "model_type": "weightloom-demo",
          "num_hidden_layers": %d,
          "rms_norm_eps": 1e-06,
          "task_num_labels": {
        %s
          },
          "tie_word_embeddings": false,
          "torch_dtype": "bfloat16",
          "vocab_size": %d
        }
        """
        .formatted(Layout.HIDDEN, Layout.INTERMEDIATE, Layout.LAYERS, tasks, Camera.PIXELS);
  }
}
