package io.weightloom.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.io.safetensors.Profile;
import io.weightloom.job.Family;
import io.weightloom.job.SavedModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connector.expressions.Expression;
import org.apache.spark.sql.connector.expressions.Expressions;
import org.apache.spark.sql.connector.expressions.filter.Predicate;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What Spark is told of a scan, and which filters it hands down. */
@NullUnmarked
class ScanPlanTest {
  @TempDir static Path zoo;
  private static SparkSession spark;

  @BeforeAll
  static void writeModels() {
    Family.write(zoo, "BF16");
    spark = Session.get();
  }

  private static Dataset<Row> small(String model) {
    return Session.small(zoo.resolve(model));
  }

  private static String path(String model) {
    return zoo.resolve(model).toString();
  }

  @Test
  void bytesReadAreThoseOfTheRowsThatPassAnyFilter() {
    Session.Traffic all = Session.during(() -> small("base").select("data").collectAsList());
    assertThat(all.bytesRead).isEqualTo(2 * (16 * 6 * 2 + 9 * 7 * 2 + 14 + 6) + 8 * 3);
    // A filter that Spark keeps to itself: the row is there, its data is not read.
    Dataset<Row> some = small("base").where("size(shape) = 1 and dtype = 'BF16'");
    assertThat(Session.plan(some.select("data"))).contains("size(shape");
    assertThat(Session.during(() -> some.select("data").collectAsList()).bytesRead)
        .isEqualTo(2 * (14 + 6));
    assertThat(
            Session.during(() -> small("base").drop("data", "digest", "stats").collectAsList())
                .bytesRead)
        .isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "tensor = 'lm_head.weight'|1",
        "tensor in ('lm_head.weight', 'model.norm.weight', 'none')|2",
        "layer = 1|2",
        "layer is null|3",
        "layer is not null and layer < 1|3",
        "not (layer = 0)|2",
        "layer <=> null|3",
        "layer = 0 or tensor like 'lm%'|4",
        "role like '%proj.weight'|2",
        "role like '%layer%'|2",
        "dtype = 'I64'|1",
        "dtype <> 'BF16'|1",
        "model = 'base'|8",
        "model = 'other'|0",
        "layer in (1, null)|2",
        "5 > layer|5",
        "count >= 14 and tensor <> 'lm_head.weight'|2",
        "block = 1|4",
        "block = 1 and layer = 0|1",
        "block > 0 or layer = 1|5",
        "not (block = 0 or layer = 0)|1",
        "encoding = 'raw' and revision is null|8",
        "revision is not null|0",
        "file_begin > 0 and file like '%/base/%'|8",
      })
  void filtersAreAnsweredByHeaders(String filter, int tensors) {
    Dataset<Row> rows = small("base");
    Dataset<Row> scanned = rows.where(filter).select("tensor", "block", "layer", "count");
    String plan = Session.plan(scanned);
    assertThat(plan).doesNotContain("Filter (").contains("Partitions: " + tensors + " by tensor");
    // The same filter over rows that are no source's.
    Dataset<Row> copied =
        spark.createDataFrame(rows.drop("stats").collectAsList(), rows.drop("stats").schema());
    assertThat(scanned.collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            copied.where(filter).select("tensor", "block", "layer", "count").collectAsList());
  }

  @Test
  void filtersThatHeadersCannotAnswerStayWithSpark() {
    Dataset<Row> rows = small("base").where("length(data) = 8 and layer = 0").select("tensor");
    assertThat(Session.plan(rows))
        .contains("Filter (")
        .contains("PushedFilters: [layer IS NOT NULL, layer = 0]");
    assertThat(small("base").where("stats.zeros > 1000").count()).isZero();
    assertThat(small("base").where("digest is null").count()).isZero();
    assertThat(small("base").where("shape[0] = 9").select("tensor").distinct().count())
        .isEqualTo(2);
  }

  @Test
  void explainSaysWhatWasPushed() {
    small("base").createOrReplaceTempView("planned");
    Row said =
        spark
            .sql(
                "explain select tensor from (select * from planned where dtype = 'BF16' and tensor like 'lm%')")
            .head();
    assertThat(said.getString(0))
        .contains("BatchScan checkpoint base[tensor")
        .contains("dtype = 'BF16'")
        .contains("tensor LIKE 'lm%'")
        .contains("ReadsData: false");
  }

  @Test
  void partitionsAreOfASizeWhereNoTensorIsNamed() {
    assertThat(Session.plan(small("base").select("data"))).contains("Partitions: 1 by size");
    assertThat(Session.plan(small("base").select("tensor", "data")))
        .contains("Partitions: 8 by tensor");
    Dataset<Row> split =
        spark
            .read()
            .format("checkpoint")
            .option("blockSize", "32")
            .option("splitSize", "100")
            .load(path("base"));
    assertThat(Session.plan(split.select("tensor", "data"))).contains("by size");
    assertThat(split.select("tensor", "data").rdd().getNumPartitions()).isBetween(7, 12);
    assertThat(Session.tensors(split).get("lm_head.weight"))
        .isEqualTo(SavedModel.read(zoo.resolve("base")).get("lm_head.weight").data());
  }

  @Test
  void statisticsOfTheScanReachTheOptimizer() {
    Dataset<Row> cheap = small("base").select("tensor");
    Dataset<Row> dear = small("base").select("tensor", "data");
    var cheapStats =
        ((org.apache.spark.sql.classic.Dataset<Row>) cheap)
            .queryExecution()
            .optimizedPlan()
            .stats();
    var dearStats =
        ((org.apache.spark.sql.classic.Dataset<Row>) dear).queryExecution().optimizedPlan().stats();
    assertThat(cheapStats.rowCount().get().toLong()).isEqualTo(30);
    assertThat(dearStats.sizeInBytes().toLong() - cheapStats.sizeInBytes().toLong())
        .isBetween(600L, 800L);
  }

  @Test
  void aCatalogsTableOpensOnlyTheModelsThatAFilterLetsPass() {
    CheckpointTable table =
        CheckpointTable.of(
            "zoo.blocks",
            () ->
                List.of(
                    new SourceModel("org/a", null, path("a"), Profile.REFERENCE),
                    new SourceModel("gone", null, path("gone"), Profile.REFERENCE)));
    CheckpointScanBuilder scan =
        (CheckpointScanBuilder)
            table.newScanBuilder(new CaseInsensitiveStringMap(Map.of("blocksize", "32")));
    Predicate isA =
        new Predicate(
            "=", new Expression[] {Expressions.column("model"), Expressions.literal("org/a")});
    assertThat(scan.pushPredicates(new Predicate[] {isA})).isEmpty();
    CheckpointScan built = (CheckpointScan) scan.build();
    assertThat(built.estimateStatistics().numRows()).hasValue(30);
    assertThat(built.planInputPartitions()).hasSize(8);
    assertThat(built.description()).startsWith("zoo.blocks, 8 tensors, 30 blocks of 700 B");
    assertThatThrownBy(() -> table.newScanBuilder(CaseInsensitiveStringMap.empty()).build())
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("/gone: there is no such file");
    assertThatThrownBy(
            () -> table.newScanBuilder(new CaseInsensitiveStringMap(Map.of("aligned", "true"))))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("Cannot read zoo.blocks aligned");
  }
}
