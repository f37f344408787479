package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.weightloom.job.LocalSpark;
import io.weightloom.job.SavedModel;
import io.weightloom.job.SavedModel.Stored;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** N:M with channels ordered before, on the tiny Llama of dev/golden/units.py. */
@NullUnmarked
class PermuteTest {
  private static final String LAYER = "model.layers.1.";

  @TempDir Path dir;
  private Path model;

  @BeforeEach
  void stopSpark() throws URISyntaxException {
    LocalSpark.stop();
    model =
        Path.of(
            Objects.requireNonNull(PermuteTest.class.getResource("/golden/units/model")).toURI());
  }

  private Cli prune(Path out, String options) {
    return Cli.run(
        Stream.concat(Stream.of("prune", model, out), Arrays.stream(options.split(" "))).toArray());
  }

  private static double kept(Path model, String tensor) {
    return Arrays.stream(SavedModel.read(model).get(tensor).values()).map(Math::abs).sum();
  }

  @Test
  void moreIsKeptOfWhatReadsPermutedChannels() {
    Path plain = dir.resolve("plain");
    Path ordered = dir.resolve("ordered");
    assertThat(prune(plain, "--nm 1:2").exitCode()).isZero();
    Cli run = prune(ordered, "--nm 1:2 --permute");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err()).contains("more magnitude is kept");
    for (String tensor :
        new String[] {LAYER + "mlp.down_proj.weight", LAYER + "self_attn.o_proj.weight"}) {
      assertThat(kept(ordered, tensor)).as(tensor).isGreaterThan(kept(plain, tensor));
    }
    // Rows change places only.
    assertThat(kept(ordered, LAYER + "mlp.up_proj.weight"))
        .isCloseTo(kept(plain, LAYER + "mlp.up_proj.weight"), within(1e-9));
    double zeros =
        Arrays.stream(SavedModel.read(ordered).get(LAYER + "mlp.down_proj.weight").values())
            .filter(v -> v == 0)
            .count();
    assertThat(zeros).isEqualTo(16 * 20 / 2);
    assertThat(Cli.run("verify", ordered).exitCode()).isZero();

    Path again = dir.resolve("again");
    assertThat(Cli.run("merge", ordered.resolve("mergekit_config.yml"), again).exitCode()).isZero();
    assertThat(again.resolve("model.safetensors"))
        .hasSameBinaryContentAs(ordered.resolve("model.safetensors"));
  }

  /** Σ over channels of a column times a row; both of some heads' runs. */
  private static double product(
      Stored left, Stored right, int i, int j, int leftAt, int rightAt, int count) {
    int columns = Math.toIntExact(left.shape().get(1));
    int width = Math.toIntExact(right.shape().get(1));
    double[] a = left.values();
    double[] b = right.values();
    double sum = 0;
    for (int c = 0; c < count; c++) {
      sum += a[i * columns + leftAt + c] * b[(rightAt + c) * width + j];
    }
    return sum;
  }

  @Test
  void theModelComputesTheSameInTheNewOrder() {
    Path out = dir.resolve("ordered");
    assertThat(prune(out, "--nm 1:2 --permute").exitCode()).isZero();
    Path whole = dir.resolve("whole");
    String recipe = "merge_method: passthrough\nmodels: [{model: %s.units.json}]\n".formatted(out);
    Cli merge =
        Cli.run("merge", io.weightloom.job.Family.file(dir.resolve("r.yml"), recipe), whole);
    assertThat(merge.exitCode()).as(merge.err()).isZero();

    Map<String, Stored> before = SavedModel.read(model);
    Map<String, Stored> after = SavedModel.read(whole);
    String down = LAYER + "mlp.down_proj.weight";
    String output = LAYER + "self_attn.o_proj.weight";
    String value = LAYER + "self_attn.v_proj.weight";
    assertThat(after.get(down).data()).isNotEqualTo(before.get(down).data());
    assertThat(after.get(output).data()).isNotEqualTo(before.get(output).data());
    for (String inner : new String[] {"gate", "up"}) {
      String rows = LAYER + "mlp." + inner + "_proj.weight";
      for (int i = 0; i < 16; i++) {
        assertThat(product(after.get(down), after.get(rows), i, 3, 0, 0, 20))
            .isCloseTo(product(before.get(down), before.get(rows), i, 3, 0, 0, 20), within(1e-9));
      }
    }
    for (int head = 0; head < 6; head++) {
      int key = head / 2 * 4;
      for (int i = 0; i < 16; i++) {
        assertThat(product(after.get(output), after.get(value), i, 5, head * 4, key, 4))
            .isCloseTo(
                product(before.get(output), before.get(value), i, 5, head * 4, key, 4),
                within(1e-9));
      }
    }
    for (String same : new String[] {"self_attn.q_proj.weight", "self_attn.k_proj.bias"}) {
      assertThat(after.get(LAYER + same).data()).isEqualTo(before.get(LAYER + same).data());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--sparsity 0.5 --permute | 2 | Cannot permute channels but for N:M by magnitude",
        "--nm 2:4 --method wanda --norms x --permute | 2 | Cannot permute channels but for N:M",
        "--nm 2:4 --permute --dry-run | 2 | Cannot print the plan of --permute without reading",
        "--nm 4:4 --permute | 2 | 4:4 prunes nothing",
        "--nm 2:32 --permute | 2 | groups of 32: the search is of swaps between groups of at most 16",
      })
  void whatIsWrongIsSaidAndLeavesNothing(String options, int code, String message) {
    Path out = dir.resolve("out");
    Cli run = prune(out, options.trim());

    assertThat(run.err()).contains(message);
    assertThat(run.exitCode()).isEqualTo(code);
    assertThat(out).doesNotExist();
    assertThat(dir.toFile().list()).isEmpty();
  }
}
