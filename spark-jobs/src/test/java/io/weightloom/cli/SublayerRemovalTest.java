package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.job.Family;
import io.weightloom.job.LocalSpark;
import io.weightloom.job.SavedModel;
import io.weightloom.job.SavedModel.Stored;
import io.weightloom.testkit.TinyCheckpoint;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention and perceptrons that go from layers. */
@NullUnmarked
class SublayerRemovalTest {
  private static final int LAYERS = 11;

  @TempDir Path dir;

  private Path model;

  @BeforeEach
  void start() {
    LocalSpark.stop();
    model = weights("F32").writeModel(dir.resolve("model"), Family.CONFIG);
  }

  private static TinyCheckpoint weights(String dtypeOfLast) {
    TinyCheckpoint all = new TinyCheckpoint();
    Family.add(all, "base", "F32", "model.embed_tokens.weight", 4, 3);
    for (int i = 0; i < LAYERS; i++) {
      String layer = "model.layers." + i + ".";
      Family.add(all, "base", "F32", layer + "self_attn.o_proj.weight", 3, 4);
      Family.add(all, "base", "F32", layer + "self_attn.o_proj.bias", 3);
      Family.add(all, "base", "F32", layer + "self_attn.q_proj.weight", 4, 3);
      Family.add(all, "base", "F32", layer + "mlp.up_proj.weight", 5, 3);
      String dtype = i == LAYERS - 1 ? dtypeOfLast : "F32";
      all.add(
          layer + "mlp.down_proj.weight",
          dtype,
          new long[] {3, 5},
          new byte[dtype.equals("F32") ? 60 : 15]);
    }
    return all;
  }

  private Path scores(String name, String values) {
    return Family.file(dir.resolve(name), values);
  }

  private Cli prune(Path out, String options) {
    Path ascending = scores("up.json", "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]");
    Path tied = scores("tied.json", "[5, 1, 5, 5, 5, 5, 5, 5, 5, 5, 1]");
    Path shortOne = scores("short.json", "[1, 2]");
    return Cli.run(
        Stream.concat(
                Stream.of("prune", model, out),
                Arrays.stream(
                    options
                        .trim()
                        .replace("UP", ascending.toString())
                        .replace("TIED", tied.toString())
                        .replace("SHORT", shortOne.toString())
                        .split(" ")))
            .toArray());
  }

  /** The names of tensors that are all 0, if others are as they were. */
  private Set<String> zeroed(Path out) {
    Set<String> zeroed = new TreeSet<>();
    Map<String, Stored> before = SavedModel.read(model);
    Map<String, Stored> after = SavedModel.read(out);
    assertThat(after.keySet()).isEqualTo(before.keySet());
    before.forEach(
        (name, tensor) -> {
          if (!Arrays.equals(after.get(name).data(), tensor.data())) {
            // Of a negative weight −0 stays, as where mergekit scales by 0.
            assertThat(Arrays.stream(after.get(name).values()).map(Math::abs))
                .as(name)
                .containsOnly(0.0);
            zeroed.add(name.substring("model.layers.".length()));
          }
        });
    return zeroed;
  }

  @Test
  void whatWritesIsZeroedInLayersOfLeastScore() {
    Path out = dir.resolve("quiet");
    Cli run = prune(out, "--drop-attention 2 --attention-scores TIED");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err()).contains("removed the attention of 2 layers: " + out);
    assertThat(zeroed(out))
        .containsExactlyInAnyOrder(
            "1.self_attn.o_proj.weight",
            "1.self_attn.o_proj.bias",
            "10.self_attn.o_proj.weight",
            "10.self_attn.o_proj.bias");
    assertThat(Cli.run("verify", out).exitCode()).isZero();
    Path again = dir.resolve("again");
    assertThat(Cli.run("merge", out.resolve("mergekit_config.yml"), again).exitCode()).isZero();
    assertThat(zeroed(again)).isEqualTo(zeroed(out));
  }

  @Test
  void attentionAndPerceptronsAtOnce() {
    // Noise in the place of zeros, which would be nothing to see.
    TinyCheckpoint noise = weights("F32");
    for (int i = 0; i < LAYERS; i++) {
      Family.add(noise, "base", "F32", "model.layers." + i + ".mlp.down_proj.bias", 3);
    }
    model = noise.writeModel(dir.resolve("noise"), Family.CONFIG);
    Path out = dir.resolve("quiet");
    Cli run =
        prune(out, "--drop-attention 1 --attention-scores UP --drop-mlps 3 --mlp-scores TIED");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err())
        .contains("removed the attention of 1 layers, the perceptron of 3 layers: " + out);
    assertThat(zeroed(out))
        .containsExactlyInAnyOrder(
            "0.self_attn.o_proj.weight",
            "0.self_attn.o_proj.bias",
            "0.mlp.down_proj.bias",
            "1.mlp.down_proj.bias",
            "10.mlp.down_proj.bias");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--drop-attention 11 --attention-scores UP|2|Cannot remove 11 of the 11 attention blocks of",
        "--drop-mlps 0 --mlp-scores UP | 2 | Cannot remove 0 of the 11 perceptrons of",
        "--drop-mlps 1 --mlp-scores SHORT | 3 | it has 2 numbers for 11 layers",
        "--drop-mlps 1 | 2 | (give --drop-mlps and --mlp-scores)",
        "--attention-scores UP | 2 | (give --drop-attention and --attention-scores)",
        "--layer-scores UP | 2 | (give --drop-layers and --layer-scores)",
        "--drop-mlps 1 --mlp-scores UP --drop-layers 1 --layer-scores UP|2|in a second step",
        "--drop-mlps 1 --mlp-scores UP --sparsity 0.5 | 2 | in a second step",
      })
  void whatIsWrongIsSaid(String options, int code, String message) {
    Path out = dir.resolve("out");
    Cli run = prune(out, options);

    assertThat(run.err()).contains(message.trim());
    assertThat(run.exitCode()).isEqualTo(code);
    assertThat(out).doesNotExist();
  }

  @Test
  void layersOfAnotherMakeAreRefused() {
    Path out = dir.resolve("out");
    String options = "--drop-mlps 1 --mlp-scores UP";
    model = weights("F8_E4M3").writeModel(dir.resolve("quantised"), Family.CONFIG);
    assertThat(prune(out, options).err())
        .contains("model.layers.10.mlp.down_proj.weight is F8_E4M3 (known are layers");

    TinyCheckpoint more = weights("F32");
    Family.add(more, "base", "F32", "model.layers.11.mlp.experts.0.down_proj.weight", 3, 5);
    model = more.writeModel(dir.resolve("mixed"), Family.CONFIG);
    assertThat(prune(out, options).err()).contains("layer 11 lacks mlp.down_proj.weight");

    TinyCheckpoint two = weights("F32");
    Family.add(two, "base", "F32", "visual.layers.3.mlp.down_proj.weight", 3, 5);
    model = two.writeModel(dir.resolve("two"), Family.CONFIG);
    assertThat(prune(out, options).err()).contains("are both of layer 3");
  }
}
