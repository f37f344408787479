package io.weightloom.job;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.job.SavedModel.Stored;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.merge.Numerics;
import io.weightloom.testkit.Seeds;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How the work is cut, and by whom it is done, never shows in the output. */
@NullUnmarked
class SameBytesTest {
  private static final WorkPlan.Cut WHOLE = new WorkPlan.Cut(1L << 40, 1L << 40);
  private static final WorkPlan.Cut GRAINS = new WorkPlan.Cut(1, 0);

  /** Two grains and a bit. */
  private static final long[] LARGE = {2, (1 << 20) + 77};

  private static final String SCOPED = "weightloom: {scope: model}";
  private static final String REFERENCE = "weightloom: {variant: reference}";

  @TempDir static Path zoo;
  @TempDir Path dir;

  @BeforeAll
  static void writeModels() {
    for (String model : List.of("base", "a", "b")) {
      TinyCheckpoint weights = Family.weights(model, "BF16");
      Family.add(weights, model, "BF16", "model.layers.1.large.weight", LARGE);
      Family.add(weights, model, "F32", "model.layers.1.wide.weight", 1, (1 << 20) + 1);
      weights.add("model.layers.1.bytes", "U8", new long[] {3_000_001}, new byte[3_000_001]);
      weights.writeModel(zoo.resolve(model), Family.CONFIG);
    }
  }

  private static Merging merging(String method, String density, String extra) {
    String parameters = density.isEmpty() ? "" : "parameters: {density: " + density + "}\n";
    return Merging.of(Family.recipe(zoo, method, parameters + extra));
  }

  private record Written(Map<String, Stored> tensors, JsonNode manifest) {}

  private Written run(Merging merging, int cores, String name) throws IOException {
    Path out = dir.resolve(name);
    merging.into(out, LocalSpark.on(cores));
    ObjectNode manifest =
        (ObjectNode) new ObjectMapper().readTree(Files.readAllBytes(out.resolve(Manifest.FILE)));
    manifest.remove("files");
    return new Written(SavedModel.read(out), manifest);
  }

  private static void assertSame(Written actual, Written expected) {
    assertThat(actual.tensors().keySet()).isEqualTo(expected.tensors().keySet());
    expected
        .tensors()
        .forEach(
            (name, tensor) -> {
              Stored found = actual.tensors().get(name);
              assertThat(found.dtype()).as(name).isEqualTo(tensor.dtype());
              assertThat(found.shape()).as(name).isEqualTo(tensor.shape());
              assertThat(found.data()).as(name).isEqualTo(tensor.data());
            });
    assertThat(actual.manifest()).isEqualTo(expected.manifest());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "linear||",
        "task_arithmetic||",
        "ties|0.3|",
        "ties|0.3|" + SCOPED,
        "ties|0.3|" + REFERENCE,
        "dare_linear|0.4|",
        "dare_ties|0.4|",
        "dare_ties|0.4|weightloom: {variant: paper}",
      })
  void surveysOfManyTasksFindWhatOneTaskFinds(String method, String density, String extra)
      throws IOException {
    Merging merging = merging(method, density == null ? "" : density, extra == null ? "" : extra);

    Written whole = run(merging.cut(WHOLE), 2, "whole");
    Written cut = run(merging.cut(GRAINS), 2, "cut");

    assertSame(cut, whole);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void coresDoNotMatter(int cores) throws IOException {
    Merging merging = merging("ties", "0.3", SCOPED).seed(5);

    assertSame(run(merging.cut(GRAINS), cores, "some"), run(merging, 2, "two"));
  }

  @ParameterizedTest
  @ValueSource(ints = {1 << 11, 1 << 14, 1 << 20})
  void blocksDoNotMatter(int blockElements) throws IOException {
    Merging merging = merging("dare_ties", "0.4", "").seed(6);

    assertSame(run(merging.blockElements(blockElements), 2, "some"), run(merging, 2, "default"));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 200, 5_000_000})
  void shardsDoNotMatter(long shardBytes) throws IOException {
    Merging merging = merging("ties", "0.3", "").seed(7);

    Written sharded = run(merging.shardBytes(shardBytes), 2, "sharded");

    assertThat(sharded.tensors().values().stream().map(Stored::file).distinct())
        .hasSizeGreaterThan(1);
    assertSame(sharded, run(merging, 2, "single"));
  }

  @ParameterizedTest
  @Seeds(8)
  void nothingOfTheseMatters(long seed) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    List<String> methods = List.of("linear", "ties", "dare_ties", "dare_linear");
    String method = methods.get(random.nextInt(methods.size()));
    String density = method.equals("linear") ? "" : "" + (0.05 + 0.9 * random.nextDouble());
    String extra = method.endsWith("ties") && random.nextBoolean() ? SCOPED : "";
    Merging merging =
        merging(method, density, extra)
            .seed(random.nextLong())
            .numerics(random.nextBoolean() ? Numerics.ACCURATE : Numerics.MERGEKIT);
    Merging other =
        merging
            .cut(List.of(WHOLE, GRAINS, WorkPlan.Cut.DEFAULT).get(random.nextInt(3)))
            .blockElements(1 << (11 + random.nextInt(10)))
            .shardBytes(1 + random.nextLong(8_000_000));

    assertSame(run(other, 2, "other"), run(merging, 2, "default"));
  }

  @Test
  void scalarKernelsWriteWhatVectorKernelsWrite() throws Exception {
    KernelRegistry kernels = KernelRegistry.get();
    assumeThat(kernels.kernels().name())
        .as("the kernels of this JVM, which answered %s", kernels.answers())
        .isEqualTo("vector");
    Merging merging = merging("dare_ties", "0.4", "");
    merging.into(dir.resolve("vector"));

    ForkedMerge.run(
        "scalar", Family.file(dir.resolve("recipe.yml"), merging.recipe()), dir.resolve("scalar"));

    Map<String, byte[]> scalar = bytes(dir.resolve("scalar"));
    Map<String, byte[]> vector = bytes(dir.resolve("vector"));
    assertThat(scalar.keySet()).isEqualTo(vector.keySet());
    scalar.forEach((name, data) -> assertThat(vector.get(name)).as(name).isEqualTo(data));
  }

  private static Map<String, byte[]> bytes(Path model) {
    return SavedModel.read(model).entrySet().stream()
        .collect(toMap(Map.Entry::getKey, e -> e.getValue().data()));
  }
}
