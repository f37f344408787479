package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.merge.Numerics;
import io.weightloom.plan.MergePlanner;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Bundles hold what the papers' codes compute: masks and vectors are those of nik-dim/tall_masks
 * d10af8b and harveyhuang18/EMR_Merging cc225ec, run on these numbers.
 */
@NullUnmarked
class BundleTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final MergePlanner.Options OPTIONS =
      new MergePlanner.Options(Numerics.ACCURATE, 0, MergePlanner.Options.SHARD_BYTES);

  /** The base and the task vectors of the golden values of TALL masks. */
  private static final double[] BASE = {1, -1, .5, 2, 0, -.5};

  private static final double[][] DELTAS = {
    {2, .5, -1, 0, .25, -2}, {-1, .5, 2, 0, 4, -2}, {.5, -.125, -1, 1, -.25, 1}
  };
  private static final double[] VECTOR = {1.5, .875, 0, 1, 4, -3};
  private static final int[][] MASKS = {{1, 1, 1, 0, 0, 1}, {0, 1, 1, 0, 1, 1}, {1, 0, 1, 1, 0, 0}};

  @TempDir Path dir;

  private void models(String tensor, double[] base, double[]... deltas) {
    write("base", tensor, base);
    for (int k = 0; k < deltas.length; k++) {
      write("m" + k, tensor, sum(base, deltas[k]));
    }
  }

  private void write(String name, String tensor, double[] values) {
    new TinyCheckpoint()
        .add(tensor, "F32", new long[] {values.length}, values)
        .add("steps", "I64", new long[] {1}, 5)
        .writeModel(dir.resolve(name), "{\"model_type\": \"vit\"}");
  }

  private static double[] sum(double[] a, double[] b) {
    double[] sum = a.clone();
    java.util.Arrays.setAll(sum, i -> a[i] + b[i]);
    return sum;
  }

  private String recipe(String method) {
    return """
    merge_method: %s
    base_model: DIR/base
    models: [{model: DIR/m0}, {model: DIR/m1}, {model: DIR/m2}]
    """
        .formatted(method)
        .replace("DIR", dir.toString());
  }

  private Path bundle(String recipe, boolean withBase) {
    BundleJob job =
        new BundleJob(
            RecipeYaml.parse("r.yml", recipe),
            OPTIONS,
            MergeRequest.BLOCK_ELEMENTS,
            MergeRequest.Progress.NONE);
    Path out = dir.resolve("bundle");
    job.run(LocalSpark.get(), out, false, withBase, job.prepare(withBase));
    return out;
  }

  private double[] unpacked(Path bundle, String model, String tensor) {
    RecipeYaml yaml = BundleJob.unpacking(bundle, model, null);
    Path out = dir.resolve("unpacked-" + model);
    MergeJob.run(
        LocalSpark.get(),
        new MergeRequest(
            yaml, out, OPTIONS, true, MergeRequest.BLOCK_ELEMENTS, MergeRequest.Progress.NONE),
        PreparedMerge.of(yaml.recipe(), OPTIONS));
    assertThat(VerifyJob.run(out.toString()).problems()).isEmpty();
    assertThat(SavedModel.read(out).get("steps").data())
        .isEqualTo(SavedModel.read(dir.resolve("base")).get("steps").data());
    return SavedModel.read(out).get(tensor).values();
  }

  @Test
  void tallMasksAreThoseOfThePapersCode() throws IOException {
    models("w", BASE, DELTAS);

    Path bundle = bundle(recipe("consensus"), true);

    assertThat(SavedModel.read(bundle.resolve("vector")).get("w").values()).containsExactly(VECTOR);
    for (int k = 0; k < 3; k++) {
      SavedModel.Stored mask = SavedModel.read(bundle.resolve("masks/m" + k)).get("w");
      assertThat(mask.dtype()).isEqualTo("U8");
      int bits = 0;
      for (int i = 0; i < 6; i++) {
        bits |= MASKS[k][i] << (7 - i);
      }
      assertThat(mask.data()).containsExactly(bits);
      assertThat(VerifyJob.run(bundle.resolve("masks/m" + k).toString()).problems()).isEmpty();
    }
    assertThat(Files.readString(bundle.resolve("agreement.csv")))
        .isEqualTo("tensor,parameters,used_by_0,used_by_1,used_by_2,used_by_3\nw,6,0,2,3,1\n");
  }

  @Test
  void aModelIsTheBaseAndWhatItsMaskLeavesOfTheVector() {
    models("w", BASE, DELTAS);
    Path bundle = bundle(recipe("consensus"), true);

    for (int k = 0; k < 3; k++) {
      double[] expected = BASE.clone();
      for (int i = 0; i < 6; i++) {
        expected[i] += MASKS[k][i] * VECTOR[i];
      }
      assertThat(unpacked(bundle, "m" + k, "w")).containsExactly(expected);
    }
  }

  @Test
  void aLoneModelIsGotBackAsItWas() {
    models("w", BASE, DELTAS[0]);
    String recipe =
        recipe("consensus").replaceAll("models:.*", "models: [{model: " + dir.resolve("m0") + "}]");

    assertThat(unpacked(bundle(recipe, true), "m0", "w")).containsExactly(sum(BASE, DELTAS[0]));
  }

  @Test
  void emrHasItsRescalers() throws IOException {
    models("w", new double[4], new double[][] {{1, -2, 3, 0}, {2, 1, -1, 0}, {-1, -1, -4, 0}});

    Path bundle = bundle(recipe("emr"), true);

    double[] unified = SavedModel.read(bundle.resolve("vector")).get("w").values();
    assertThat(sum(unified, new double[4])).containsExactly(2, -2, -4, 0);
    JsonNode models = JSON.readTree(bundle.resolve("bundle.json").toFile()).get("models");
    // Σ|τ| ÷ Σ|mask ⊙ unified| of the one tensor: 6 ÷ 4, 4 ÷ 6, 6 ÷ 6.
    assertThat(models.get(0).get("rescale").asDouble()).isEqualTo(6.0 / 4);
    assertThat(models.get(1).get("rescale").asDouble()).isCloseTo(4.0 / 6, within(1e-15));
    assertThat(models.get(2).get("rescale").asDouble()).isEqualTo(1);
    assertThat(unpacked(bundle, "m0", "w")).containsExactly(3, -3, 0, 0);
    double[] second = unpacked(bundle, "m1", "w");
    assertThat(second[0]).isCloseTo(4.0 / 3, within(1e-7));
    assertThat(second[2]).isCloseTo(-8.0 / 3, within(1e-7));
  }

  @Test
  void theBaseMayBeElsewhere() {
    models("w", BASE, DELTAS);

    Path bundle = bundle(recipe("consensus"), false);

    assertThat(bundle.resolve("base")).doesNotExist();
    assertThat(unpacked(bundle, "m1", "w")[4]).isEqualTo(4);
  }

  /** Masks of more than a grain of bytes, however the work is cut, and read once. */
  @ParameterizedTest
  @ValueSource(strings = {"consensus", "emr"})
  void allPartsAreWrittenFromOneRead(String method) {
    for (String name : List.of("base", "m0", "m1", "m2")) {
      TinyCheckpoint weights = new TinyCheckpoint();
      Family.add(weights, name, "BF16", "w", 3, (1 << 20) + 5);
      weights.add("steps", "I64", new long[] {1}, 5);
      weights.writeModel(dir.resolve(name), Family.CONFIG);
    }
    CountedStorage.clear();
    String counted = recipe(method).replace(dir.toString(), CountedStorage.path(dir));

    Path bundle = bundle(counted + "dtype: bfloat16\n", true);

    TensorLocation w =
        Objects.requireNonNull(
            ModelDir.open(dir.resolve("m1").toString(), Profile.STRICT).tensors().get("w"));
    assertThat(CountedStorage.reads(Path.of(w.file()), (int) w.begin(), (int) w.end()))
        .containsExactly(1, 1);
    assertThat(VerifyJob.run(bundle.resolve("masks/m2").toString()).problems()).isEmpty();
  }

  @Test
  void mistakesAreSaid() {
    models("w", BASE, DELTAS);
    Path bundle = bundle(recipe("consensus"), true);

    assertThatThrownBy(() -> BundleJob.unpacking(bundle, "m7", null))
        .hasMessage("Cannot unpack m7 of " + bundle + ": it has no such model (one of m0, m1, m2)");
    assertThatThrownBy(() -> BundleJob.unpacking(dir, "m0", null))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("bundle.json cannot be read");
    assertThatThrownBy(
            () -> bundle(recipe("linear").replace("}", ", parameters: {weight: 1}}"), true))
        .hasMessageContaining("Cannot bundle by linear");
  }

  @Test
  void aMaskOfAnotherModelDoesNotFit() throws IOException {
    models("w", BASE, DELTAS);
    Path bundle = bundle(recipe("consensus"), true);
    new TinyCheckpoint()
        .add("w", "U8", new long[] {2}, new byte[2])
        .writeModel(bundle.resolve("masks/m0"), "{}");

    assertThatThrownBy(() -> unpacked(bundle, "m0", "w"))
        .hasMessageContaining("w in the table mask is U8 [2], not the packed mask of [6] (U8 [1])");
    try (Stream<Path> left = Files.list(dir)) {
      assertThat(left.map(p -> p.getFileName().toString())).doesNotContain("unpacked-m0");
    }
  }
}
