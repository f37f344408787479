package io.weightloom.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.job.Family;
import io.weightloom.job.SavedModel;
import io.weightloom.testkit.TinyCheckpoint;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several models at once: no block is moved and none is sorted. */
@NullUnmarked
class JoinTest {
  private static final List<Long> NONE = List.of(0L, 0L);

  @TempDir static Path zoo;
  @TempDir Path dir;
  private static SparkSession spark;

  @BeforeAll
  static void writeModels() {
    Family.write(zoo, "BF16");
    spark = Session.get();
  }

  private static String path(String model) {
    return zoo.resolve(model).toString();
  }

  private static Dataset<Row> blocks(String model) {
    return Session.small(zoo.resolve(model));
  }

  private static Dataset<Row> joined(Dataset<Row> a, Dataset<Row> b) {
    a.createOrReplaceTempView("a");
    b.createOrReplaceTempView("b");
    return spark.sql(
        "select a.tensor, a.block, a.offset, a.data as x, b.data as y from a join b"
            + " on a.tensor = b.tensor and a.block = b.block");
  }

  @Test
  void twoModelsAreJoinedWhereTheyAreRead() {
    Dataset<Row> both = joined(blocks("a"), blocks("b"));
    assertThat(Session.plan(both)).contains("SortMergeJoin");
    assertThat(Session.exchangesAndSorts(both)).isEqualTo(NONE);
    Session.Traffic traffic =
        Session.during(
            () -> {
              Map<String, SavedModel.Stored> a = SavedModel.read(zoo.resolve("a"));
              Map<String, byte[]> x = Session.tensors(both.withColumnRenamed("x", "data"));
              assertThat(x).containsOnlyKeys(a.keySet());
              a.forEach((name, t) -> assertThat(x.get(name)).as(name).isEqualTo(t.data()));
              Map<String, SavedModel.Stored> b = SavedModel.read(zoo.resolve("b"));
              Map<String, byte[]> y = Session.tensors(both.withColumnRenamed("y", "data"));
              b.forEach((name, t) -> assertThat(y.get(name)).as(name).isEqualTo(t.data()));
            });
    assertThat(traffic.shuffled).isZero();
  }

  @Test
  void modelsOfDifferentTensorsAreJoinedAllTheSame() {
    Dataset<Row> some = blocks("b").where("layer = 1 or tensor = 'lm_head.weight'");
    Dataset<Row> both = joined(blocks("a"), some);
    assertThat(Session.exchangesAndSorts(both)).isEqualTo(NONE);
    assertThat(Session.column(both.select("tensor").distinct().orderBy("tensor")))
        .containsExactly(
            "lm_head.weight",
            "model.layers.1.input_layernorm.weight",
            "model.layers.1.mlp.up_proj.weight");
  }

  @Test
  void headersOfOneModelAreJoinedWithDataOfAnother() {
    blocks("a").createOrReplaceTempView("a");
    blocks("b").createOrReplaceTempView("b");
    Dataset<Row> both =
        spark.sql("select length(a.data) from a join b using (tensor, block) where b.count > 10");
    assertThat(Session.exchangesAndSorts(both)).isEqualTo(NONE);
    assertThat(both.count()).isPositive();
  }

  @Test
  void joinAndGroupByTensorNeedNoExchange() {
    Dataset<Row> sums = joined(blocks("a"), blocks("b")).groupBy("tensor").count();
    assertThat(Session.exchangesAndSorts(sums)).isEqualTo(NONE);
    assertThat(sums.count()).isEqualTo(8);
  }

  private static Dataset<Row> aligned(String... models) {
    return spark
        .read()
        .format("checkpoint")
        .option("aligned", true)
        .option("blockSize", "32")
        .load(models);
  }

  @Test
  void alignedModelsShareTheirRows() {
    Dataset<Row> rows = aligned(path("base"), path("a"), path("b"));
    assertThat(rows.columns())
        .containsExactly(
            "tensor",
            "role",
            "layer",
            "dtype",
            "shape",
            "block",
            "row_begin",
            "row_end",
            "offset",
            "count",
            "encoding",
            "model0",
            "model1",
            "model2",
            "dtype0",
            "dtype1",
            "dtype2",
            "file0",
            "file1",
            "file2",
            "file_begin0",
            "file_begin1",
            "file_begin2",
            "file_end0",
            "file_end1",
            "file_end2",
            "data0",
            "data1",
            "data2");
    int i = 0;
    for (String model : List.of("base", "a", "b")) {
      Map<String, byte[]> read = Session.tensors(rows.withColumnRenamed("data" + i, "data"));
      SavedModel.read(zoo.resolve(model))
          .forEach((name, t) -> assertThat(read.get(name)).as(model + name).isEqualTo(t.data()));
      assertThat(rows.select("model" + i).distinct().head().getString(0)).isEqualTo(model);
      i++;
    }
  }

  @Test
  void anAlignedScanMovesNothing() {
    Dataset<Row> rows = aligned(path("base"), path("a"), path("b"));
    Dataset<Row> sums =
        rows.selectExpr("tensor", "length(data0) + length(data1) + length(data2) as n")
            .groupBy("tensor")
            .sum("n");
    assertThat(Session.exchangesAndSorts(sums)).isEqualTo(NONE);
    Session.Traffic traffic = Session.during(sums::collectAsList);
    assertThat(traffic.shuffled).isZero();
    assertThat(traffic.bytesRead).isEqualTo(3 * 700);
    // Only the model that is named is read.
    assertThat(Session.during(() -> rows.select("data1").collectAsList()).bytesRead).isEqualTo(700);
  }

  @Test
  void modelsThatAreNotAlikeAreNamed() {
    TinyCheckpoint other = new TinyCheckpoint();
    Family.add(other, "c", "BF16", "lm_head.weight", 16, 6);
    Family.add(other, "c", "BF16", "model.norm.weight", 7);
    Family.add(other, "c", "BF16", "extra", 7);
    String c = other.writeModel(dir.resolve("c"), "").toString();
    assertThatThrownBy(() -> aligned(path("a"), c).count())
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("Cannot align the models")
        .hasMessageContaining("extra is not in a\n")
        .hasMessageContaining("model.norm.weight is BF16 [6] in a, BF16 [7] in c")
        .hasMessageContaining("model.embed_tokens.weight is not in c");
    Dataset<Row> alike =
        spark
            .read()
            .format("checkpoint")
            .option("aligned", true)
            .option("missing", "skip")
            .option("models", path("a") + "," + c)
            .load();
    assertThat(Session.column(alike.select("tensor"))).containsExactly("lm_head.weight");
    assertThat(
            spark
                .read()
                .format("checkpoint")
                .option("aligned", true)
                .option("tensors", "lm_*")
                .load(path("a"), c)
                .count())
        .isEqualTo(1);
  }

  @Test
  void alignedModelsMayDifferInTheirTypes() {
    Family.weights("base", "F32").writeModel(dir.resolve("wide"), "");
    Row row =
        aligned(path("base"), dir.resolve("wide").toString())
            .where("tensor = 'lm_head.weight' and block = 1")
            .select("dtype", "dtype0", "dtype1", "count", "data0", "data1")
            .head();
    assertThat(List.of(row.getString(0), row.getString(1), row.getString(2)))
        .isEqualTo(List.of("BF16", "BF16", "F32"));
    assertThat(row.<byte[]>getAs(4)).hasSize((int) row.getLong(3) * 2);
    assertThat(row.<byte[]>getAs(5)).hasSize((int) row.getLong(3) * 4);
  }
}
