package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.weightloom.job.LocalSpark;
import io.weightloom.job.SavedModel;
import io.weightloom.job.SavedModel.Stored;
import io.weightloom.testkit.TinyCheckpoint;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Channels that are merged. */
@NullUnmarked
class ChannelMergingTest {
  private static final String MLP = "model.layers.0.mlp.";
  private static final int CHANNELS = 12;
  private static final int WIDTH = 5;

  @TempDir Path dir;

  @BeforeEach
  void stopSpark() {
    LocalSpark.stop();
  }

  /** See dev/golden/units.py, which merges the same channels from the definition. */
  @Test
  void whatComesOfItIsWhatPyTorchComputes() throws Exception {
    Path golden =
        Path.of(
            Objects.requireNonNull(ChannelMergingTest.class.getResource("/golden/units")).toURI());
    Path out = dir.resolve("small");
    Cli run = Cli.run("prune", golden.resolve("model"), out, "--merge-channels", "7");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err()).contains("removed 7 of 20 channels by merging of each layer: " + out);
    Map<String, Stored> wanted = SavedModel.read(golden.resolve("merged.safetensors"));
    Map<String, Stored> found = SavedModel.read(out);
    assertThat(found.keySet()).isEqualTo(wanted.keySet());
    wanted.forEach(
        (name, tensor) -> {
          assertThat(found.get(name).shape()).as(name).isEqualTo(tensor.shape());
          assertThat(found.get(name).values()).as(name).isEqualTo(tensor.values());
        });
    assertThat(Cli.run("verify", out).exitCode()).isZero();
  }

  /** The inner channels of 12 in which 3 are there twice and one three times. */
  private static int copied(int channel) {
    return switch (channel) {
      case 7 -> 2;
      case 9 -> 0;
      case 10 -> 5;
      case 4, 11 -> 3;
      default -> channel;
    };
  }

  private Path model() {
    SplittableRandom random = new SplittableRandom(3);
    double[] gate = new double[CHANNELS * WIDTH];
    double[] up = new double[CHANNELS * WIDTH];
    double[] down = new double[CHANNELS * WIDTH];
    double[] bias = new double[CHANNELS];
    for (int c = 0; c < CHANNELS; c++) {
      bias[c] = random.nextDouble() - 0.5;
      for (int w = 0; w < WIDTH; w++) {
        gate[c * WIDTH + w] = random.nextDouble() - 0.5;
        up[c * WIDTH + w] = random.nextDouble() - 0.5;
        down[w * CHANNELS + c] = random.nextDouble() - 0.5;
      }
    }
    for (int c = 0; c < CHANNELS; c++) {
      int from = copied(c);
      bias[c] = bias[from];
      System.arraycopy(gate, from * WIDTH, gate, c * WIDTH, WIDTH);
      System.arraycopy(up, from * WIDTH, up, c * WIDTH, WIDTH);
      for (int w = 0; w < WIDTH; w++) {
        down[w * CHANNELS + c] = down[w * CHANNELS + from];
      }
    }
    return new TinyCheckpoint()
        .add(MLP + "gate_proj.weight", "F64", new long[] {CHANNELS, WIDTH}, gate)
        .add(MLP + "up_proj.weight", "F64", new long[] {CHANNELS, WIDTH}, up)
        .add(MLP + "up_proj.bias", "F64", new long[] {CHANNELS}, bias)
        .add(MLP + "down_proj.weight", "F64", new long[] {WIDTH, CHANNELS}, down)
        .writeModel(
            dir.resolve("model"),
            "{\"model_type\": \"llama\", \"num_hidden_layers\": 1, \"intermediate_size\": 12}");
  }

  /** down · (silu(gate · x) ∘ (up · x + bias)), in plain loops. */
  private static double[] output(Map<String, Stored> model, double[] x) {
    double[] gate = model.get(MLP + "gate_proj.weight").values();
    double[] up = model.get(MLP + "up_proj.weight").values();
    double[] down = model.get(MLP + "down_proj.weight").values();
    double[] bias = model.get(MLP + "up_proj.bias").values();
    double[] out = new double[WIDTH];
    for (int c = 0; c < bias.length; c++) {
      double g = 0;
      double u = bias[c];
      for (int w = 0; w < WIDTH; w++) {
        g += gate[c * WIDTH + w] * x[w];
        u += up[c * WIDTH + w] * x[w];
      }
      for (int w = 0; w < WIDTH; w++) {
        out[w] += down[w * bias.length + c] * g / (1 + Math.exp(-g)) * u;
      }
    }
    return out;
  }

  private static double change(Map<String, Stored> a, Map<String, Stored> b) {
    double most = 0;
    SplittableRandom random = new SplittableRandom(8);
    for (int i = 0; i < 20; i++) {
      double[] x = random.doubles(WIDTH, -2, 2).toArray();
      double[] one = output(a, x);
      double[] other = output(b, x);
      for (int w = 0; w < WIDTH; w++) {
        most = Math.max(most, Math.abs(one[w] - other[w]));
      }
    }
    return most;
  }

  @Test
  void equalChannelsMayBeMergedWithoutAChange() {
    Path model = model();
    Map<String, Stored> whole = SavedModel.read(model);
    Path out = dir.resolve("small");
    Cli run = Cli.run("prune", model, out, "--merge-channels", "5");

    assertThat(run.exitCode()).as(run.err()).isZero();
    Map<String, Stored> small = SavedModel.read(out);
    assertThat(small.get(MLP + "up_proj.bias").shape()).containsExactly(7L);
    assertThat(change(small, whole)).isCloseTo(0, within(1e-14));

    // The next one is no copy, and leaving copies out is a change too.
    Path six = dir.resolve("six");
    assertThat(Cli.run("prune", model, six, "--merge-channels", "0.5").exitCode()).isZero();
    assertThat(change(SavedModel.read(six), whole)).isGreaterThan(1e-3);
    Path dropped = dir.resolve("dropped");
    assertThat(Cli.run("prune", model, dropped, "--drop-channels", "5").exitCode()).isZero();
    assertThat(change(SavedModel.read(dropped), whole)).isGreaterThan(1e-3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--merge-channels 12 | Cannot remove 12 of the 12 channels of each layer of",
        "--merge-channels 2 --drop-channels 2 | Cannot merge channels and drop others at once",
        "--merge-channels 2 --channel-scores x | leave --drop-channels and --channel-scores out",
        "--merge-channels 2 --sparsity 0.5 | in a second step",
        "--merge-channels 2 --dry-run | use --print-recipe",
      })
  void whatIsWrongIsSaid(String options, String message) {
    Path out = dir.resolve("out");
    Object[] arguments = ("prune " + model() + " " + out + " " + options.trim()).split(" ");
    Cli run = Cli.run(arguments);

    assertThat(run.err()).contains(message);
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(out).doesNotExist();
    assertThat(Path.of(out + ".units.json")).doesNotExist();
  }
}
