package io.weightloom.io.safetensors;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The golden files are of safetensors 0.8.0 and NumPy 2.4.6, by {@code
 * dev/golden/safetensors_layout.py}.
 */
class SafetensorsLayoutTest {

  private static byte[] golden(String name) throws IOException {
    String resource = "/golden/" + name + ".safetensors";
    try (InputStream in =
        requireNonNull(SafetensorsLayoutTest.class.getResourceAsStream(resource))) {
      return in.readAllBytes();
    }
  }

  private static TensorSpec spec(String name, DType dtype, long... dims) {
    return new TensorSpec(name, dtype, Shape.of(dims));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "names",
        "dtypes",
        "none",
        "padding_0",
        "padding_1",
        "padding_2",
        "padding_3",
        "padding_4",
        "padding_5",
        "padding_6",
        "padding_7"
      })
  void layoutIsByteForByteThatOfTheReference(String name, @TempDir Path dir) throws IOException {
    byte[] golden = golden(name);
    SafetensorsHeader header = SafetensorsHeader.read(new MemorySource(golden), Profile.REFERENCE);
    List<StoredTensor> shuffled = new ArrayList<>(header.tensors());
    Collections.shuffle(shuffled, new Random(7));

    SafetensorsLayout layout =
        SafetensorsLayout.of(shuffled.stream().map(StoredTensor::spec).toList(), header.metadata());

    assertThat(layout.header()).isEqualTo(Arrays.copyOf(golden, (int) header.dataStart()));
    assertThat(layout.tensors()).containsExactlyInAnyOrderElementsOf(header.tensors());
    assertThat(layout.fileSize()).isEqualTo(golden.length);
    Map<TensorSpec, byte[]> data = new LinkedHashMap<>();
    for (StoredTensor t : shuffled) {
      data.put(t.spec(), Arrays.copyOfRange(golden, (int) t.begin(), (int) t.end()));
    }
    Path file = dir.resolve("again.safetensors");
    SafetensorsFile.write(file, header.metadata(), data);
    assertThat(file).hasBinaryContent(golden);
  }

  @Test
  void metadataIsSorted() {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("z", "1");
    metadata.put("format", "pt");

    SafetensorsLayout layout = SafetensorsLayout.of(List.of(), metadata);

    String json =
        new String(layout.header(), 8, layout.header().length - 8, StandardCharsets.UTF_8);
    assertThat(json).isEqualTo("{\"__metadata__\":{\"format\":\"pt\",\"z\":\"1\"}}");
  }

  @Test
  void whatTheFormatCannotHoldIsRefused() {
    assertThatThrownBy(
            () -> SafetensorsLayout.of(List.of(spec("__metadata__", DType.U8, 1)), Map.of()))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot lay out a safetensors file: a tensor is named __metadata__ (rename it)");
    assertThatThrownBy(
            () ->
                SafetensorsLayout.of(
                    List.of(spec("a", DType.U8, 1), spec("a", DType.F32, 1)), Map.of()))
        .hasMessage(
            "Cannot lay out a safetensors file: two tensors are named \"a\" (rename one of them)");
    assertThatThrownBy(() -> SafetensorsLayout.of(List.of(spec("a", DType.F4, 3)), Map.of()))
        .hasMessage(
            "Cannot lay out a safetensors file: tensor \"a\", F4 of [3]: a has 12 bits, not whole bytes (change its shape)");
    assertThatThrownBy(() -> SafetensorsLayout.of(List.of(spec("\ud800", DType.U8, 1)), Map.of()))
        .hasMessage(
            "Cannot lay out a safetensors file: a name or metadata text holds half a surrogate pair (rename the tensor)");
  }

  @Test
  void aFailedWriteLeavesWhatWasThere(@TempDir Path dir) throws IOException {
    Path file = Files.writeString(dir.resolve("m.safetensors"), "before");

    assertThatThrownBy(
            () ->
                SafetensorsFile.write(file, Map.of(), Map.of(spec("a", DType.U8, 2), new byte[1])))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageEndingWith("has 1 bytes, its spec 2");
    assertThat(file).hasContent("before");
    try (Stream<Path> entries = Files.list(dir)) {
      assertThat(entries).containsExactly(file);
    }
  }

  @Test
  void aMissingDirectoryIsSaid(@TempDir Path dir) {
    Path file = dir.resolve("no/m.safetensors");

    assertThatThrownBy(() -> SafetensorsFile.write(file, Map.of(), Map.of()))
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith("Cannot write " + file + ": java.nio.file.NoSuchFileException");
  }
}
