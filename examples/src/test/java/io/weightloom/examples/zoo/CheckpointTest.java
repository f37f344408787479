package io.weightloom.examples.zoo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.safetensors.SafetensorsFile;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
  @Test
  void weightsComeBackAsTheyWere(@TempDir Path directory) throws IOException {
    float[] weights = new Trainer(new Trainer.Budget(32, 0, 1e-3, 0, 1e-3)).base();
    Checkpoint.write(directory.resolve("model"), weights);
    assertThat(Checkpoint.read(directory.resolve("model"))).isEqualTo(weights);
    assertThat(directory.resolve("model/config.json"))
        .content()
        .contains("\"model_type\": \"weightloom-demo\"", "\"digits\": 10");
  }

  @Test
  void aModelOfAnotherKindIsRefused(@TempDir Path directory) throws IOException {
    TensorSpec other = new TensorSpec("a", DType.F32, Shape.of(1));
    SafetensorsFile.write(
        directory.resolve("model.safetensors"), Map.of(), Map.of(other, new byte[4]));
    assertThatThrownBy(() -> Checkpoint.read(directory))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("it lacks model.embed_tokens.weight");
  }
}
