package io.weightloom.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.error.WeightloomException;
import io.weightloom.error.WeightloomException.Kind;
import io.weightloom.job.Family;
import io.weightloom.job.SavedModel;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.types.DataTypes;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A frame of blocks becomes a model, whole or not at all. */
@NullUnmarked
class WriteTest {
  @TempDir Path dir;
  private Path zoo;
  private Path out;
  private SparkSession spark;

  @BeforeEach
  void writeModels() throws IOException {
    zoo = Family.write(dir.resolve("zoo"), "BF16");
    Family.weights("b", "F32").writeSharded(zoo.resolve("sharded"), 3, Family.CONFIG);
    Family.file(zoo.resolve("sharded/tokenizer.json"), "{\"model\": \"b's\"}");
    odd(zoo.resolve("odd"));
    out = Files.createDirectories(dir.resolve("results")).resolve("out");
    spark = Session.get();
    spark
        .udf()
        .register(
            "negated",
            (UDF1<byte[], byte[]>)
                data -> {
                  byte[] other = new byte[data.length];
                  for (int i = 0; i < data.length; i++) {
                    other[i] = (byte) ~data[i];
                  }
                  return other;
                },
            DataTypes.BinaryType);
  }

  /** A header that no writer of ours would make: other order, spaces, a file's name of its own. */
  private static void odd(Path dir) throws IOException {
    String json =
        """
        { "__metadata__": {"z": "1", "a": "ünlaut"},
          "late": {"shape": [3], "data_offsets": [20, 32], "dtype": "F32"},
          "empty": {"dtype": "F32", "shape": [0, 4], "data_offsets": [32, 32]},
          "early": {"dtype": "BF16", "shape": [5, 2], "data_offsets": [0, 20]} }  \n""";
    byte[] data = new byte[32];
    for (int i = 0; i < data.length; i++) {
      data[i] = (byte) (i * 7);
    }
    Files.createDirectories(dir);
    Files.write(dir.resolve("weights.safetensors"), TinyCheckpoint.file(json, data));
    Files.writeString(dir.resolve("config.json"), "{\"model_type\" : \"odd\"}");
  }

  private Dataset<Row> blocks(String model) {
    return spark
        .read()
        .format("checkpoint")
        .option("blockSize", "32")
        .load(zoo.resolve(model).toString());
  }

  private void save(Dataset<Row> rows) {
    rows.write().format("checkpoint").save(out.toString());
  }

  /** Name to content of the files of a directory; text as text. */
  private static Map<String, String> files(Path dir) throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> entries = Files.list(dir)) {
      for (Path file : entries.toList()) {
        files.put(
            file.getFileName().toString(),
            new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1));
      }
    }
    return files;
  }

  private void assertNothingIsLeft() throws IOException {
    try (Stream<Path> entries = Files.list(out.getParent())) {
      assertThat(entries).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "sharded", "odd"})
  void whatWasNotChangedIsTheSameToTheByte(String model) throws IOException {
    save(blocks(model));
    assertThat(files(out)).isEqualTo(files(zoo.resolve(model)));
  }

  @Test
  void rowsMayComeInAnyOrderAndPartitions() throws IOException {
    save(blocks("sharded").orderBy("digest").repartition(7));
    assertThat(files(out)).isEqualTo(files(zoo.resolve("sharded")));
  }

  @Test
  void rowsSaidByBlockNumberAreCutAsTheyWereRead() throws IOException {
    blocks("sharded")
        .drop("offset", "row_begin", "row_end")
        .write()
        .format("checkpoint")
        .option("blockSize", 32)
        .save(out.toString());
    assertThat(files(out)).isEqualTo(files(zoo.resolve("sharded")));
  }

  @Test
  void aModelMayReplaceItself() throws IOException {
    Map<String, String> before = files(zoo.resolve("sharded"));
    blocks("sharded")
        .write()
        .format("checkpoint")
        .mode(SaveMode.Overwrite)
        .save(zoo.resolve("sharded").toString());
    assertThat(files(zoo.resolve("sharded"))).isEqualTo(before);
  }

  @Test
  void changedBlocksAreWrittenToTheirPlaces() throws IOException {
    save(
        blocks("sharded")
            .selectExpr(
                "tensor",
                "dtype",
                "shape",
                "offset",
                "count",
                "file",
                "file_begin",
                "if(layer = 1, negated(data), data) as data"));
    Map<String, SavedModel.Stored> before = SavedModel.read(zoo.resolve("sharded"));
    Map<String, SavedModel.Stored> after = SavedModel.read(out);
    assertThat(after).containsOnlyKeys(before.keySet());
    before.forEach(
        (name, tensor) -> {
          byte[] expected = tensor.data().clone();
          if (name.contains("layers.1")) {
            for (int i = 0; i < expected.length; i++) {
              expected[i] = (byte) ~expected[i];
            }
          }
          assertThat(after.get(name).data()).as(name).isEqualTo(expected);
        });
    assertThat(files(out)).containsKeys("config.json", "tokenizer.json");
  }

  @Test
  void aJoinOfTwoModelsIsWrittenWithoutMovingABlock() throws IOException {
    blocks("a").createOrReplaceTempView("a");
    blocks("b").createOrReplaceTempView("b");
    Dataset<Row> mixed =
        spark.sql(
            "select a.tensor, a.dtype, a.shape, a.offset, a.count, a.file, a.file_begin,"
                + " if(a.layer = 0, a.data, b.data) as data"
                + " from a join b on a.tensor = b.tensor and a.block = b.block");
    assertThat(Session.exchangesAndSorts(mixed)).isEqualTo(List.of(0L, 0L));
    assertThat(Session.during(() -> save(mixed)).shuffled).isZero();
    Map<String, SavedModel.Stored> a = SavedModel.read(zoo.resolve("a"));
    Map<String, SavedModel.Stored> b = SavedModel.read(zoo.resolve("b"));
    SavedModel.read(out)
        .forEach(
            (name, tensor) ->
                assertThat(tensor.data())
                    .as(name)
                    .isEqualTo((name.contains("layers.0") ? a : b).get(name).data()));
  }

  @Test
  void theLayoutIsTakenFromTheModelThatIsNamed() throws IOException {
    blocks("sharded")
        .select("tensor", "dtype", "shape", "offset", "count", "data")
        .write()
        .format("checkpoint")
        .option("like", zoo.resolve("sharded").toString())
        .save(out.toString());
    assertThat(files(out)).isEqualTo(files(zoo.resolve("sharded")));
  }

  @Test
  void rowsThatTellOfNoFilesGetALayoutOfOurOwn() throws IOException {
    Dataset<Row> plain =
        blocks("sharded").select("tensor", "dtype", "shape", "offset", "count", "data");
    save(plain);
    assertThat(files(out)).containsOnlyKeys("model.safetensors");
    assertThat(SavedModel.read(out).get("lm_head.weight").data())
        .isEqualTo(SavedModel.read(zoo.resolve("sharded")).get("lm_head.weight").data());
    plain
        .write()
        .format("checkpoint")
        .option("shardSize", "600")
        .mode(SaveMode.Overwrite)
        .save(out.toString());
    assertThat(files(out))
        .containsKeys("model-00001-of-00003.safetensors", "model.safetensors.index.json");
    assertThat(spark.read().format("checkpoint").load(out.toString()).count()).isEqualTo(8);
  }

  @Test
  void filesThatAreGoneStillGiveNamesAndOrder() throws IOException {
    Dataset<Row> rows = blocks("odd").cache();
    rows.count();
    Map<String, SavedModel.Stored> before = SavedModel.read(zoo.resolve("odd"));
    Files.delete(zoo.resolve("odd/weights.safetensors"));
    save(rows);
    assertThat(files(out)).containsOnlyKeys("weights.safetensors");
    String header = files(out).get("weights.safetensors");
    assertThat(header.indexOf("early")).isLessThan(header.indexOf("late"));
    before.forEach(
        (name, t) -> assertThat(SavedModel.read(out).get(name).data()).isEqualTo(t.data()));
    rows.unpersist();
  }

  @Test
  void anotherTypeIsInHeaderAndConfig() throws IOException {
    Family.weights("b", "BF16").writeModel(zoo.resolve("narrow"), Family.CONFIG);
    blocks("narrow")
        .drop("file", "file_begin")
        .write()
        .format("checkpoint")
        .option("like", zoo.resolve("sharded").toString())
        .save(out.toString());
    assertThat(files(out).keySet()).isEqualTo(files(zoo.resolve("sharded")).keySet());
    assertThat(SavedModel.read(out).get("lm_head.weight").dtype()).isEqualTo("BF16");
    assertThat(
            new ObjectMapper()
                .readTree(out.resolve("config.json").toFile())
                .get("torch_dtype")
                .asText())
        .isEqualTo("bfloat16");
    assertThat(
            spark
                .read()
                .format("checkpoint")
                .option("profile", "strict")
                .load(out.toString())
                .count())
        .isEqualTo(8);
  }

  @Test
  void someTensorsMakeASmallerModel() throws IOException {
    save(blocks("sharded").where("layer is null or layer = 0"));
    assertThat(SavedModel.read(out)).hasSize(6);
    assertThat(
            spark
                .read()
                .format("checkpoint")
                .option("profile", "strict")
                .load(out.toString())
                .select("tensor")
                .distinct()
                .count())
        .isEqualTo(6);
  }

  @Test
  void saveModesAreSparks() throws IOException {
    save(blocks("a"));
    assertThatThrownBy(() -> save(blocks("b")))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("it exists")
        .extracting(e -> WeightloomException.in(e).orElseThrow().kind())
        .isEqualTo(Kind.CONFLICT);
    blocks("b").write().format("checkpoint").mode(SaveMode.Ignore).save(out.toString());
    assertThat(files(out)).isEqualTo(files(zoo.resolve("a")));
    assertThatThrownBy(
            () -> blocks("b").write().format("checkpoint").mode("append").save(out.toString()))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("Cannot append");
    blocks("b").write().format("safetensors").mode("overwrite").save(out.toString());
    assertThat(files(out)).isEqualTo(files(zoo.resolve("b")));
    try (Stream<Path> entries = Files.list(out.getParent())) {
      assertThat(entries).containsExactly(out);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "block <> 1|tensor lm_head.weight: elements 12 to 24 are missing",
        "not (tensor = 'lm_head.weight' and block = 7)|tensor lm_head.weight: elements 84 to 96 are missing",
        "false|the frame has no rows",
      })
  void missingBlocksAreNamed(String filter, String says) throws IOException {
    assertThatThrownBy(() -> save(blocks("a").where(filter)))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining(says);
    assertNothingIsLeft();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "dtype|if(block = 1, 'F16', dtype)|it is BF16 [",
        "dtype|'BF17'|there is no dtype BF17",
        "shape|if(block = 1, array(96L), shape)|it is BF16 [",
        "shape|array(-1L)|negative dimension in [-1]",
        "count|count + 1|come twice",
        "count|cast(null as bigint)|a row has no dtype, shape, place or count",
        "tensor|cast(null as string)|a row has no tensor",
        "offset|offset + 1000|are not in",
        "offset|if(block = 1, offset - 1, offset)|come twice",
        "data|substring(data, 2)|bytes of data",
        "data|cast(null as binary)|0 bytes of data",
        "encoding|'zstd-planes'|blocks are packed as zstd-planes",
        "model|concat('m', layer)|the rows are of 2 models, m0, m1",
      })
  void rowsThatMakeNoModelAreRefused(String column, String as, String says) throws IOException {
    Dataset<Row> wrong = blocks("a").withColumn(column, org.apache.spark.sql.functions.expr(as));
    assertThatThrownBy(() -> save(wrong))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining(says)
        .hasMessageStartingWith("Cannot write")
        .extracting(e -> WeightloomException.in(e).orElseThrow().kind())
        .isEqualTo(Kind.INPUT);
    assertNothingIsLeft();
  }

  @Test
  void blocksThatComeTwiceAreNamed() throws IOException {
    assertThatThrownBy(() -> save(blocks("a").union(blocks("a").where("layer = 1 and block = 0"))))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining(
            "tensor model.layers.1.mlp.up_proj.weight: elements 0 to 14 come twice");
    assertThatThrownBy(() -> save(blocks("a").union(blocks("b"))))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("the rows are of 2 models, a, b (choose one: where model = 'a')");
    assertNothingIsLeft();
  }

  @Test
  void otherColumnsAreNamed() throws IOException {
    Dataset<Row> rows = blocks("a");
    assertThatThrownBy(
            () -> save(rows.withColumnRenamed("tensor", "tensors").drop("offset", "block")))
        .hasMessageContaining("there is no column tensor, is it tensors?")
        .hasMessageContaining("there is no column offset, nor block");
    assertThatThrownBy(
            () -> save(rows.withColumn("count", org.apache.spark.sql.functions.lit("x"))))
        .hasMessageContaining("column count is STRING, not BIGINT");
    assertThatThrownBy(() -> save(spark.sql("select 1 as one, 2 as one")))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("there is no column data");
    assertThatThrownBy(() -> save(rows.withColumn("x", rows.col("data")).toDF(doubled(rows))))
        .hasMessageContaining("there are 2 columns data");
    assertNothingIsLeft();
  }

  private static String[] doubled(Dataset<Row> rows) {
    return Stream.concat(Arrays.stream(rows.columns()), Stream.of("data")).toArray(String[]::new);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "shardsize2|1|there is no option shardsize2 (did you mean shardSize?)",
        "shardSize|x|it is no size",
        "like|/nowhere|there is no such file or directory",
        "path|s3a://bucket/x|models are written to local and shared file systems",
        "path||no directory is named",
      })
  void optionsThatMakeNoSenseAreRefused(String option, String value, String says) {
    assertThatThrownBy(
            () ->
                blocks("a")
                    .write()
                    .format("checkpoint")
                    .option("path", out.toString())
                    .option(option, value == null ? "" : value)
                    .save())
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining(says);
    assertThatThrownBy(
            () ->
                blocks("a").write().format("checkpoint").partitionBy("layer").save(out.toString()))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("in partitions");
  }

  @Test
  void aWriteThatFailsHalfWayLeavesWhatWasThere() throws IOException {
    save(blocks("a"));
    Map<String, String> before = files(out);
    spark
        .udf()
        .register(
            "fails",
            (UDF1<byte[], byte[]>)
                data -> {
                  throw new IllegalStateException("no more");
                },
            DataTypes.BinaryType);
    Dataset<Row> broken =
        blocks("b")
            .withColumn(
                "data", org.apache.spark.sql.functions.expr("if(layer = 1, fails(data), data)"));
    assertThatThrownBy(
            () -> broken.write().format("checkpoint").mode("overwrite").save(out.toString()))
        .hasStackTraceContaining("no more");
    assertThat(files(out)).isEqualTo(before);
    try (Stream<Path> entries = Files.list(out.getParent())) {
      assertThat(entries).containsExactly(out);
    }
  }
}
