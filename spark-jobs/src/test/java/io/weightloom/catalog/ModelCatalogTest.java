package io.weightloom.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weightloom.error.WeightloomException;
import io.weightloom.job.Family;
import io.weightloom.job.LocalSpark;
import io.weightloom.job.SqlSession;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkThrowable;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.assertj.core.api.AbstractThrowableAssert;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The catalog as SQL sees it. */
@NullUnmarked
class ModelCatalogTest {
  private static final String OLD = "0123456789abcdef0123456789abcdef01234567";
  private static final String NEW = "89abcdef0123456789abcdef0123456789abcdef";

  @TempDir static Path zoo;
  private static SqlSession session;

  @BeforeAll
  static void start() throws IOException {
    Family.weights("base", "BF16").writeModel(zoo.resolve("base"), Family.CONFIG);
    Family.weights("a", "F32").writeSharded(zoo.resolve("acme/tuned"), 3, "");
    Family.weights("b", "BF16").writeModel(zoo.resolve("deep/er/model"), "");
    Family.weights("b", "BF16").writeModel(zoo.resolve(".staging"), "");
    Family.weights("b", "BF16").writeModel(zoo.resolve("_staging/model"), "");
    Family.file(zoo.resolve("notes/readme.txt"), "no model");
    new TinyCheckpoint()
        .add("lora", "F32", new long[] {1}, 1)
        .write(zoo.resolve("adapter/adapter_model.safetensors"));
    Path repository = zoo.resolve("models--acme--anvil-7B");
    cached(repository, OLD, 2);
    cached(repository, NEW, 3);
    Family.file(repository.resolve("refs/main"), NEW);
    Family.file(repository.resolve("refs/v1.0"), OLD + "\n");
    Files.createDirectories(zoo.resolve("models--acme--partial/snapshots"));
    LocalSpark.stop();
    session = SqlSession.open("local[2]", Map.of("models", zoo.toString()));
  }

  private static void cached(Path repository, String commit, int elements) {
    new TinyCheckpoint()
        .add("w", "F32", new long[] {elements}, new double[elements])
        .writeModel(repository.resolve("snapshots").resolve(commit), "{\"n\": " + elements + "}");
  }

  @AfterAll
  static void stop() {
    session.close();
  }

  private static SparkSession spark() {
    return session.spark();
  }

  private static List<Row> sql(String statement) {
    return spark().sql(statement).collectAsList();
  }

  private static List<String> texts(String statement) {
    return sql(statement).stream().map(r -> r.mkString("|")).toList();
  }

  /** The error that a statement fails with, in Spark's own kind. */
  private static AbstractThrowableAssert<?, ?> refused(String statement) {
    return assertThatThrownBy(() -> sql(statement))
        .isInstanceOf(AnalysisException.class)
        .hasCauseInstanceOf(WeightloomException.class);
  }

  @Test
  void namespacesAreTheModels() {
    assertThat(texts("SHOW NAMESPACES IN models"))
        .containsExactly("`acme/anvil-7B`", "`acme/tuned`", "base");
  }

  @Test
  void everyModelHasThreeTables() {
    assertThat(texts("SHOW TABLES IN models.`acme/tuned`"))
        .containsExactly(
            "`acme/tuned`|blocks|false", "`acme/tuned`|config|false", "`acme/tuned`|tensors|false");
    assertThat(texts("SHOW TABLES IN models.base LIKE 't*'")).containsExactly("base|tensors|false");
  }

  @Test
  void theCatalogShowsItsOwnTablesAndAllModels() {
    assertThat(texts("SHOW TABLES IN models"))
        .hasSize(3 + 3 * 3)
        .contains("|tensors|false", "base|tensors|false", "`acme/anvil-7B`|blocks|false");
  }

  @Test
  void aModelIsDescribedByItsHeaders() {
    assertThat(texts("DESCRIBE NAMESPACE EXTENDED models.base"))
        .contains("Catalog Name|models", "Location|" + zoo.resolve("base"))
        .anyMatch(
            s ->
                s.startsWith("Properties|")
                    && s.contains("(parameters,341)")
                    && s.contains("(dtype,BF16)"));
  }

  @Test
  void tensorsAreWhatTheFilesHold() {
    List<Row> rows = sql("SELECT * FROM models.`acme/tuned`.tensors");

    assertThat(rows).hasSize(8);
    assertThat(rows.get(0).schema().fieldNames())
        .containsExactly(
            "model",
            "tensor",
            "role",
            "layer",
            "dtype",
            "shape",
            "elements",
            "bytes",
            "file",
            "file_begin",
            "file_end");
    Row up =
        sql("SELECT * FROM models.`acme/tuned`.tensors WHERE layer = 1 AND role LIKE '%up_proj%'")
            .get(0);
    assertThat(up.getString(0)).isEqualTo("acme/tuned");
    assertThat(up.getString(1)).isEqualTo("model.layers.1.mlp.up_proj.weight");
    assertThat(up.getString(2)).isEqualTo("mlp.up_proj.weight");
    assertThat(up.getInt(3)).isEqualTo(1);
    assertThat(up.getString(4)).isEqualTo("F32");
    assertThat(up.getList(5)).containsExactly(9L, 7L);
    assertThat(up.getLong(6)).isEqualTo(63);
    assertThat(up.getLong(7)).isEqualTo(4 * 63);
    assertThat(bytes(up))
        .isEqualTo(
            TinyCheckpoint.encode(
                "F32", Family.values("a", "model.layers.1.mlp.up_proj.weight", 9, 7)));
    assertThat(sql("SELECT * FROM models.base.tensors WHERE layer IS NULL")).hasSize(3);
  }

  /** The bytes where the row says that they are. */
  private static byte[] bytes(Row tensor) {
    try {
      byte[] file = Files.readAllBytes(Path.of(tensor.getString(8)));
      return Arrays.copyOfRange(file, (int) tensor.getLong(9), (int) tensor.getLong(10));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void configHasARowForEachValue() {
    Family.file(
        zoo.resolve("base/config.json"),
        """
        {"model_type": "llama", "num_hidden_layers": 2, "rope": {"theta": 1e6, "inner": {"on": true}},
         "architectures": ["LlamaForCausalLM"], "empty": {}, "none": null}
        """);

    assertThat(texts("SELECT * FROM models.base.config"))
        .containsExactly(
            "base|model_type|\"llama\"",
            "base|num_hidden_layers|2",
            "base|rope.theta|1000000.0",
            "base|rope.inner.on|true",
            "base|architectures|[\"LlamaForCausalLM\"]",
            "base|empty|{}",
            "base|none|null");
    assertThat(sql("SELECT * FROM models.`acme/tuned`.config")).isEmpty();
  }

  @Test
  void tablesOfAllModelsLeaveOutWhatTheFilterLeavesOut() throws IOException {
    assertThat(
            texts(
                "SELECT model, count(*), sum(elements) FROM models.tensors GROUP BY 1 ORDER BY 1"))
        .containsExactly("acme/anvil-7B|1|3", "acme/tuned|8|341", "base|8|341");

    Path broken = Family.file(zoo.resolve("broken/model.safetensors"), "no header");
    try {
      refused("SELECT count(*) FROM models.tensors").hasMessageContaining(broken.toString());
      for (String filter :
          List.of(
              "model = 'base'",
              "model IN ('base', 'acme/tuned')",
              "model LIKE 'ba%'",
              "model LIKE '%ed' AND layer = 0",
              "model <> 'broken'",
              "model NOT IN ('broken')",
              "model = 'base' OR model LIKE 'acme/%'")) {
        assertThat(sql("SELECT DISTINCT model FROM models.tensors WHERE " + filter))
            .as(filter)
            .isNotEmpty();
      }
    } finally {
      Files.delete(broken);
    }
  }

  @Test
  void blocksAreThoseOfTheDataSource() {
    List<Row> rows =
        sql(
            """
            SELECT model, tensor, block, offset, count, file_begin, file_end, file, data
            FROM models.`acme/tuned`.blocks WHERE role LIKE '%up_proj%' ORDER BY layer
            """);

    assertThat(rows).hasSize(2);
    for (int layer = 0; layer < 2; layer++) {
      Row row = rows.get(layer);
      assertThat(row.getString(0)).isEqualTo("acme/tuned");
      assertThat(row.getString(1)).isEqualTo(Family.UP.formatted(layer));
      assertThat(row.getLong(4)).isEqualTo(63);
      assertThat((byte[]) row.get(8))
          .isEqualTo(
              TinyCheckpoint.encode("F32", Family.values("a", Family.UP.formatted(layer), 9, 7)));
    }
    assertThat(
            texts("SELECT model, revision, count FROM models.blocks WHERE model LIKE 'acme/anv%'"))
        .containsExactly("acme/anvil-7B|" + NEW + "|3");
    assertThat(texts("SELECT DISTINCT model FROM models.blocks ORDER BY 1"))
        .containsExactly("acme/anvil-7B", "acme/tuned", "base");
  }

  @Test
  void twoModelsAreJoinedWithoutAnExchange() {
    String join =
        """
        SELECT a.tensor, b.data = a.data AS same
        FROM models.base.blocks a JOIN models.`acme/tuned`.blocks b
          ON a.tensor = b.tensor AND a.block = b.block
        """;

    assertThat(sql(join)).hasSize(8);
    // Models as small as these would else be broadcast.
    spark().conf().set("spark.sql.autoBroadcastJoinThreshold", "-1");
    try {
      assertThat(spark().sql(join).queryExecution().executedPlan().toString())
          .contains("SortMergeJoin")
          .doesNotContain("Exchange");
    } finally {
      spark().conf().unset("spark.sql.autoBroadcastJoinThreshold");
    }
  }

  @Test
  void headerTablesNeedNoJob() {
    String plan = spark().sql("SELECT tensor FROM models.base.tensors").queryExecution().toString();

    assertThat(plan).contains("LocalTableScan").doesNotContain("BatchScan");
  }

  @Test
  void headersAreAllThatIsRead() throws IOException {
    long elements = 100_000_000_000L;
    String header =
        "{\"w\":{\"dtype\":\"BF16\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
            .formatted(elements, 2 * elements);
    Path file = Files.createDirectories(zoo.resolve("huge")).resolve("model.safetensors");
    Files.write(file, TinyCheckpoint.file(header, new byte[0]));
    try (RandomAccessFile hole = new RandomAccessFile(file.toFile(), "rw")) {
      hole.setLength(hole.length() + 2 * elements);
    }
    try {
      assertThat(texts("SELECT tensor, bytes FROM models.huge.tensors"))
          .containsExactly("w|" + 2 * elements);
    } finally {
      Files.delete(file);
    }
  }

  @ParameterizedTest
  @CsvSource({"main, 3", "v1.0, 2", OLD + ", 2"})
  void aCachedModelMayBeReadAsOfARevision(String revision, long elements) {
    assertThat(
            texts(
                "SELECT elements FROM models.`acme/anvil-7B`.tensors VERSION AS OF '%s'"
                    .formatted(revision)))
        .containsExactly("" + elements);
    assertThat(texts("SELECT value FROM models.`acme/anvil-7B`.config")).containsExactly("3");
  }

  @Test
  void functionsAreThereByPlainNamesAndByTheCatalogs() {
    double sum = 0;
    for (double v : Family.values("a", "model.norm.weight", 6)) {
      sum += (double) (float) v * (float) v;
    }
    List<Row> rows =
        sql(
            """
            SELECT wl_l2(data, dtype), models.wl_l2(data, dtype)
            FROM models.`acme/tuned`.blocks WHERE tensor = 'model.norm.weight'
            """);

    assertThat(rows).hasSize(1);
    assertThat(rows.get(0).getDouble(0)).isCloseTo(Math.sqrt(sum), within(1e-12));
    assertThat(rows.get(0).getDouble(1)).isEqualTo(rows.get(0).getDouble(0));
    assertThat(texts("SHOW USER FUNCTIONS IN models")).contains("models.wl_l2");
  }

  @Test
  void theNamespaceMayBeTheCurrentOne() {
    try {
      sql("USE models.`acme/tuned`");
      assertThat(texts("SELECT count(*) FROM tensors")).containsExactly("8");
    } finally {
      sql("USE spark_catalog.default");
    }
  }

  @Test
  void partsOfANameMayBeSeparateNamespaces() {
    assertThat(texts("SELECT count(*) FROM models.acme.tuned.tensors")).containsExactly("8");
  }

  @Test
  void descriptionsSayWhatColumnsMean() {
    assertThat(texts("DESCRIBE TABLE EXTENDED models.base.tensors"))
        .contains("layer|int|null where there is none", "Location|" + zoo.resolve("base") + "|")
        .anyMatch(s -> s.startsWith("Comment|a row for each tensor"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "SELECT * FROM models.bas.tensors; Cannot find model bas: there is none of that name in; (did you mean base?)",
        "SHOW TABLES IN models.`acme/tunde`; Cannot find model acme/tunde; (did you mean acme/tuned?)",
        "SELECT * FROM models.zzzzzzzz.tensors; Cannot find model zzzzzzzz; (known: acme/anvil-7B, acme/tuned, base)",
        "SELECT * FROM models.base.tensor; Cannot find table tensor of models.`base`; (did you mean tensors?)",
        "SELECT * FROM models.base; Cannot read models.`base`: it is a model; models.`base`.tensors",
        "SELECT * FROM models.adapter.tensors; Cannot find model adapter; known:",
        "SELECT * FROM models.`acme/partial`.tensors; Cannot find model acme/partial; hf download",
        "SELECT * FROM models.base.tensors VERSION AS OF 'v2'; Cannot read base as of v2; leave the version out",
        "SELECT * FROM models.tensors VERSION AS OF 'v2'; Cannot read models.tensors as of v2; name the model",
        "SELECT * FROM models.`../base`.tensors; Cannot find model ../base; there is none",
      })
  void whatIsNotThereIsSaidWithWhatIsAlike(String statement, String first, String second) {
    refused(statement).hasMessageContaining(first).hasMessageContaining(second);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "CREATE TABLE models.base.more (x INT)",
        "CREATE TABLE models.base.more AS SELECT 1 AS x",
        "DROP TABLE models.base.tensors",
        "ALTER TABLE models.base.tensors ADD COLUMN x INT",
        "ALTER TABLE models.base.tensors RENAME TO models.base.others",
        "CREATE NAMESPACE models.more",
        "DROP NAMESPACE models.base CASCADE",
        "ALTER NAMESPACE models.base SET PROPERTIES ('a' = 'b')"
      })
  void theCatalogIsReadOnly(String statement) throws IOException {
    refused(statement).hasMessageContaining("the catalog models is read-only");
    assertThat(zoo.resolve("base/model.safetensors")).exists();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "INSERT INTO models.base.config VALUES ('base', 'a', '1')",
        "DELETE FROM models.base.tensors",
        "UPDATE models.base.config SET value = '1'"
      })
  void headersCannotBeWritten(String statement) {
    assertThatThrownBy(() -> sql(statement)).isInstanceOf(SparkThrowable.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "none; ; it does not know where the models are (set spark.sql.catalog.none.path",
        "gone; path=ZOO/nowhere; there is no such directory",
        "file; path=ZOO/base/config.json; it is no directory",
        "odd; path=ZOO,paht=x; spark.sql.catalog.odd.paht is no option of it (did you mean path?)",
      })
  void aCatalogThatIsSetUpWronglySaysSo(String name, String options, String words) {
    spark().conf().set("spark.sql.catalog." + name, ModelCatalog.class.getName());
    if (options != null) {
      for (String option : options.split(",")) {
        String[] parts = option.replace("ZOO", zoo.toString()).split("=");
        spark().conf().set("spark.sql.catalog." + name + "." + parts[0], parts[1]);
      }
    }

    refused("SHOW NAMESPACES IN " + name).hasMessageContaining(words);
  }

  @Test
  void theFolderMayBeTheModel() {
    spark().conf().set("spark.sql.catalog.single", ModelCatalog.class.getName());
    spark().conf().set("spark.sql.catalog.single.path", zoo.resolve("acme/tuned") + "/");

    assertThat(texts("SHOW NAMESPACES IN single")).containsExactly("tuned");
    assertThat(texts("SELECT count(*) FROM single.tuned.tensors")).containsExactly("8");
  }

  @Test
  void modelsComeAndGoWithoutARestart() throws IOException {
    Path late = Family.weights("b", "F32").writeModel(zoo.resolve("late"), "");

    assertThat(texts("SELECT count(*) FROM models.late.tensors")).containsExactly("8");
    Files.delete(late.resolve("model.safetensors"));
    refused("SELECT count(*) FROM models.late.tensors")
        .hasMessageContaining("Cannot find model late");
  }
}
