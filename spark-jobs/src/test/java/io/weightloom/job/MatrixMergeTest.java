package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.error.WeightloomException;
import io.weightloom.job.SavedModel.Stored;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.Gram;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.Numerics;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Methods that see whole matrices, run as jobs. */
@NullUnmarked
class MatrixMergeTest {
  private static final String UP = Family.UP.formatted(0);
  private static final String NORM = "model.norm.weight";

  @TempDir static Path zoo;
  @TempDir Path dir;

  @BeforeAll
  static void writeModels() {
    Family.write(zoo, "F32");
  }

  private static String recipe(String method, String extra) {
    return """
        merge_method: %s
        base_model: ZOO/base
        models: [{model: ZOO/a}, {model: ZOO/b}]
        """
            .formatted(method)
            .replace("ZOO", zoo.toString())
        + extra
        + "\n";
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

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "tsv_m|",
        "iso_c|parameters: {lambda: 1.5}",
        "iso_cts|weightloom: {variant: fusionbench}",
        "knots|",
        "wudi|weightloom: {iterations: 20}",
        "wudi|weightloom: {variant: closed_form}",
        "twin_merging|weightloom: {mask_rate: 0.5}",
        "twin_merging|weightloom: {variant: magnitude}",
      })
  void bytesDoNotDependOnCoresBlocksOrShards(String method, String extra) throws IOException {
    Merging merging = Merging.of(recipe(method, extra == null ? "" : extra));
    Written expected = run(merging, 2, "two");

    assertSame(run(merging, 1, "one"), expected);
    assertSame(run(merging.blockElements(1 << 11).shardBytes(300), 3, "three"), expected);
    assertSame(run(merging.cut(new WorkPlan.Cut(1, 0)), 2, "cut"), expected);
    assertThat(VerifyJob.run(dir.resolve("three").toString()).problems()).isEmpty();
    assertThat(expected.manifest().get("linalg").asText()).isEqualTo(LinAlgRegistry.get().name());
  }

  private static void assertSame(Written actual, Written expected) {
    assertThat(actual.manifest()).isEqualTo(expected.manifest());
    assertThat(actual.tensors().keySet()).isEqualTo(expected.tensors().keySet());
    expected
        .tensors()
        .forEach(
            (name, t) ->
                assertThat(actual.tensors().get(name).data()).as(name).isEqualTo(t.data()));
  }

  @Test
  void isotropicMergeHasEqualSingularValuesAndAveragesVectors() throws IOException {
    Written merged = run(Merging.of(recipe("iso_c", "parameters: {lambda: 2}")), 2, "out");
    double[] base = SavedModel.read(zoo.resolve("base")).get(UP).values();
    double[] delta = merged.tensors().get(UP).values();
    Arrays.setAll(delta, i -> delta[i] - base[i]);

    double[] singular = LinAlgRegistry.reference().svd(new Matrix(9, 7, delta)).values();
    double mean = merged.manifest().at("/tensors/" + UP + "/mean_singular_value").asDouble();
    assertThat(mean).isPositive();
    for (double s : singular) {
      assertThat(s).isCloseTo(2 * mean, within(1e-5));
    }
    for (int i = 0; i < 6; i++) {
      double norm = value("base", i);
      double mixed = norm + 2 * ((value("a", i) - norm) + (value("b", i) - norm)) / 2;
      assertThat(merged.tensors().get(NORM).values()[i]).isCloseTo(mixed, within(1e-6));
    }
    assertThat(merged.tensors().get(Family.COUNTER).data())
        .isEqualTo(SavedModel.read(zoo.resolve("base")).get(Family.COUNTER).data());
  }

  /** Values of dev/golden/matrix_methods.py, NumPy 2.4.6. */
  @Test
  void tsvOfALayerWithABiasAveragesTheBias() throws IOException {
    double[][] weights = {{0, 0, 0, 0, 0, 0}, {1, 2, 0, 0, 1, 3}, {2, 0, 1, 1, 1, -1}};
    double[][] biases = {{0, 0}, {1, -2}, {4, 1}};
    String[] names = {"base", "a", "b"};
    for (int k = 0; k < names.length; k++) {
      new TinyCheckpoint()
          .add("model.layers.0.fc.weight", "F32", new long[] {2, 3}, weights[k])
          .add("model.layers.0.fc.bias", "F32", new long[] {2}, biases[k])
          .writeModel(dir.resolve(names[k]), Family.CONFIG);
    }

    Written merged =
        run(
            Merging.of(
                recipe("tsv_m", "parameters: {lambda: 0.5}")
                    .replace(zoo.toString(), dir.toString())),
            2,
            "out");

    assertThat(merged.tensors().get("model.layers.0.fc.weight").values())
        .containsExactly(
            new double[] {
              1.1616189983, 0.0616749707, 0.0374466763, -0.1196542526, 0.7970744189, 1.4229316210
            },
            within(1e-7));
    assertThat(merged.tensors().get("model.layers.0.fc.bias").values())
        .containsExactly(1.25, -0.25);
  }

  private static double value(String model, int i) {
    return SavedModel.read(zoo.resolve(model)).get(NORM).values()[i];
  }

  @Test
  void wudiLeavesEmbeddingsAndNormsToTheBaseUnlessAsked() throws IOException {
    Written merged = run(Merging.of(recipe("wudi", "weightloom: {iterations: 1}")), 2, "base");
    Map<String, Stored> base = SavedModel.read(zoo.resolve("base"));

    assertThat(merged.tensors().get(NORM).data()).isEqualTo(base.get(NORM).data());
    assertThat(merged.tensors().get(Family.EMBEDDING).data())
        .isEqualTo(base.get(Family.EMBEDDING).data());
    assertThat(merged.tensors().get(UP).data()).isNotEqualTo(base.get(UP).data());
  }

  @Test
  void nonFiniteWeightIsAnErrorAndNothingIsLeft() {
    Path models = dir.resolve("zoo");
    Family.write(models, "F32");
    var broken = Family.weights("b", "F32");
    broken.add("model.layers.1.bad.weight", "F32", new long[] {1, 2}, 1, Double.NaN);
    broken.writeModel(models.resolve("b"), Family.CONFIG);
    for (String other : new String[] {"base", "a"}) {
      var sound = Family.weights(other, "F32");
      sound.add("model.layers.1.bad.weight", "F32", new long[] {1, 2}, 1, 2);
      sound.writeModel(models.resolve(other), Family.CONFIG);
    }

    assertThatThrownBy(
            () ->
                Merging.of(recipe("tsv_m", "").replace(zoo.toString(), models.toString()))
                    .into(dir.resolve("out")))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("b holds NaN at element 1 of model.layers.1.bad.weight");
    assertThat(dir.resolve("out")).doesNotExist();
  }

  @Test
  void mergekitsRoundingIsRefused() {
    assertThatThrownBy(
            () ->
                Merging.of(recipe("tsv_m", ""))
                    .numerics(Numerics.MERGEKIT)
                    .into(dir.resolve("out")))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot use the recipe: merge_method: mergekit has no tsv_m, so there is no rounding of it to match (use --numerics accurate)");
  }

  @Test
  void planTellsOfMatricesAndTheirMemory() {
    RecipeYaml yaml = RecipeYaml.parse("recipe.yml", recipe("tsv_m", ""));
    PreparedMerge merge =
        PreparedMerge.of(
            yaml.recipe(),
            new io.weightloom.plan.MergePlanner.Options(Numerics.ACCURATE, 0, 1L << 30));

    assertThat(PlanReport.text(merge, 2, 1 << 18))
        .contains("matrices    4, the largest takes ")
        .contains("linalg      netlib (");
    JsonNode json = PlanReport.json(merge, 2, 1 << 18);
    assertThat(json.get("matrices").asInt()).isEqualTo(4);
    assertThat(json.get("largest_matrix_bytes").asLong()).isPositive();
    assertThat(json.get("linalg").asText()).isEqualTo("netlib");
    assertThat(json.get("reads").asInt()).isEqualTo(3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"tsv_m", "iso_c", "iso_cts", "knots", "wudi"})
  void sixteenBitModelsAreMerged(String method) throws IOException {
    Path models = Family.write(dir.resolve("bf16"), "BF16");
    String recipe = recipe(method, "").replace(zoo.toString(), models.toString());

    Written merged = run(Merging.of(recipe), 2, "out");

    assertThat(merged.tensors().get(UP).dtype()).isEqualTo("BF16");
    assertThat(VerifyJob.run(dir.resolve("out").toString()).problems()).isEmpty();
  }

  private static final String[] LAYERS = {UP, Family.UP.formatted(1)};

  /** Gram matrices of made-up inputs, a file for each model. */
  private Path withGrams(String... tensors) {
    Path models = Family.write(dir.resolve("zoo"), "F32");
    for (String model : new String[] {"a", "b"}) {
      TinyCheckpoint grams = new TinyCheckpoint();
      for (String tensor : tensors) {
        grams.add(tensor, "F64", new long[] {7, 7}, gram(model, tensor).values());
      }
      grams.write(dir.resolve(model + ".safetensors"));
    }
    return models;
  }

  private static Matrix gram(String model, String tensor) {
    Matrix inputs = new Matrix(9, 7, Family.values(model, "inputs of " + tensor, 9, 7));
    return new Gram(LinAlgRegistry.reference(), 7).add(inputs).matrix();
  }

  private Merging regmean(Path models) {
    String grams =
        "weightloom: {side_tables: {grams: {ZOO/a: DIR/a.safetensors, ZOO/b: DIR/b.safetensors}}}";
    return Merging.of(
        recipe("regmean", grams.replace("DIR", dir.toString()).replace("ZOO", zoo.toString()))
            .replace(zoo.toString(), models.toString()));
  }

  @Test
  void regmeanSolvesWhereThereAreGramsAndAveragesElsewhere() throws IOException {
    Path models = withGrams(LAYERS);
    Written merged = run(regmean(models), 2, "two");
    Map<String, Stored> a = SavedModel.read(models.resolve("a/model.safetensors"));
    Map<String, Stored> b = SavedModel.read(models.resolve("b/model.safetensors"));

    Matrix g = gram("a", UP);
    g.add(1, gram("b", UP));
    double[] right = new double[63];
    for (Map<String, Stored> model : List.of(a, b)) {
      Matrix own = gram(model == a ? "a" : "b", UP);
      Matrix weight = new Matrix(9, 7, model.get(UP).values());
      double[] part = LinAlgRegistry.reference().multiply(weight, Op.AS_IS, own, Op.AS_IS).values();
      Arrays.setAll(right, i -> right[i] + part[i]);
    }
    double[] expected =
        LinAlgRegistry.reference().solve(g, new Matrix(9, 7, right)).orElseThrow().values();
    assertThat(merged.tensors().get(UP).values()).containsExactly(expected, within(1e-6));
    for (String other : new String[] {NORM, Family.EMBEDDING}) {
      double[] x = a.get(other).values();
      double[] y = b.get(other).values();
      Arrays.setAll(x, i -> (x[i] + y[i]) / 2);
      assertThat(merged.tensors().get(other).values()).containsExactly(x, within(1e-6));
    }
    assertThat(merged.manifest().at("/side_tables/0/tensors_read").asInt()).isEqualTo(2);
    assertSame(
        run(regmean(models).cut(new WorkPlan.Cut(1, 0)).shardBytes(300), 3, "three"), merged);
  }

  @Test
  void regmeanSaysWhichGramsAreMissingOrDoNotFit() {
    assertThatThrownBy(() -> Merging.of(recipe("regmean", "")).into(dir.resolve("out")))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("weightloom.side_tables.grams: regmean needs this table of ");
    Path models = withGrams(UP);
    Path ofB = dir.resolve("b.safetensors");
    new TinyCheckpoint().add(UP, "F32", new long[] {1, 2}, 1, 2).write(ofB);
    assertThatThrownBy(() -> regmean(models).into(dir.resolve("out")))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("has shape [1, 2], not [7, 7]");
    double[] bad = gram("b", UP).values();
    bad[9] = Double.NaN;
    new TinyCheckpoint().add(UP, "F64", new long[] {7, 7}, bad).write(ofB);
    assertThatThrownBy(() -> regmean(models).into(dir.resolve("out")))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("grams of ")
        .hasMessageContaining("holds NaN at element 9 of " + UP);
    assertThat(dir.resolve("out")).doesNotExist();
  }
}
