package io.weightloom.io.lora;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.io.ByteSource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelReference;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.StoredTensor;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What PEFT 0.21.2 with torch 2.15.0 makes by {@code merge_and_unload} of the adapters that it has
 * saved ({@code dev/golden/lora.py}). In BF16 it rounds the change before it adds it, here the sum
 * is rounded once: they differ by half a unit of either.
 */
class FoldedGoldenTest {

  @ParameterizedTest
  @CsvSource({
    "llama, 1e-7, 7",
    "llama_bf16, 0.004, 4",
    "llama_patterns, 1e-7, 4",
    "llama_embedding, 1e-7, 3",
    "gpt2, 1e-7, 3"
  })
  void isWhatPeftMerges(String name, double within, int changed) throws URISyntaxException {
    Path dir =
        Path.of(requireNonNull(FoldedGoldenTest.class.getResource("/golden/lora/" + name)).toURI());
    ModelDir base = open(dir.resolve("base").toString());
    ModelDir folded = open(dir.resolve("base") + "+" + dir.resolve("adapter"));
    ModelDir merged = open(dir.resolve("merged.safetensors").toString());

    assertThat(folded.tensors().keySet()).isEqualTo(merged.tensors().keySet());
    int differ = 0;
    for (String tensor : merged.tensors().keySet()) {
      double[] expected = values(merged, tensor);
      double[] actual = values(folded, tensor);
      assertThat(actual).as(tensor).containsExactly(expected, Offset.offset(within));
      differ += java.util.Arrays.equals(actual, values(base, tensor)) ? 0 : 1;
    }
    assertThat(differ).isEqualTo(changed);
  }

  private static ModelDir open(String reference) {
    return ModelDir.open(ModelReference.resolve(reference, Map.of()), Profile.REFERENCE);
  }

  private static double[] values(ModelDir model, String tensor) {
    TensorLocation at = requireNonNull(model.tensors().get(tensor));
    try (ByteSource source = Storage.of(at.file()).open(at.file())) {
      return Change.read(
          source, new StoredTensor(at.spec(), at.begin(), at.end()), 0, (int) at.spec().elements());
    }
  }
}
