package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.error.WeightloomException;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Fisher diagonals from files beside the models. */
@org.jspecify.annotations.NullUnmarked
class SideTablesTest {
  private static final long[] LARGE = {2, (1 << 20) + 77};

  @TempDir Path dir;

  @BeforeEach
  void writeModelsAndTables() throws IOException {
    for (String model : List.of("a", "b")) {
      TinyCheckpoint weights = new TinyCheckpoint();
      Family.add(weights, model, "BF16", "model.layers.0.large.weight", LARGE);
      Family.add(weights, model, "F32", "model.norm.weight", 6);
      weights.writeModel(dir.resolve(model), Family.CONFIG);
      table(model, 0).write(dir.resolve(model + "-fisher.safetensors"));
    }
  }

  private static TinyCheckpoint table(String model, double least) {
    return new TinyCheckpoint()
        .add(
            "model.layers.0.large.weight",
            "F32",
            LARGE,
            fisher(model, (int) (LARGE[0] * LARGE[1]), least))
        .add("model.norm.weight", "BF16", new long[] {6}, fisher(model + "norm", 6, least));
  }

  private static double[] fisher(String seed, int n, double least) {
    SplittableRandom random = new SplittableRandom(seed.hashCode());
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      values[i] = least + (i % 5 == 0 ? 0 : random.nextDouble());
    }
    return values;
  }

  private Merging fisher(String extra) {
    return Merging.of(
        """
        merge_method: fisher
        models:
          - model: DIR/a
          - model: DIR/b
            parameters: {weight: 0.5}
        dtype: float32
        weightloom:
          side_tables:
            fisher: {DIR/a: DIR/a-fisher.safetensors, DIR/b: DIR/b-fisher.safetensors}
        """
                .replace("DIR", dir.toString())
            + extra);
  }

  @Test
  void averagesByTheTablesAndRecordsThem() throws IOException {
    Path out = dir.resolve("out");
    fisher("  variant: mats\n").into(out);

    double[] merged = SavedModel.read(out).get("model.norm.weight").values();
    double[] a = SavedModel.read(dir.resolve("a")).get("model.norm.weight").values();
    double[] b = SavedModel.read(dir.resolve("b")).get("model.norm.weight").values();
    double[] fa =
        SavedModel.read(dir.resolve("a-fisher.safetensors")).get("model.norm.weight").values();
    double[] fb =
        SavedModel.read(dir.resolve("b-fisher.safetensors")).get("model.norm.weight").values();
    for (int i = 0; i < 6; i++) {
      double wa = Math.max(fa[i], 1e-8);
      double wb = 0.5 * Math.max(fb[i], 1e-8);
      assertThat(merged[i])
          .isCloseTo(
              (wa * a[i] + wb * b[i]) / (wa + wb), org.assertj.core.data.Offset.offset(1e-6));
    }
    JsonNode manifest = new ObjectMapper().readTree(Files.readAllBytes(out.resolve(Manifest.FILE)));
    JsonNode tables = manifest.get("side_tables");
    assertThat(tables).hasSize(2);
    assertThat(tables.get(0).get("table").asText()).isEqualTo("fisher");
    assertThat(tables.get(0).get("model").asText()).endsWith("/a");
    assertThat(tables.get(0).get("content").asText()).matches("[0-9a-f]{32}");
    assertThat(manifest.get("inputs")).hasSize(2);
  }

  @Test
  void howTheWorkIsCutDoesNotMatter() throws IOException {
    for (String norm : List.of("model", "tensor")) {
      Merging merging = fisher("  norm: " + norm + "\n");
      merging.cut(new WorkPlan.Cut(1L << 40, 1L << 40)).into(dir.resolve("whole" + norm));
      merging.cut(new WorkPlan.Cut(1, 0)).blockElements(4096).into(dir.resolve("cut" + norm));

      String weights = "model.safetensors";
      assertThat(dir.resolve("cut" + norm).resolve(weights))
          .hasSameBinaryContentAs(dir.resolve("whole" + norm).resolve(weights));
    }
  }

  @Test
  void aNegativeFisherIsAnErrorThatNamesItAndLeavesNothing() throws IOException {
    table("a", -0.25).write(dir.resolve("a-fisher.safetensors"));
    Path out = dir.resolve("out");

    assertThatThrownBy(() -> fisher("").into(out))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("Cannot merge")
        .hasMessageContaining("fisher of " + dir.resolve("a") + " holds -0.25 at element 0 of")
        .hasMessageContaining("none may be negative");
    assertThat(out).doesNotExist();
  }

  @Test
  void aTableThatIsNotThereIsAnError() throws IOException {
    Files.delete(dir.resolve("b-fisher.safetensors"));

    assertThatThrownBy(() -> fisher("").into(dir.resolve("out")))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("b-fisher.safetensors");
  }
}
