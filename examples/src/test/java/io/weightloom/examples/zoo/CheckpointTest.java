package io.weightloom.examples.zoo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
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
  void theHeaderIsPaddedAndWiderTypesComeFirst(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("two.safetensors");
    TensorSpec half = new TensorSpec("a", DType.F16, Shape.of(1));
    TensorSpec full = new TensorSpec("z", DType.F32, Shape.of(1));
    byte[] one = {0, 0, (byte) 0x80, 0x3f};
    TensorFile.write(file, Map.of("format", "pt"), Map.of(half, new byte[] {0, 0x40}, full, one));
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
    assertThat(bytes.get(0) % 8).isZero();
    assertThat(bytes.get(bytes.limit() - 1)).isEqualTo((byte) 0x40);
    Map<String, float[]> read = new HashMap<>();
    TensorFile.read(file, read::put);
    assertThat(read.get("a")).containsExactly(2f);
    assertThat(read.get("z")).containsExactly(1f);
  }

  @Test
  void aModelOfAnotherKindIsRefused(@TempDir Path directory) {
    assertThatThrownBy(() -> Checkpoint.read(directory))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("it lacks model.embed_tokens.weight");
  }
}
