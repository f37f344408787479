package io.weightloom.io;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelDirTest {
  private static final String INDEX = "model.safetensors.index.json";

  @SuppressWarnings("NullAway.Init")
  @TempDir
  Path dir;

  private static TinyCheckpoint tiny() {
    return new TinyCheckpoint()
        .metadata("format", "pt")
        .add("layers.10.w", "BF16", new long[] {2, 2}, 1, 2, 3, 4)
        .add("layers.2.w", "BF16", new long[] {2, 2}, 5, 6, 7, 8)
        .add("embed.weight", "F32", new long[] {3}, 9, 10, 11);
  }

  private ModelDir open() {
    return ModelDir.open(dir.toString(), Profile.STRICT);
  }

  private void write(String name, String text) throws IOException {
    Files.writeString(dir.resolve(name), text);
  }

  @Test
  void singleFileModelHasItsTensorsInNaturalOrder() throws IOException {
    tiny().writeModel(dir, "{\"model_type\": \"llama\", \"rope\": NaN}");

    ModelDir model = open();

    assertThat(model.tensors().keySet())
        .containsExactly("embed.weight", "layers.2.w", "layers.10.w");
    assertThat(model.config().get("model_type").asText()).isEqualTo("llama");
    assertThat(model.mainDType()).contains(DType.BF16);
    assertThat(model.parameters()).isEqualTo(11);
    assertThat(model.shards()).hasSize(1);
    assertThat(model.shards().get(0).metadata()).containsEntry("format", "pt");
    assertThat(model.warnings()).isEmpty();
    TensorLocation place = requireNonNull(model.tensors().get("layers.2.w"));
    assertThat(place.spec()).isEqualTo(new TensorSpec("layers.2.w", DType.BF16, Shape.of(2, 2)));
    assertThat(place.file()).isEqualTo(dir.resolve("model.safetensors").toString());
    byte[] bytes = new byte[8];
    try (ByteSource source = Storage.of(place.file()).open(place.file())) {
      source.readFully(place.begin(), bytes, 0, 8);
    }
    assertThat(bytes).isEqualTo(TinyCheckpoint.encode("BF16", 5, 6, 7, 8));
  }

  @Test
  void shardedModelIsTheSameModel() {
    tiny().writeModel(dir.resolve("whole"), "{}");
    tiny().writeSharded(dir.resolve("cut"), 1, "{}");

    ModelDir whole = ModelDir.open(dir.resolve("whole").toString(), Profile.STRICT);
    ModelDir cut = ModelDir.open("file://" + dir.resolve("cut") + "/", Profile.STRICT);

    assertThat(cut.tensors().keySet()).containsExactlyElementsOf(whole.tensors().keySet());
    assertThat(cut.tensors().values())
        .map(TensorLocation::spec)
        .containsExactlyElementsOf(
            whole.tensors().values().stream().map(TensorLocation::spec).toList());
    assertThat(cut.shards()).hasSize(3);
    assertThat(cut.warnings()).isEmpty();
  }

  @Test
  void companionsAreWhatADerivedModelMayCarry() throws IOException {
    tiny().writeModel(dir, "{}");
    for (String name :
        new String[] {
          "README.md",
          "modeling_evil.py",
          "pytorch_model.bin",
          "tokenizer.json",
          "tokenizer.model",
          "tokenizer_config.json",
          "chat_template.jinja",
          "generation_config.json",
          "spiece.model",
          INDEX
        }) {
      write(name, "{}");
    }

    ModelDir model = open();

    assertThat(model.companionFiles())
        .containsExactly(
            "chat_template.jinja",
            "config.json",
            "generation_config.json",
            "spiece.model",
            "tokenizer.json",
            "tokenizer.model",
            "tokenizer_config.json");
    assertThat(model.warnings())
        .containsExactly(
            dir
                + ": model.safetensors.index.json is not used, model.safetensors holds the whole model");
  }

  @Test
  void whateverFileStandsAloneIsTheModel() {
    tiny().write(dir.resolve("adapter_model.safetensors"));
    tiny().write(dir.resolve("unet.safetensors"));

    assertThat(open().shards().get(0).path()).endsWith("/unet.safetensors");
  }

  @Test
  void aFileMayBeNamedItself() {
    tiny().write(dir.resolve("a.safetensors"));
    Path file = tiny().write(dir.resolve("b.safetensors"));

    ModelDir model = ModelDir.open(file.toString(), Profile.STRICT);

    assertThat(model.path()).isEqualTo(dir.toString());
    assertThat(model.shards().get(0).path()).isEqualTo(file.toString());
  }

  @Test
  void configIsACopy() {
    tiny().writeModel(dir, "{\"a\": 1}");
    ModelDir model = open();

    model.config().put("a", 2);

    assertThat(model.config().get("a").asInt()).isEqualTo(1);
  }

  @Test
  void missingDirectoryNamesItsNeighbour() throws IOException {
    Files.createDirectory(dir.resolve("Llama-3-8B"));

    assertThatThrownBy(() -> ModelDir.open(dir + "/llama-3-8b", Profile.STRICT))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot open model %1$s/llama-3-8b: there is no such file or directory (did you mean %1$s/Llama-3-8B?)",
            dir)
        .extracting(e -> ((WeightloomException) e).kind())
        .isEqualTo(WeightloomException.Kind.INPUT);
  }

  @Test
  void missingParentIsSaid() {
    assertThatThrownBy(() -> ModelDir.open(dir + "/a/b", Profile.STRICT))
        .hasMessageEndingWith("(nor is there a directory " + dir + "/a)");
  }

  @Test
  void picklesAreNotRead() throws IOException {
    write("pytorch_model.bin", "");

    assertThatThrownBy(this::open)
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith(
            "Cannot open model " + dir + ": it holds no safetensors file but pytorch_model.bin, a")
        .hasMessageContaining("save_pretrained");
  }

  @Test
  void emptyDirectorySaysWhatWasLookedFor() {
    assertThatThrownBy(this::open)
        .hasMessage(
            "Cannot open model %s: it holds neither model.safetensors nor model.safetensors.index.json nor another safetensors file (see whether it is the model's own directory)",
            dir);
  }

  @Test
  void manyFilesWithoutIndexAreNotGuessedAt() {
    tiny().write(dir.resolve("a.safetensors"));
    tiny().write(dir.resolve("b.safetensors"));

    assertThatThrownBy(this::open)
        .hasMessageContaining(
            "several safetensors files and no index, [a.safetensors, b.safetensors]");
  }

  @Test
  void anAdapterIsNoModel() {
    tiny().write(dir.resolve("adapter_model.safetensors"));

    assertThatThrownBy(this::open).hasMessageContaining("an adapter and no model");
  }

  @Test
  void allDisagreementsOfAnIndexAreSaidAtOnce() throws IOException {
    tiny().writeSharded(dir, 2, "{}");
    write(
        INDEX,
        """
        {"weight_map": {"layers.10.w": "model-00001-of-00002.safetensors",
                        "ghost": "model-00001-of-00002.safetensors",
                        "embed.weight": "model-00002-of-00009.safetensors"}}
        """);

    assertThatThrownBy(this::open)
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            """
            Cannot open the model of %s/model.safetensors.index.json: the index and its shards \
            disagree (download the model again, or mend the index):
              - shard model-00002-of-00009.safetensors is missing
              - tensor ghost is not in shard model-00001-of-00002.safetensors
              - tensor layers.2.w of shard model-00001-of-00002.safetensors is not in the index""",
            dir);
  }

  @Test
  void unnamedTensorsAreAWarningOfTheReferenceProfile() throws IOException {
    tiny().writeSharded(dir, 2, "{}");
    write(
        INDEX,
        """
        {"metadata": {"total_size": 5.0},
         "weight_map": {"layers.10.w": "model-00001-of-00002.safetensors"}}
        """);

    ModelDir model = ModelDir.open(dir.toString(), Profile.REFERENCE);

    assertThat(model.tensors()).containsOnlyKeys("layers.10.w");
    assertThat(model.warnings())
        .containsExactly(
            dir
                + ": tensor layers.2.w of shard model-00001-of-00002.safetensors is not in the index, it is not read",
            dir
                + "/"
                + INDEX
                + ": total_size is 5, the tensors have 16 bytes and the files "
                + Files.size(dir.resolve("model-00001-of-00002.safetensors")));
  }

  @Test
  void truncatedShardIsNamed() throws IOException {
    tiny().writeSharded(dir, 1, "{}");
    Path shard = dir.resolve("model-00002-of-00003.safetensors");
    byte[] bytes = Files.readAllBytes(shard);
    Files.write(shard, java.util.Arrays.copyOf(bytes, bytes.length - 1));

    assertThatThrownBy(this::open)
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith("Cannot read the safetensors header of " + shard)
        .hasMessageContaining("MetadataIncompleteBuffer")
        .hasMessageContaining("the tensors have 8 bytes of data, the file has 7, it is truncated");
  }

  @Test
  void brokenConfigNamesPathAndByte() throws IOException {
    tiny().writeModel(dir, "{\"a\": 1, \"a\": 2}");

    assertThatThrownBy(this::open)
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith(
            "Cannot read " + dir.resolve("config.json") + ": invalid JSON at byte")
        .hasMessageContaining("Duplicate field 'a'");
  }
}
