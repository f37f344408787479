package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.error.WeightloomException;
import io.weightloom.merge.Numerics;
import io.weightloom.plan.MergePlanner;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.NullUnmarked;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A bundle of packed task vectors gives its models back. */
@NullUnmarked
class FedZipBundleTest {
  private static final MergePlanner.Options OPTIONS = options(MergePlanner.Options.SHARD_BYTES);
  private static final String WEIGHTS = "model.safetensors";
  private static final int LONG = (1 << 20) + 77;

  @TempDir Path dir;

  private static MergePlanner.Options options(long shardBytes) {
    return new MergePlanner.Options(Numerics.ACCURATE, 0, shardBytes);
  }

  /** Numbers whose sums are exact in every dtype, the changes being of six values. */
  private void models(String dtype, String... names) {
    for (String name : names) {
      TinyCheckpoint weights = new TinyCheckpoint();
      add(weights, dtype, name, "long", LONG);
      add(weights, dtype, name, "short", 5);
      weights.add("none", dtype, new long[] {0, 4});
      weights.add("steps", "I64", new long[] {1}, name.hashCode());
      weights.writeModel(dir.resolve(name), "{\"model_type\": \"vit\"}");
    }
  }

  private static void add(TinyCheckpoint to, String dtype, String model, String tensor, int n) {
    SplittableRandom base = new SplittableRandom(1);
    SplittableRandom own = new SplittableRandom(model.hashCode());
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      values[i] = (base.nextInt(16) + 16) / 8.0;
      if (!model.startsWith("base") && own.nextInt(4) == 0) {
        values[i] += (own.nextInt(3) + 1) * (own.nextBoolean() ? 0.125 : -0.125);
      }
    }
    to.add(tensor, dtype, new long[] {n}, values);
  }

  private String recipe(String parameters) {
    return """
    merge_method: fedzip
    base_model: DIR/base
    models: [{model: DIR/m0}, {model: DIR/m1}]
    parameters: %s
    """
        .formatted(parameters)
        .replace("DIR", dir.toString());
  }

  private Path bundle(String name, String recipe, boolean withBase, int block, long shardBytes) {
    BundleJob job =
        new BundleJob(
            RecipeYaml.parse("r.yml", recipe),
            options(shardBytes),
            block,
            MergeRequest.Progress.NONE);
    Path out = dir.resolve(name);
    job.run(LocalSpark.get(), out, false, withBase, job.prepare(withBase));
    return out;
  }

  private Path bundle(String recipe, boolean withBase) {
    return bundle(
        "bundle", recipe, withBase, MergeRequest.BLOCK_ELEMENTS, MergePlanner.Options.SHARD_BYTES);
  }

  private Path unpack(Path bundle, String model, @Nullable String base) {
    RecipeYaml yaml = BundleJob.unpacking(bundle, model, base);
    Path out = dir.resolve("unpacked-" + model);
    MergeRequest request =
        new MergeRequest(
            yaml, out, OPTIONS, false, MergeRequest.BLOCK_ELEMENTS, MergeRequest.Progress.NONE);
    BundleJob.unpack(LocalSpark.get(), bundle, request, PreparedMerge.of(yaml.recipe(), OPTIONS));
    return out;
  }

  @ParameterizedTest
  @ValueSource(strings = {"F32", "BF16"})
  void withCentroidsForAllChangesTheModelsComeBackAsTheyWere(String dtype) {
    models(dtype, "base", "m0", "m1");

    Path bundle = bundle(recipe("{density: 1, centroids: 6}"), true);

    for (String name : List.of("m0", "m1")) {
      Path out = unpack(bundle, name, null);
      for (String tensor : List.of("long", "short", "none")) {
        SavedModel.Stored back = SavedModel.read(out).get(tensor);
        SavedModel.Stored was = SavedModel.read(dir.resolve(name)).get(tensor);
        assertThat(back.dtype()).isEqualTo(dtype);
        assertThat(back.shape()).isEqualTo(was.shape());
        assertThat(back.data()).isEqualTo(was.data());
      }
      assertThat(SavedModel.read(out).get("steps").data())
          .isEqualTo(SavedModel.read(dir.resolve("base")).get("steps").data());
      assertThat(VerifyJob.run(out.toString()).problems()).isEmpty();
      assertThat(out.resolve("config.json")).exists();
    }
  }

  /** What a merge by the same recipe writes, of each model alone. */
  @Test
  void aLossyBundleGivesWhatTheMergeGives() {
    models("F32", "base", "m0", "m1");
    String lossy = recipe("{density: 0.1, centroids: 2}");
    Path bundle = bundle(lossy, false);
    RecipeYaml alone = RecipeYaml.parse("r.yml", lossy.replaceAll(", \\{model: [^}]*m1}", ""));
    Path merged = dir.resolve("merged");
    MergeJob.run(
        LocalSpark.get(),
        new MergeRequest(alone, merged, OPTIONS, false, 1 << 12, MergeRequest.Progress.NONE),
        PreparedMerge.of(alone.recipe(), OPTIONS));

    Path out = unpack(bundle, "m0", null);

    assertThat(SavedModel.read(out).get("long").data())
        .isEqualTo(SavedModel.read(merged).get("long").data())
        .isNotEqualTo(SavedModel.read(dir.resolve("m0")).get("long").data());
  }

  @Test
  void aBundleHoldsCodesAndSaysWhatTheyTake() throws IOException {
    models("F32", "base", "m0", "m1");

    Path bundle = bundle(recipe("{density: 0.125, centroids: 3}"), true);

    assertThat(bundle.toFile().list())
        .containsExactlyInAnyOrder("base", "bundle.json", "codes", "sizes.csv");
    Path codes = bundle.resolve("codes/m0");
    assertThat(codes.toFile().list()).containsExactlyInAnyOrder(WEIGHTS, Manifest.FILE);
    assertThat(VerifyJob.run(codes.toString()).problems()).isEmpty();
    assertThat(SavedModel.read(codes).keySet())
        .containsExactly(
            "long.centroids",
            "long.chunks",
            "long.codes",
            "long.gaps",
            "short.centroids",
            "short.chunks",
            "short.codes",
            "short.gaps");
    String[] sizes = Files.readString(bundle.resolve("sizes.csv")).split("\n");
    assertThat(sizes).hasSize(5);
    assertThat(sizes[0]).isEqualTo("model,tensor,parameters,kept,centroids,bytes,entropy_bytes");
    String[] row = sizes[1].split(",");
    assertThat(row).startsWith("m0", "long", "" + LONG, "" + LONG / 8, "3");
    long bytes = Long.parseLong(row[5]);
    long entropy = Long.parseLong(row[6]);
    // A code of whole bits for each of three values takes a fifth more at most.
    // Places take H(1/8) = 0.5436 bits an element, values at most log2(3)/8 more.
    assertThat(entropy).isBetween((long) (0.5436 * LONG / 8), (long) (0.7418 * LONG / 8));
    assertThat(bytes).isBetween(entropy, entropy + entropy / 5);
  }

  @Test
  void neitherBlocksNorFilesShowInTheCodes() throws IOException {
    models("BF16", "base", "m0", "m1");
    String recipe = recipe("{density: 0.1, centroids: 3}") + "dtype: bfloat16\n";

    Path whole = bundle(recipe, true);
    Path cut = bundle("cut", recipe, true, 1 << 11, 1000);

    for (String name : List.of("m0", "m1")) {
      assertThat(Files.readAllBytes(cut.resolve("codes").resolve(name).resolve(WEIGHTS)))
          .isEqualTo(Files.readAllBytes(whole.resolve("codes").resolve(name).resolve(WEIGHTS)));
    }
  }

  @Test
  void anotherBaseIsRefusedAndNothingStays() throws IOException {
    models("F32", "base", "m0", "m1");
    Path bundle = bundle(recipe("{density: 0.5}"), false);
    TinyCheckpoint other = new TinyCheckpoint();
    add(other, "F32", "other", "long", LONG);
    add(other, "F32", "base", "short", 5);
    other
        .add("none", "F32", new long[] {0, 4})
        .add("steps", "I64", new long[] {1}, "base".hashCode())
        .writeModel(dir.resolve("other"), "{}");

    assertThatThrownBy(() -> unpack(bundle, "m1", dir.resolve("other").toString()))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("other is not the base that it was made on, its long has digest")
        .hasMessageContaining("(give that base by --base)");
    assertThat(dir.resolve("unpacked-m1")).doesNotExist();
    assertThat(unpack(bundle, "m1", dir.resolve("base").toString())).exists();
  }

  @Test
  void damagedCodesAreSaid() throws IOException {
    models("F32", "base", "m0", "m1");
    Path bundle = bundle(recipe("{density: 0.5}"), true);
    Path file = bundle.resolve("codes/m0").resolve(WEIGHTS);
    byte[] bytes = Files.readAllBytes(file);
    java.util.Arrays.fill(bytes, bytes.length - 20_000, bytes.length - 10_000, (byte) 0);
    Files.write(file, bytes);

    assertThatThrownBy(() -> unpack(bundle, "m0", null))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("Cannot unpack")
        .hasMessageContaining("(copy the bundle again, or make it again)");
    assertThat(new ObjectMapper().readTree(bundle.resolve("bundle.json").toFile()).path("models"))
        .hasSize(2);
  }
}
