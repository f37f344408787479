package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.merge.Numerics;
import io.weightloom.plan.MergePlanner;
import io.weightloom.testkit.TinyCheckpoint;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A bundle of a shared expert and adapters gives what the merge of the same routing gives. */
@NullUnmarked
class TwinBundleTest {
  private static final MergePlanner.Options OPTIONS =
      new MergePlanner.Options(Numerics.ACCURATE, 0, MergePlanner.Options.SHARD_BYTES);
  private static final String TALL = "model.layers.0.mlp.up_proj.weight";
  private static final String WIDE = "model.layers.0.mlp.down_proj.weight";
  private static final String NORM = "model.norm.weight";
  private static final Offset<Double> CLOSE = Offset.offset(2e-6);

  @TempDir Path dir;

  @BeforeEach
  void writeModels() {
    for (String name : List.of("base", "m0", "m1")) {
      TinyCheckpoint weights = new TinyCheckpoint();
      SplittableRandom random = new SplittableRandom(name.hashCode());
      weights.add(TALL, "F32", new long[] {24, 7}, values(random, 24 * 7));
      weights.add(WIDE, "F32", new long[] {7, 24}, values(random, 7 * 24));
      weights.add(NORM, "F32", new long[] {7}, values(random, 7));
      weights.add("steps", "I64", new long[] {1}, name.hashCode());
      weights.writeModel(dir.resolve(name), Family.CONFIG);
    }
  }

  private static double[] values(SplittableRandom random, int n) {
    return random.doubles(n, -1, 1).map(v -> (float) v).toArray();
  }

  private String recipe(String weights, String extensions) {
    return """
    merge_method: twin_merging
    base_model: DIR/base
    models:
      - {model: DIR/m0, parameters: {weight: W0}}
      - {model: DIR/m1, parameters: {weight: W1}}
    parameters: {normalize: false, scaling: 0.3, lambda: 0.75}
    weightloom: {EXTENSIONS}
    """
        .replace("DIR", dir.toString())
        .replace("W0", weights.split(" ")[0])
        .replace("W1", weights.split(" ")[1])
        .replace("EXTENSIONS", extensions);
  }

  private Path bundle(String recipe) {
    BundleJob job =
        new BundleJob(
            RecipeYaml.parse("r.yml", recipe),
            OPTIONS,
            MergeRequest.BLOCK_ELEMENTS,
            MergeRequest.Progress.NONE);
    Path out = dir.resolve("bundle");
    job.run(LocalSpark.get(), out, false, true, job.prepare(true));
    return out;
  }

  private double[] merged(String recipe, String tensor) {
    Path out = dir.resolve("merged");
    Merging.of(recipe).overwriting().into(out);
    return SavedModel.read(out).get(tensor).values();
  }

  @ParameterizedTest
  @CsvSource({"m0, 1 0, 0.5", "m1, 0 1, 0.5", "m1, 0 1, 0", "m0, 1 0, 0.9"})
  void aModelIsTheSharedExpertAndItsOwn(String model, String weights, String maskRate) {
    String extensions = "mask_rate: " + maskRate;
    Path bundle = bundle(recipe("1 1", extensions));
    RecipeYaml yaml = BundleJob.unpacking(bundle, model, null);
    Path out = dir.resolve("unpacked");
    MergeRequest request =
        new MergeRequest(
            yaml, out, OPTIONS, false, MergeRequest.BLOCK_ELEMENTS, MergeRequest.Progress.NONE);

    BundleJob.unpack(LocalSpark.get(), bundle, request, PreparedMerge.of(yaml.recipe(), OPTIONS));

    for (String tensor : List.of(TALL, WIDE, NORM)) {
      assertThat(SavedModel.read(out).get(tensor).values())
          .as(tensor)
          .containsExactly(merged(recipe(weights, extensions), tensor), CLOSE);
    }
    assertThat(SavedModel.read(out).get("steps").data())
        .isEqualTo(SavedModel.read(dir.resolve("base")).get("steps").data());
    assertThat(VerifyJob.run(out.toString()).problems()).isEmpty();
    assertThat(out.resolve("config.json")).exists();
  }

  @Test
  void expertsAreMixedByTheRoutersWeights() {
    Path bundle = bundle(recipe("1 1", "mask_rate: 0.5"));
    String folded =
        "{merge_method: passthrough, models: [{model: B/shared+B/experts/m0*0.7+B/experts/m1*0.25}]}"
            .replace("B/", bundle + "/");

    for (String tensor : List.of(TALL, WIDE, NORM)) {
      assertThat(merged(folded, tensor))
          .containsExactly(merged(recipe("0.7 0.25", "mask_rate: 0.5"), tensor), CLOSE);
    }
  }

  @Test
  void aBundleHoldsTheSharedExpertAndFactors() {
    Path bundle = bundle(recipe("1 1", "mask_rate: 0.5"));

    assertThat(bundle.toFile().list())
        .containsExactlyInAnyOrder("bundle.json", "shared", "experts");
    Path expert = bundle.resolve("experts/m1");
    assertThat(expert.toFile().list())
        .containsExactlyInAnyOrder(
            "adapter_config.json", "adapter_model.safetensors", Manifest.FILE);
    String module = "base_model.model.model.layers.0.mlp.";
    assertThat(SavedModel.read(expert.resolve("adapter_model.safetensors")).keySet())
        .containsExactlyInAnyOrder(
            module + "up_proj.lora_A.weight",
            module + "up_proj.lora_B.weight",
            module + "down_proj.lora_A.weight",
            module + "down_proj.lora_B.weight",
            "base_model.model." + NORM);
    assertThat(VerifyJob.run(bundle.resolve("shared").toString()).problems()).isEmpty();
  }

  @Test
  void whatHasNoFactorsIsRefused() {
    assertThatThrownBy(() -> bundle(recipe("1 1", "compress: magnitude")))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("compress: magnitude leaves none (set compress: svd)");
    assertThatThrownBy(
            () -> BundleJob.unpacking(bundle(recipe("1 1", "mask_rate: 0.5")), "m0", "base"))
        .hasMessageContaining("has no base of its own");
    assertThat(dir.resolve("bundle/vector")).doesNotExist();
  }
}
