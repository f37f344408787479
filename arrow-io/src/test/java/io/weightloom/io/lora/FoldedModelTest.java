package io.weightloom.io.lora;

import static io.weightloom.io.OpenedModel.bytes;
import static io.weightloom.io.OpenedModel.open;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.AdaptedModel;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@NullUnmarked
class FoldedModelTest {
  private static final String Q = "model.layers.0.self_attn.q_proj";
  private static final String PEFT = "base_model.model.";
  private static final String CONFIG =
      "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 4, \"base_model_name_or_path\": \"b\"";

  @TempDir Path dir;
  private Path base;

  @BeforeEach
  void writeBase() {
    base =
        new TinyCheckpoint()
            .metadata("format", "pt")
            .add("model.embed_tokens.weight", "F32", new long[] {3, 2}, 1, 2, 3, 4, 5, 6)
            .add(Q + ".weight", "F32", new long[] {2, 3}, 1, 2, 3, 4, 5, 6)
            .add(Q + ".bias", "F32", new long[] {2}, 7, 8)
            .add("lm_head.weight", "F32", new long[] {3, 2}, 0, 0, 0, 0, 0, 0)
            .writeModel(dir.resolve("base"), "{\"model_type\": \"llama\"}");
  }

  private static TinyCheckpoint lora(double... b) {
    return new TinyCheckpoint()
        .add(PEFT + Q + ".lora_A.weight", "F32", new long[] {2, 3}, 1, 0, 2, 0, 1, -1)
        .add(PEFT + Q + ".lora_B.weight", "F32", new long[] {2, 2}, b);
  }

  private Path adapter(String name, String config, TinyCheckpoint weights) {
    try {
      Path adapter = Files.createDirectories(dir.resolve(name));
      Files.writeString(adapter.resolve("adapter_config.json"), CONFIG + config + "}");
      weights.write(adapter.resolve("adapter_model.safetensors"));
      return adapter;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static byte[] f32(double... values) {
    return TinyCheckpoint.encode("F32", values);
  }

  @Test
  void aFoldedModelIsTheBaseAndTheScaledProduct() {
    Path a = adapter("a", "", lora(1, 0, 0, 2));

    ModelDir folded = open(base + "+" + a);

    // α/r = 2, B·A = [[1, 0, 2], [0, 2, -2]]
    assertThat(bytes(folded, Q + ".weight")).isEqualTo(f32(3, 2, 7, 4, 9, 2));
    assertThat(bytes(folded, Q + ".bias")).isEqualTo(f32(7, 8));
    assertThat(folded.tensors().keySet()).isEqualTo(open(base.toString()).tensors().keySet());
    assertThat(folded.config().get("model_type").asText()).isEqualTo("llama");
    assertThat(folded.companionFiles()).containsExactly("config.json");
    assertThat(folded.shards().get(0).metadata()).containsEntry("format", "pt").containsKey("lora");
  }

  @Test
  void severalAreFoldedByTheirFactorsWithOneRounding() {
    Path half =
        new TinyCheckpoint()
            .add(Q + ".weight", "BF16", new long[] {2, 3}, 1, 1, 1, 1, 1, 1)
            .writeModel(dir.resolve("half"), "{}");
    // 3/1024 alone is rounded away beside 1 in BF16, whose next value is 1 + 8/1024.
    double step = 3.0 / 1024 / 2;
    Path a = adapter("a", "", lora(step, 0, 0, 0));
    Path b = adapter("b", "", lora(step, 0, 0, 0));

    byte[] alone = bytes(open(half + "+" + a), Q + ".weight");
    byte[] both = bytes(open(half + "+" + a + "+" + b), Q + ".weight");
    byte[] weighed = bytes(open(half + "+" + a + "*0.5+" + b + "*-0.5"), Q + ".weight");

    assertThat(alone).isEqualTo(TinyCheckpoint.encode("BF16", 1, 1, 1.0078125, 1, 1, 1));
    assertThat(both).isEqualTo(TinyCheckpoint.encode("BF16", 1.0078125, 1, 1.015625, 1, 1, 1));
    assertThat(weighed).isEqualTo(TinyCheckpoint.encode("BF16", 1, 1, 1, 1, 1, 1));
  }

  @ParameterizedTest
  @CsvSource({
    "'', 2",
    "', \"use_rslora\": true', 2.8284271247461903",
    "', \"alpha_pattern\": {\"k_proj\": 6, \"self_attn.q_proj\": 8}', 4",
    "', \"alpha_pattern\": {\"proj\": 8}', 2",
    "', \"alpha_pattern\": {\".*.q_proj\": 1}', 0.5"
  })
  void theScaleIsPefts(String config, double scale) {
    Path a = adapter("a", config, lora(1, 0, 0, 0));

    assertThat(bytes(open(base + "+" + a), Q + ".weight"))
        .isEqualTo(f32(1 + scale, 2, 3 + 2 * scale, 4, 5, 6));
  }

  @Test
  void weightsStoredInputsFirstAndEmbeddingsTakeTheProductTransposed() {
    Path gpt =
        new TinyCheckpoint()
            .add("h.0.attn.c_attn.weight", "F32", new long[] {3, 2}, 1, 2, 3, 4, 5, 6)
            .add("wte.weight", "F32", new long[] {3, 2}, 0, 0, 0, 0, 0, 0)
            .writeModel(dir.resolve("gpt"), "{}");
    String c = PEFT + "transformer.h.0.attn.c_attn";
    String e = PEFT + "transformer.wte";
    Path a =
        adapter(
            "a",
            ", \"fan_in_fan_out\": true",
            new TinyCheckpoint()
                .add(c + ".lora_A.weight", "F32", new long[] {1, 3}, 1, 2, 3)
                .add(c + ".lora_B.weight", "F32", new long[] {2, 1}, 1, -1)
                .add(e + ".lora_embedding_A", "F32", new long[] {1, 3}, 1, 2, 3)
                .add(e + ".lora_embedding_B", "F32", new long[] {2, 1}, 10, 20));

    ModelDir folded = open(gpt + "+" + a);

    // r = 1: α/r = 4
    assertThat(bytes(folded, "h.0.attn.c_attn.weight"))
        .isEqualTo(f32(1 + 4, 2 - 4, 3 + 8, 4 - 8, 5 + 12, 6 - 12));
    assertThat(bytes(folded, "wte.weight")).isEqualTo(f32(40, 80, 80, 160, 120, 240));
  }

  @Test
  void aConvolutionsKernelIsFoldedAsAMatrix() {
    Path unet =
        new TinyCheckpoint()
            .add("conv.weight", "F32", new long[] {2, 1, 1, 3}, 1, 1, 1, 2, 2, 2)
            .writeModel(dir.resolve("unet"), "{}");
    Path a =
        adapter(
            "a",
            "",
            new TinyCheckpoint()
                .add(PEFT + "conv.lora_A.weight", "F32", new long[] {1, 1, 1, 3}, 1, 2, 3)
                .add(PEFT + "conv.lora_B.weight", "F32", new long[] {2, 1, 1, 1}, 1, -1));

    assertThat(bytes(open(unet + "+" + a), "conv.weight")).isEqualTo(f32(5, 9, 13, -2, -6, -10));
  }

  @Test
  void whatWasTrainedAsAWholeTakesTheBasesPlace() {
    Path a =
        adapter(
            "a",
            "",
            lora(0, 0, 0, 0)
                .add(PEFT + "lm_head.weight", "BF16", new long[] {3, 2}, 1, 2, 3, 4, 5, 6)
                .add(PEFT + Q + ".bias", "F32", new long[] {2}, 70, 80));

    assertThat(bytes(open(base + "+" + a), "lm_head.weight")).isEqualTo(f32(1, 2, 3, 4, 5, 6));
    assertThat(bytes(open(base + "+" + a), Q + ".bias")).isEqualTo(f32(70, 80));
    assertThat(bytes(open(base + "+" + a + "*0.5"), Q + ".bias")).isEqualTo(f32(38.5, 44));
  }

  @Test
  void anyRangeOfBytesIsThatOfTheWholeFile() throws IOException {
    Random random = new Random(5);
    double[] w = random.doubles(37 * 2111, -1, 1).toArray();
    Path big =
        new TinyCheckpoint()
            .add("first", "BF16", new long[] {3}, 1, 2, 3)
            .add("none", "F32", new long[] {0})
            .add(Q + ".weight", "BF16", new long[] {37, 2111}, w)
            .add("last", "BF16", new long[] {3}, 1, 2, 3)
            .writeModel(dir.resolve("big"), "{}");
    Path a =
        adapter(
            "a",
            "",
            new TinyCheckpoint()
                .add(
                    PEFT + Q + ".lora_A.weight",
                    "F16",
                    new long[] {5, 2111},
                    random.doubles(5 * 2111, -1, 1).toArray())
                .add(
                    PEFT + Q + ".lora_B.weight",
                    "F32",
                    new long[] {37, 5},
                    random.doubles(37 * 5, -1, 1).toArray()));
    String file = requireNonNull(open(big + "+" + a).tensors().get("last")).file();
    Storage storage = Storage.of(file);
    byte[] whole = storage.readAll(file, 1 << 20);
    byte[] unfolded = Files.readAllBytes(big.resolve("model.safetensors"));

    assertThat(Arrays.copyOfRange(whole, whole.length - 6, whole.length))
        .isEqualTo(Arrays.copyOfRange(unfolded, unfolded.length - 6, unfolded.length));
    try (ByteSource source = storage.open(file)) {
      for (int i = 0; i < 300; i++) {
        int from = random.nextInt(whole.length);
        int length = random.nextInt(Math.min(9000, whole.length - from));
        byte[] range = new byte[length + 7];
        source.readFully(from, range, 3, length);
        assertThat(Arrays.copyOfRange(range, 3, 3 + length))
            .isEqualTo(Arrays.copyOfRange(whole, from, from + length));
        assertThat(Arrays.copyOf(range, 3)).containsOnly(0);
        assertThat(Arrays.copyOfRange(range, 3 + length, length + 7)).containsOnly(0);
      }
    }
  }

  @Test
  void shardsAreFoldedEachByWhatIsItsOwn() {
    Path sharded =
        new TinyCheckpoint()
            .add("a.weight", "F32", new long[] {1, 1}, 1)
            .add("b.weight", "F32", new long[] {1, 1}, 2)
            .writeSharded(dir.resolve("sharded"), 1, "{}");
    Path a =
        adapter(
            "a",
            "",
            new TinyCheckpoint()
                .add(PEFT + "b.lora_A.weight", "F32", new long[] {1, 1}, 1)
                .add(PEFT + "b.lora_B.weight", "F32", new long[] {1, 1}, 1));

    ModelDir folded = open(sharded + "+" + a);

    assertThat(bytes(folded, "a.weight")).isEqualTo(f32(1));
    assertThat(bytes(folded, "b.weight")).isEqualTo(f32(6));
    assertThat(folded.warnings()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "', \"use_dora\": true', it sets use_dora",
    "', \"peft_type\": \"IA3\"', its peft_type is IA3",
    "', \"init_lora_weights\": \"pissa_niter_4\"', which changes the base's weights",
    "', \"layer_replication\": [[0, 2]]', it sets layer_replication",
    "', \"alpha_pattern\": {\"(\": 2}', alpha_pattern ( is no pattern"
  })
  void whatFoldingWouldGetWrongIsAnError(String config, String why) {
    Path a = adapter("a", "", lora(1, 0, 0, 0));
    assertThatThrownBy(
            () -> {
              Files.writeString(
                  a.resolve("adapter_config.json"), "{\"lora_alpha\": 4" + config + "}");
              open(base + "+" + a);
            })
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("Cannot use the adapter " + a)
        .hasMessageContaining(why);
  }

  @Test
  void anAdapterOfAnotherModelIsAnError() {
    Path other =
        adapter(
            "other",
            "",
            new TinyCheckpoint()
                .add(PEFT + "x.y.lora_A.weight", "F32", new long[] {1, 1}, 1)
                .add(PEFT + "x.y.lora_B.weight", "F32", new long[] {1, 1}, 1));
    assertThatThrownBy(() -> open(base + "+" + other))
        .hasMessageContaining("the base lacks x.y.weight")
        .hasMessageContaining("it says b");

    Path wide =
        adapter(
            "wide",
            "",
            new TinyCheckpoint()
                .add(PEFT + Q + ".lora_A.weight", "F32", new long[] {1, 5}, 1, 1, 1, 1, 1)
                .add(PEFT + Q + ".lora_B.weight", "F32", new long[] {2, 1}, 1, 1));
    assertThatThrownBy(() -> open(base + "+" + wide))
        .hasMessageContaining("are [2, 1] and [1, 5], the base's tensor is [2, 3]");
  }

  @Test
  void anAdapterWithOneFactorOrWithoutWeightsIsAnError() throws IOException {
    Path half =
        adapter(
            "half",
            "",
            new TinyCheckpoint()
                .add(PEFT + Q + ".lora_A.weight", "F32", new long[] {1, 3}, 1, 1, 1));
    assertThatThrownBy(() -> open(base + "+" + half)).hasMessageContaining("it holds one factor");

    Files.delete(half.resolve("adapter_model.safetensors"));
    assertThatThrownBy(() -> open(base + "+" + half))
        .hasMessageContaining("it holds no adapter_model.safetensors");

    assertThatThrownBy(() -> open(base + "+" + base))
        .hasMessageContaining("it holds no adapter_config.json");
  }

  @Test
  void aDirectoryWithAPlusInItsNameIsAModelLikeAnyOther() throws IOException {
    Path plus = Files.createDirectories(dir.resolve("c++"));
    Files.copy(base.resolve("model.safetensors"), plus.resolve("model.safetensors"));

    assertThat(bytes(open(plus.toString()), Q + ".bias")).isEqualTo(f32(7, 8));
  }

  @ParameterizedTest
  @CsvSource({"a+", "+a", "a++b", "a+b*x", "a+b*Infinity"})
  void aReferenceThatIsCutOffIsAnError(String reference) {
    assertThatThrownBy(() -> AdaptedModel.parse(reference))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("write base+adapter");
  }

  @Test
  void pathsOfFilesAreReadBack() {
    AdaptedModel model =
        new AdaptedModel(
            "/odd+dir/100%!",
            java.util.List.of(
                new AdaptedModel.Fold("hdfs://host/a*b", 1), new AdaptedModel.Fold("/c", 0.1)));

    assertThat(AdaptedModel.ofPath(model.path())).isEqualTo(new AdaptedModel.Path(model, ""));
    assertThat(AdaptedModel.ofPath(model.path() + "/config.json"))
        .isEqualTo(new AdaptedModel.Path(model, "config.json"));
  }
}
