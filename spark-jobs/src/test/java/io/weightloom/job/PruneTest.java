package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.error.WeightloomException;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.job.SavedModel.Stored;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Models pruned on Spark: the same for any cut, with masks and tables. */
@org.jspecify.annotations.NullUnmarked
class PruneTest {
  private static final String LARGE = "model.layers.0.large.weight";

  /** A little more than eight grains, so that masks are cut too. */
  private static final long[] SHAPE = {9, (1 << 20) + 77};

  @TempDir Path dir;

  @BeforeEach
  void writeModel() {
    TinyCheckpoint weights = Family.weights("a", "BF16");
    Family.add(weights, "a", "BF16", LARGE, SHAPE);
    weights.writeModel(dir.resolve("a"), Family.CONFIG);
    Family.weights("b", "F32").writeModel(dir.resolve("b"), Family.CONFIG);
    norms(1).write(dir.resolve("norms.safetensors"));
  }

  private static TinyCheckpoint norms(double least) {
    TinyCheckpoint norms = new TinyCheckpoint();
    for (int layer = 0; layer < 2; layer++) {
      norms.add(Family.UP.formatted(layer), "F32", new long[] {7}, 1, 2, 3, least, 5, 6, 7);
    }
    return norms;
  }

  private Merging pruning(String model, String method, String sparsity, String extra) {
    return Merging.of(
        """
        merge_method: %s
        models: [{model: DIR/%s}]
        %s
        weightloom: {%s}
        """
            .formatted(
                method,
                model,
                sparsity.isEmpty() ? "" : "parameters: {sparsity: " + sparsity + "}",
                extra)
            .replace("DIR", dir.toString()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "magnitude_pruning|0.6|scope: model",
        "magnitude_pruning|0.6|scope: tensor",
        "magnitude_pruning|0.6|scope: row",
        "magnitude_pruning|0.6|scope: model, output: packed",
        "magnitude_pruning|0.3|scope: model, output: packed, targets: all",
        "nm_pruning||n: 1, m: 4, output: packed",
      })
  void howTheWorkIsCutDoesNotMatter(String method, String sparsity, String extra) {
    Merging pruning = pruning("a", method, sparsity == null ? "" : sparsity, extra);
    pruning.cut(new WorkPlan.Cut(1L << 40, 1L << 40)).into(dir.resolve("whole"));
    pruning.cut(new WorkPlan.Cut(1, 0)).blockElements(4096).into(dir.resolve("cut"));

    assertThat(dir.resolve("cut/model.safetensors"))
        .hasSameBinaryContentAs(dir.resolve("whole/model.safetensors"));
    assertThat(dir.resolve("cut").resolve(Manifest.FILE))
        .hasSameBinaryContentAs(dir.resolve("whole").resolve(Manifest.FILE));
  }

  @Test
  void masksAreWhatIsKeptBitByBitAndVerify() throws IOException {
    pruning("a", "magnitude_pruning", "0.5", "scope: model").into(dir.resolve("sparse"));
    pruning("a", "magnitude_pruning", "0.5", "scope: model, output: packed")
        .into(dir.resolve("masks"));
    Map<String, Stored> weights = SavedModel.read(dir.resolve("sparse"));
    Map<String, Stored> masks = SavedModel.read(dir.resolve("masks"));

    long kept = 0;
    for (String name : List.of(LARGE, Family.UP.formatted(0), Family.UP.formatted(1))) {
      double[] values = weights.get(name).values();
      byte[] bits = masks.get(name).data();
      assertThat(masks.get(name).dtype()).isEqualTo("U8");
      assertThat(bits).hasSize((values.length + 7) / 8);
      for (int i = 0; i < values.length; i++) {
        boolean one = (bits[i / 8] >> (i % 8) & 1) == 1;
        kept += one ? 1 : 0;
        // A weight that was 0 may be kept.
        assertThat(one || values[i] == 0).isTrue();
      }
    }
    long n = SHAPE[0] * SHAPE[1] + 2 * 63;
    assertThat(kept).isEqualTo(n - n / 2);
    JsonNode manifest =
        new ObjectMapper().readTree(Files.readAllBytes(dir.resolve("sparse/" + Manifest.FILE)));
    long recorded = 0;
    for (String name : List.of(LARGE, Family.UP.formatted(0), Family.UP.formatted(1))) {
      recorded += manifest.get("tensors").get(name).get("kept").get(0).asLong();
    }
    assertThat(recorded).isEqualTo(kept);
    assertThat(VerifyJob.run(dir.resolve("masks").toString()).problems()).isEmpty();
    assertThat(VerifyJob.run(dir.resolve("sparse").toString()).problems()).isEmpty();
    assertThat(dir.resolve("masks/config.json")).doesNotExist();
  }

  @Test
  void masksAsATableHoldTheSameBitsRowByRow() {
    Merging packed = pruning("b", "magnitude_pruning", "0.5", "output: packed");
    packed.into(dir.resolve("masks"));
    Merging weights = pruning("b", "magnitude_pruning", "0.5", "");
    io.weightloom.plan.MergePlanner.Options options =
        new io.weightloom.plan.MergePlanner.Options(
            packed.numerics(), 0, io.weightloom.plan.MergePlanner.Options.SHARD_BYTES);
    PruneJob.Written written =
        PruneJob.of(
                request(weights, dir.resolve("sparse"), options),
                PruneJob.Format.DENSE,
                request(packed, dir.resolve("table"), options),
                PruneJob.MaskFormat.PARQUET)
            .run(LocalSpark.get());

    Map<String, Stored> masks = SavedModel.read(dir.resolve("masks"));
    List<org.apache.spark.sql.Row> rows =
        org.apache.spark.sql.SparkSession.builder()
            .sparkContext(LocalSpark.get())
            .getOrCreate()
            .read()
            .parquet(dir.resolve("table").toString())
            .where("tensor = '" + Family.UP.formatted(1) + "'")
            .collectAsList();

    assertThat(rows).hasSize(1);
    byte[] bits = rows.get(0).getAs("bits");
    byte[] flat = masks.get(Family.UP.formatted(1)).data();
    assertThat(bits).hasSize(9);
    for (int r = 0; r < 9; r++) {
      for (int c = 0; c < 7; c++) {
        int i = r * 7 + c;
        assertThat(bits[r] >> c & 1).isEqualTo(flat[i / 8] >> (i % 8) & 1);
      }
      assertThat(bits[r] >> 7 & 1).isZero();
    }
    assertThat(rows.get(0).<Long>getAs("kept")).isEqualTo(32);
    assertThat(rows.get(0).<Long>getAs("row_end")).isEqualTo(9);
    // Of 126 weights of two layers 62 went, 31 of each.
    assertThat(written.counts()).isEqualTo(new PrunedCounts(2, 126, 62));
    assertThat(dir.toFile().list())
        .containsExactlyInAnyOrder("a", "b", "norms.safetensors", "masks", "sparse", "table");
  }

  private static MergeRequest request(
      Merging merging, Path out, io.weightloom.plan.MergePlanner.Options options) {
    RecipeYaml yaml = RecipeYaml.parse("recipe.yml", merging.recipe());
    return new MergeRequest(yaml, out, options, false, 1 << 16, Progress.NONE);
  }

  private String card(String model) throws IOException {
    return Files.readString(dir.resolve(model).resolve("README.md"));
  }

  @Test
  void theCardSaysWhatWasPrunedAndHow() throws IOException {
    pruning("b", "magnitude_pruning", "0.5", "").into(dir.resolve("sparse"));
    pruning("b", "magnitude_pruning", "0.5", "output: packed").into(dir.resolve("masks"));

    assertThat(card("sparse"))
        .startsWith(
            "---\nbase_model:\n- \"" + dir.resolve("b") + "\"\nlibrary_name: transformers\n")
        .contains(
            "tags:\n- pruned\n- weightloom\n---\n\n# sparse\n\nA pruning by `magnitude_pruning`, made",
            ": 62 of 126 weights (49.21 %) of 2 tensors were set to 0.\n\n- " + dir.resolve("b"),
            "| mlp.up_proj.weight | 2 | 126 | 62 | 49.21 % |\n",
            "```yaml\nmerge_method: magnitude_pruning\n")
        .doesNotContain("merge\n", "A merge");
    assertThat(card("masks"))
        .contains("The mask of a pruning by `magnitude_pruning`", "62 of 126 weights");
  }

  @Test
  void theCardOfATicketSaysWhoseTheMaskIs() throws IOException {
    Family.weights("c", "F32").writeModel(dir.resolve("c"), Family.CONFIG);
    Merging.of(
            "merge_method: magnitude_pruning\nmodels: [{model: DIR/b}, {model: DIR/c}]\nparameters: {sparsity: 0.5}\n"
                .replace("DIR", dir.toString()))
        .into(dir.resolve("ticket"));

    assertThat(card("ticket"))
        .contains(
            "The first of these models said which, the weights are those of the last:\n\n- "
                + dir.resolve("b")
                + "\n- "
                + dir.resolve("c"));
  }

  @Test
  void structuredPruningIsCountedInTheCard() throws IOException {
    pruning("b", "structured_pruning", "0.34", "unit: rows").into(dir.resolve("sparse"));

    // Three of nine rows of seven, in each of two layers.
    assertThat(card("sparse")).contains("42 of 126 weights (33.33 %) of 2 tensors");
  }

  @Test
  void aMergeThatIsNoPruningHasPrunedNothing() {
    MergeResult result = pruning("b", "passthrough", "", "").into(dir.resolve("copy"));

    assertThat(PrunedCounts.of(result)).isEqualTo(new PrunedCounts(0, 0, 0));
  }

  @Test
  void masksAreCombinedAndCompared() {
    pruning("b", "magnitude_pruning", "0.5", "output: packed").into(dir.resolve("half"));
    pruning("b", "magnitude_pruning", "0.25", "output: packed").into(dir.resolve("most"));
    MaskDir half = MaskDir.open(dir.resolve("half").toString());
    MaskDir most = MaskDir.open(dir.resolve("most").toString());

    MaskAlgebra.Agreement up = ofUp(MaskAlgebra.compare(half, most));

    // Of 63 weights 31 go, or 15; what half keeps, most keeps.
    assertThat(up.overlap()).isEqualTo(1);
    assertThat(up.keptA()).isEqualTo(32);
    assertThat(up.keptB()).isEqualTo(48);
    assertThat(up.jaccard()).isEqualTo(32 / 48.0);
    assertThat(up.agreement()).isEqualTo(1 - 16 / 63.0);

    MaskAlgebra.combine(
        MaskAlgebra.Operation.EXCLUSIVE, List.of(most, half), dir.resolve("extra"), false);
    MaskDir extra = MaskDir.open(dir.resolve("extra").toString());
    assertThat(ofUp(MaskAlgebra.compare(extra, half)).both()).isZero();
    assertThat(ofUp(MaskAlgebra.compare(extra, most)).keptA()).isEqualTo(16);
    MaskAlgebra.combine(
        MaskAlgebra.Operation.UNION, List.of(extra, half), dir.resolve("union"), false);
    assertThat(SavedModel.read(dir.resolve("union")).get(Family.UP.formatted(1)).data())
        .isEqualTo(SavedModel.read(dir.resolve("most")).get(Family.UP.formatted(1)).data());
  }

  private static MaskAlgebra.Agreement ofUp(List<MaskAlgebra.Agreement> rows) {
    return rows.stream()
        .filter(r -> r.tensor().equals(Family.UP.formatted(0)))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aModelIsNoMask() {
    assertThatThrownBy(() -> MaskDir.open(dir.resolve("a").toString()))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("its metadata name no shapes");
  }

  @Test
  void wandaReadsOneNormAColumn() {
    Merging wanda =
        pruning(
            "b", "wanda", "0.5", "side_tables: {norms: " + dir.resolve("norms.safetensors") + "}");
    wanda.into(dir.resolve("sparse"));

    double[] dense = SavedModel.read(dir.resolve("b")).get(Family.UP.formatted(0)).values();
    double[] sparse = SavedModel.read(dir.resolve("sparse")).get(Family.UP.formatted(0)).values();
    double[] norms = {1, 2, 3, 1, 5, 6, 7};
    for (int r = 0; r < 9; r++) {
      int row = r * 7;
      double leastKept = Double.POSITIVE_INFINITY;
      double mostPruned = 0;
      int pruned = 0;
      for (int c = 0; c < 7; c++) {
        double score = Math.abs(dense[row + c]) * norms[c];
        boolean gone = sparse[row + c] == 0;
        pruned += gone ? 1 : 0;
        leastKept = gone ? leastKept : Math.min(leastKept, score);
        mostPruned = gone ? Math.max(mostPruned, score) : mostPruned;
      }
      assertThat(pruned).isEqualTo(3);
      assertThat(mostPruned).isLessThanOrEqualTo(leastKept * (1 + 1e-6));
    }
    assertThat(VerifyJob.run(dir.resolve("sparse").toString()).problems()).isEmpty();
  }

  @Test
  void badNormsAreAnErrorThatNamesTableTensorAndElement() throws IOException {
    norms(-1).write(dir.resolve("norms.safetensors"));
    String table = "side_tables: {norms: " + dir.resolve("norms.safetensors") + "}";

    assertThatThrownBy(() -> pruning("b", "wanda", "0.5", table).into(dir.resolve("out")))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("norms holds -1.0 at element 3 of model.layers.")
        .hasMessageContaining("none may be negative");
    assertThatThrownBy(() -> pruning("a", "wanda", "0.5", table).into(dir.resolve("out")))
        .hasMessageContaining("Cannot prune " + LARGE + ": the table norms lacks it");
    assertThat(dir.resolve("out")).doesNotExist();
  }

  @Test
  void owlSharesOutByLayerAndLampByThreshold() {
    io.weightloom.io.ModelDir model =
        io.weightloom.io.ModelDir.open(
            dir.resolve("b").toString(), io.weightloom.io.safetensors.Profile.REFERENCE);
    PruneBudgets budgets = new PruneBudgets(model, PruneRecipe.prunable(model, "layers"), 0.5);

    Map<String, Double> owl =
        budgets.owl(
            LocalSpark.get(), dir.resolve("norms.safetensors").toString(), 0.08, 3, Progress.NONE);
    Map<String, Long> lamp = budgets.lamp(LocalSpark.get(), Progress.NONE);

    assertThat(owl.keySet()).isEqualTo(Set.of(Family.UP.formatted(0), Family.UP.formatted(1)));
    assertThat(owl.values().stream().mapToDouble(s -> s).average().orElseThrow())
        .isCloseTo(0.5, org.assertj.core.data.Offset.offset(1e-12));
    assertThat(lamp.values().stream().mapToLong(p -> p).sum()).isEqualTo(63);
  }
}
