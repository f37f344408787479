package io.weightloom.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.error.WeightloomException.Kind;
import io.weightloom.io.ContentDigest;
import io.weightloom.job.Family;
import io.weightloom.job.SavedModel;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One row a block, and no more read than is named. */
@NullUnmarked
class ReadTest {
  @TempDir static Path zoo;
  @TempDir Path dir;
  private static SparkSession spark;

  @BeforeAll
  static void writeModels() {
    Family.write(zoo, "BF16");
    Family.weights("base", "F32").writeSharded(zoo.resolve("sharded"), 2, Family.CONFIG);
    spark = Session.get();
  }

  private static Dataset<Row> small(String model) {
    return Session.small(zoo.resolve(model));
  }

  private static String path(String model) {
    return zoo.resolve(model).toString();
  }

  @Test
  void columnsAreThoseOfTheBlockTable() {
    assertThat(small("base").schema().simpleString())
        .isEqualTo(
            "struct<model:string,revision:string,tensor:string,role:string,layer:int,dtype:string,"
                + "shape:array<bigint>,block:bigint,row_begin:bigint,row_end:bigint,offset:bigint,"
                + "count:bigint,file:string,file_begin:bigint,file_end:bigint,encoding:string,"
                + "data:binary,digest:string,stats:struct<zeros:bigint,nans:bigint,infs:bigint,"
                + "denormals:bigint,min:double,max:double,sum:double,sum2:double,l1:double,"
                + "linf:double>>");
  }

  @ParameterizedTest
  @ValueSource(strings = {"base", "sharded"})
  void blocksHoldEachByteOfEachTensorOnce(String model) {
    Map<String, SavedModel.Stored> saved = SavedModel.read(zoo.resolve(model));
    Map<String, byte[]> read = Session.tensors(small(model));
    assertThat(read).containsOnlyKeys(saved.keySet());
    saved.forEach((name, tensor) -> assertThat(read.get(name)).as(name).isEqualTo(tensor.data()));
  }

  @Test
  void aRowSaysWhereItsBlockIs() throws IOException {
    Row row = small("a").where("tensor = 'model.layers.1.mlp.up_proj.weight' and block = 2").head();
    // 9 rows of 7: two whole rows fit a block of 16 elements.
    assertThat(row.getString(0)).isEqualTo("a");
    assertThat(row.isNullAt(1)).isTrue();
    assertThat(row.getString(3)).isEqualTo("mlp.up_proj.weight");
    assertThat(row.getInt(4)).isEqualTo(1);
    assertThat(row.getString(5)).isEqualTo("BF16");
    assertThat(row.getList(6)).isEqualTo(List.of(9L, 7L));
    assertThat(List.of(row.getLong(8), row.getLong(9), row.getLong(10), row.getLong(11)))
        .isEqualTo(List.of(4L, 6L, 28L, 14L));
    assertThat(row.getString(12)).isEqualTo(path("a") + "/model.safetensors");
    assertThat(row.getString(15)).isEqualTo("raw");
    byte[] file = Files.readAllBytes(Path.of(row.getString(12)));
    byte[] there = Arrays.copyOfRange(file, (int) row.getLong(13), (int) row.getLong(14));
    assertThat((byte[]) row.getAs("data")).isEqualTo(there);
    assertThat(row.<String>getAs("digest"))
        .isEqualTo(HexFormat.of().toHexDigits(ContentDigest.chunk(there, 0, there.length)));
  }

  @Test
  void statisticsAreOfTheFiniteValues() {
    new TinyCheckpoint()
        .add("x", "F32", new long[] {8}, 0, -0.0, 1, -3, 1e-40, Double.NaN, 1e39, 3)
        .add("none", "F32", new long[] {1}, Double.NaN)
        .add("count", "I64", new long[] {1}, 7)
        .writeModel(dir, "");
    Map<String, Row> stats = new TreeMap<>();
    spark
        .read()
        .format("checkpoint")
        .load(dir.toString())
        .select("tensor", "stats")
        .collectAsList()
        .forEach(r -> stats.put(r.getString(0), r.getStruct(1)));
    assertThat(stats.get("x").toSeq().mkString(" ")).isEqualTo("2 1 1 1 -3.0 3.0 1.0 19.0 7.0 3.0");
    assertThat(stats.get("none").toSeq().mkString(" "))
        .isEqualTo("0 1 0 0 null null null null null null");
    assertThat(stats.get("count")).isNull();
  }

  @Test
  void tensorsOfAnyShapeAndTypeAreThere() {
    byte[] packed = new byte[27];
    for (int i = 0; i < packed.length; i++) {
      packed[i] = (byte) i;
    }
    new TinyCheckpoint()
        .add("scalar", "F32", new long[0], 5)
        .add("empty", "F32", new long[] {0, 3})
        .add("narrow", "F4", new long[] {6, 9}, packed)
        .add("wide", "F64", new long[] {2, 40}, new double[80])
        .writeModel(dir, "");
    Dataset<Row> rows = Session.small(dir);
    assertThat(
            Session.column(
                rows.orderBy("tensor", "block")
                    .selectExpr(
                        "concat_ws(' ', tensor, block, row_begin, row_end, offset, count, length(data))")))
        .containsExactly(
            "empty 0 0 0 0 0 0",
            "narrow 0 0 1 0 16 8",
            "narrow 1 0 1 16 16 8",
            "narrow 2 0 1 32 16 8",
            "narrow 3 0 1 48 6 3",
            "scalar 0 0 1 0 1 4",
            "wide 0 0 1 0 16 128",
            "wide 1 0 1 16 16 128",
            "wide 2 0 1 32 8 64",
            "wide 3 1 2 40 16 128",
            "wide 4 1 2 56 16 128",
            "wide 5 1 2 72 8 64");
    assertThat(Session.tensors(rows).get("narrow")).isEqualTo(packed);
  }

  @Test
  void withoutDataOnlyHeadersAreRead() throws IOException {
    Family.weights("a", "F32").writeSharded(dir.resolve("m"), 3, Family.CONFIG);
    Dataset<Row> rows = spark.read().format("checkpoint").load(dir.resolve("m").toString());
    List<Path> shards;
    try (var files = Files.list(dir.resolve("m"))) {
      shards = files.filter(f -> f.toString().endsWith(".safetensors")).toList();
    }
    for (Path shard : shards) {
      try (RandomAccessFile file = new RandomAccessFile(shard.toFile(), "rw")) {
        file.setLength(0);
      }
    }
    // The headers were read when the frame was made; there is nothing else left to be read.
    assertThat(rows.count()).isEqualTo(8);
    assertThat(rows.selectExpr("sum(count)").head().getLong(0))
        .isEqualTo(16 * 6 * 2 + 9 * 7 * 2 + 14 + 3 + 6);
    assertThat(rows.drop("data", "digest", "stats").collectAsList()).hasSize(8);
    assertThatThrownBy(() -> rows.select("digest").collectAsList())
        .hasMessageContaining("the file ends at byte 0");
  }

  @Test
  void dataDigestAndStatisticsCostOneRead() {
    Session.Traffic traffic =
        Session.during(
            () ->
                spark
                    .read()
                    .format("checkpoint")
                    .load(path("base"))
                    .where("tensor = 'lm_head.weight'")
                    .select("data", "digest", "stats")
                    .collectAsList());
    assertThat(traffic.bytesRead).isEqualTo(16 * 6 * 2);
  }

  @Test
  void metricsAreInTheSqlTab() {
    org.apache.spark.sql.classic.SparkSession classic =
        (org.apache.spark.sql.classic.SparkSession) spark;
    small("base").selectExpr("sum(length(data))").collectAsList();
    var store = classic.sharedState().statusStore();
    var last = store.executionsList().last();
    Map<String, String> byName = new TreeMap<>();
    Map<Object, String> values =
        new java.util.HashMap<>(
            scala.jdk.javaapi.CollectionConverters.asJava(
                store.executionMetrics(last.executionId())));
    scala.jdk.javaapi.CollectionConverters.asJava(last.metrics())
        .forEach(m -> byName.put(m.name(), values.get(m.accumulatorId())));
    assertThat(byName)
        .containsEntry("bytes of tensors read", "700 B")
        .containsEntry("blocks", "30")
        .containsKeys(
            "tensors, as tasks count them", "time in reads", "time in digests and statistics");
  }

  private static String view(String model) {
    String name = "view_of_" + model;
    spark.sql(
        "create or replace temporary view %s using checkpoint options (path '%s')"
            .formatted(name, path(model)));
    return name;
  }

  @Test
  void sqlReadsAViewAndTheAliasOfTheFormat() {
    assertThat(spark.sql("select count(*) from " + view("a")).head().getLong(0)).isEqualTo(8);
    assertThat(spark.read().format("safetensors").load(path("a") + "/model.safetensors").count())
        .isEqualTo(8);
  }

  @Test
  void severalModelsAreRowsBesideEachOther() {
    Dataset<Row> two = spark.read().format("checkpoint").load(path("a"), path("b"));
    assertThat(two.groupBy("model").count().orderBy("model").collectAsList().toString())
        .isEqualTo("[[a,8], [b,8]]");
    Dataset<Row> named =
        spark
            .read()
            .format("checkpoint")
            .option("models", path("a") + ", " + path("a") + "/model.safetensors")
            .option("name", "x,y")
            .load();
    assertThat(Session.column(named.select("model").distinct().orderBy("model")))
        .containsExactly("x", "y");
    // Grouped where they are read, the blocks of a tensor in order.
    Dataset<Row> grouped = two.groupBy("tensor", "block").count();
    assertThat(Session.exchangesAndSorts(grouped)).isEqualTo(List.of(0L, 0L));
    assertThat(grouped.where("count = 2").count()).isEqualTo(8);
    assertThat(Session.exchangesAndSorts(two.groupBy("tensor").count())).isEqualTo(List.of(0L, 0L));
  }

  @Test
  void tensorsAreChosenByAGlob() {
    Dataset<Row> rows =
        spark.read().format("checkpoint").option("tensors", "*.{0,7}.mlp.*").load(path("a"));
    assertThat(Session.column(rows.select("tensor")))
        .containsExactly("model.layers.0.mlp.up_proj.weight");
  }

  @Test
  void aRepositoryOfTheCacheIsCalledByItsName() {
    Path snapshot = dir.resolve("hub/models--org--tiny/snapshots/" + "ab".repeat(20));
    Family.weights("a", "F32").writeModel(snapshot, "");
    Row row =
        spark
            .read()
            .format("checkpoint")
            .load(snapshot.toString())
            .select("model", "revision")
            .head();
    assertThat(row.getString(0)).isEqualTo("org/tiny");
    assertThat(row.getString(1)).isEqualTo("ab".repeat(20));
  }

  @Test
  void rowsMayBeKept() {
    Dataset<Row> rows = small("base").select("tensor", "block", "data", "digest").cache();
    assertThat(rows.count()).isEqualTo(30);
    assertThat(Session.column(rows.select("digest")))
        .containsExactlyInAnyOrderElementsOf(Session.column(small("base").select("digest")));
    rows.unpersist();
    // A sort keeps rows.
    assertThat(Session.column(small("base").orderBy("digest").select("digest")))
        .isSorted()
        .hasSize(30);
  }

  @Test
  void fiftyShardsOfHolesAnswerFromTheirHeaders() throws IOException {
    Path model = Files.createDirectories(dir.resolve("holes"));
    StringBuilder map = new StringBuilder();
    for (int i = 0; i < 50; i++) {
      String name = "model-%05d-of-00050.safetensors".formatted(i + 1);
      String tensor = "model.layers." + i + ".mlp.weight";
      String json =
          "{\"%s\":{\"dtype\":\"BF16\",\"shape\":[16384,65536],\"data_offsets\":[0,%d]}}"
              .formatted(tensor, 1L << 31);
      byte[] header = TinyCheckpoint.file(json, new byte[0]);
      try (RandomAccessFile file = new RandomAccessFile(model.resolve(name).toFile(), "rw")) {
        file.write(header);
        file.setLength(header.length + (1L << 31));
      }
      map.append(i == 0 ? "" : ",").append("\"%s\":\"%s\"".formatted(tensor, name));
    }
    Files.writeString(
        model.resolve("model.safetensors.index.json"), "{\"weight_map\":{" + map + "}}");
    long start = System.nanoTime();
    Session.Traffic traffic =
        Session.during(
            () -> {
              Dataset<Row> rows = spark.read().format("checkpoint").load(model.toString());
              Row sum = rows.selectExpr("count(*)", "sum(count)", "max(layer)").head();
              assertThat(sum.getLong(0)).isEqualTo(50L * 2048);
              assertThat(sum.getLong(1)).isEqualTo(50L << 30);
              assertThat(rows.where("layer = 7").select("tensor", "block").count()).isEqualTo(2048);
            });
    assertThat(traffic.bytesRead).isZero();
    assertThat((System.nanoTime() - start) / 1e9).isLessThan(30);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "blocksize2|1m|there is no option blocksize2 (did you mean blockSize?)",
        "blockSize|1 potato|option blockSize of a checkpoint, 1 potato: it is no size",
        "blockSize|8|it must be from 16 bytes to 256m",
        "blockSize|1g|it must be from 16 bytes to 256m",
        "splitSize|0|it must be a byte at least",
        "aligned|maybe|it is neither false nor true",
        "missing|ignore|it is neither error nor skip",
        "profile|lax|it is neither reference nor strict",
        "tensors|*.{a|it is no glob",
        "tensors|nothing*|no tensor's name matches option tensors, nothing*",
        "models|b|there are paths besides",
        "name|x,y|2 names for 1 models",
        "like|b|there is no option like",
      })
  void optionsThatMakeNoSenseAreRefused(String option, String value, String says) {
    assertThatThrownBy(
            () ->
                spark
                    .read()
                    .format("checkpoint")
                    .option(option, value)
                    .load(path("base"))
                    .select("tensor")
                    .collectAsList())
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining(says)
        .extracting(e -> WeightloomException.in(e).orElseThrow().kind())
        .isEqualTo(Kind.USAGE);
  }

  @Test
  void modelsThatAreNotThereAreSaidSo() {
    assertThatThrownBy(() -> spark.read().format("checkpoint").load(path("bass")))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("base");
    assertThatThrownBy(() -> spark.read().format("checkpoint").load())
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("no model is named");
    assertThatThrownBy(() -> spark.read().format("checkpoint").load(path("a"), path("a")))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("two are called a");
    assertThatThrownBy(
            () ->
                spark
                    .read()
                    .format("checkpoint")
                    .schema("tensor string")
                    .load(path("a"))
                    .collectAsList())
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("read it without a schema");
  }

  @Test
  void aTableOfTheSessionKeepsItsOptions() {
    spark.sql("drop table if exists kept");
    spark.sql(
        "create table kept using checkpoint options (path '%s', blockSize '32')"
            .formatted(path("a")));
    assertThat(spark.sql("select count(*) from kept where layer = 1").head().getLong(0))
        .isEqualTo(6);
    assertThat(spark.sql("select count(*) from kept with (blockSize = '1m')").head().getLong(0))
        .isEqualTo(8);
    spark.sql("drop table kept");
  }
}
