package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.job.Family;
import io.weightloom.job.LocalSpark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code weightloom sql}: what it prints, and where. */
@NullUnmarked
class SqlCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path zoo;

  @BeforeAll
  static void writeModels() {
    Family.write(zoo, "BF16");
  }

  @BeforeEach
  void stopOthers() {
    LocalSpark.stop();
  }

  private static Cli sql(String statement, Object... options) {
    return Cli.run(
        Stream.concat(Stream.of("sql", "--models", zoo, "-e", statement), Stream.of(options))
            .toArray());
  }

  private static List<JsonNode> lines(String out) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : out.lines().toList()) {
      lines.add(JSON.readTree(line));
    }
    return lines;
  }

  @Test
  void aTableIsAlignedAndWordsGoToStandardError() {
    Cli run =
        sql(
            """
            SELECT tensor, dtype, elements, shape, elements / 3 AS third, layer
            FROM models.base.tensors WHERE role LIKE '%norm%' ORDER BY tensor
            """);

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out())
        .isEqualTo(
            """
            tensor                                 dtype  elements  shape    third  layer
            -------------------------------------  -----  --------  -----  -------  -----
            model.layers.0.input_layernorm.weight  BF16          7  [7]    2.33333      0
            model.layers.1.input_layernorm.weight  BF16          7  [7]    2.33333      1
            model.norm.weight                      BF16          6  [6]          2   NULL
            """);
    assertThat(run.err()).isEqualTo("3 rows\n");
    assertThat(LocalSpark.isRunning()).isFalse();
  }

  @Test
  void jsonIsALineForEachRow() throws IOException {
    Cli run =
        sql(
            "SELECT tensor, layer, shape, X'00ff' AS bytes, double('nan') AS n FROM models.base.tensors ORDER BY tensor",
            "--output",
            "json");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err()).isEmpty();
    List<JsonNode> rows = lines(run.out());
    assertThat(rows).hasSize(8);
    assertThat(rows.get(0))
        .hasToString(
            "{\"tensor\":\"lm_head.weight\",\"layer\":null,\"shape\":[16,6],\"bytes\":\"AP8=\",\"n\":\"NaN\"}");
  }

  @Test
  void csvIsQuotedWhereItMustBe() {
    Cli run =
        sql(
            "SELECT 'a,b' AS `x \"y\"`, 1.5D AS d, CAST(NULL AS INT) AS n, '' AS e, array(1, 2) AS l",
            "--output",
            "csv");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).isEqualTo("\"x \"\"y\"\"\",d,n,e,l\n\"a,b\",1.5,,\"\",\"[1, 2]\"\n");
  }

  @Test
  void bytesAreAbbreviatedBeforeTheyAreFetched() {
    Cli run =
        sql(
            """
            SELECT id, CAST(repeat('ab', 1000000) AS BINARY) AS data, X'01' AS one, X'02' AS one,
              CAST(NULL AS BINARY) AS none
            FROM range(3)
            """);

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out())
        .isEqualTo(
            """
            id  data                          one   one   none
            --  ----------------------------  ----  ----  ----
             0  0x6162616261626162… 1.91 MiB  0x01  0x02  NULL
             1  0x6162616261626162… 1.91 MiB  0x01  0x02  NULL
             2  0x6162616261626162… 1.91 MiB  0x01  0x02  NULL
            """);
  }

  @Test
  void aLimitIsSaid() {
    Cli run = sql("SELECT id FROM range(10)", "--limit", 2);

    assertThat(run.out()).isEqualTo("id\n--\n 0\n 1\n");
    assertThat(run.err()).isEqualTo("2 rows, and more (see --limit)\n");
    assertThat(sql("SELECT id FROM range(10)", "--limit", 2, "--output", "json").out())
        .isEqualTo("{\"id\":0}\n{\"id\":1}\n");
  }

  @Test
  void aFileMayHoldManyStatements() throws IOException {
    Path file =
        Files.writeString(
            zoo.resolve("script.sql"),
            """
            -- a comment; with a semicolon
            CREATE TEMPORARY VIEW wide AS SELECT * FROM models.a.tensors WHERE elements > 90;
            SELECT count(*) AS n, ';' AS s FROM wide; /* and; /* nested; */ */
            ;
            """);

    Cli run = Cli.run("sql", "--models", zoo, "-f", file, "--output", "json");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).isEqualTo("{\"n\":2,\"s\":\";\"}\n");
  }

  @Test
  void modelsOfABlockTableAreModelsLikeOthers(@TempDir Path dir) {
    Path table = dir.resolve("table");
    assertThat(
            Cli.run(
                    "explode",
                    zoo.resolve("a"),
                    zoo.resolve("b"),
                    table,
                    "--name",
                    "acme/a",
                    "--name",
                    "b")
                .exitCode())
        .isZero();
    String query =
        "SELECT model, tensor, wl_digest(data) AS d FROM %s.blocks WHERE layer = 1 ORDER BY tensor";
    String fromTable =
        Cli.run(
                "sql",
                "--models",
                dir,
                "-e",
                query.formatted("models.`table/acme/a`"),
                "--output",
                "csv")
            .out();
    String fromFiles = sql(query.formatted("models.a"), "--output", "csv").out();

    assertThat(fromTable.replace("table/acme/a,", "a,")).isEqualTo(fromFiles).hasLineCount(3);
    assertThat(
            Cli.run("sql", "--models", table, "-e", "SHOW NAMESPACES IN models", "--output", "csv")
                .out())
        .isEqualTo("namespace\n`acme/a`\nb\n");
    assertThat(
            Cli.run(
                    "sql",
                    "--models",
                    table,
                    "-e",
                    "SELECT value FROM models.b.config WHERE key = 'model_type'",
                    "--output",
                    "csv")
                .out())
        .isEqualTo("value\n\"\"\"llama\"\"\"\n");
  }

  @Test
  void plansAreNotTornIntoATable() {
    Cli run = sql("EXPLAIN SELECT tensor FROM models.base.tensors");

    assertThat(run.out()).startsWith("== Physical Plan ==\n").doesNotContain("\\n");
  }

  @Test
  void moreCatalogsMayBeNamed() {
    Cli run =
        Cli.run(
            "sql",
            "--catalog",
            "first=" + zoo,
            "--catalog",
            "second=" + zoo.resolve("a"),
            "-e",
            "SELECT count(*) AS n FROM first.b.tensors UNION ALL SELECT count(*) FROM second.a.tensors",
            "--output",
            "csv");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).isEqualTo("n\n8\n8\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "SELEC 1 | 2 | Cannot run the query: | Syntax error at or near 'SELEC'",
        "SELECT nope FROM models.base.tensors | 2 | Cannot run the query: [UNRESOLVED_COLUMN | `nope`",
        "SELECT * FROM nowhere | 2 | Cannot run the query: [TABLE_OR_VIEW_NOT_FOUND] | `nowhere`",
        "SELECT 1 / 0 | 2 | Cannot run the query: [DIVIDE_BY_ZERO] | Division by zero",
        "SELECT CAST('x' AS INT) | 2 | Cannot run the query: [CAST_INVALID_INPUT] | 'x'",
        "SELECT wl_no_such(1) | 2 | Cannot run the query: [UNRESOLVED_ROUTINE] | wl_no_such",
        "SELECT * FROM models.bsae.tensors | 3 | Cannot find model bsae: | (did you mean base?)",
        "DROP TABLE models.base.tensors | 2 | Cannot drop table | read-only",
        "INSERT INTO models.base.config VALUES ('base', 'a', '1') | 2 | Cannot run the query: | append",
      })
  void whatSparkRefusesIsOneMessage(String statement, int exitCode, String first, String second) {
    Cli run = sql(statement);

    assertThat(run.err())
        .startsWith("weightloom: " + first)
        .contains(second)
        .doesNotContain("\tat ", "Exception", "'Project");
    assertThat(run.out()).isEmpty();
    assertThat(run.exitCode()).isEqualTo(exitCode);
    assertThat(LocalSpark.isRunning()).isFalse();
  }

  @Test
  void wrongCommandLinesStartNoSpark() {
    assertRefused(Cli.run("sql"), "Missing required argument");
    assertRefused(Cli.run("sql", "-e", " -- nothing\n;"), "there is no statement in it");
    assertRefused(Cli.run("sql", "-f", zoo.resolve("none.sql")), "there is no such file");
    assertRefused(sql("SELECT 1", "--limit", -1), "--limit must be 0 or more");
    assertRefused(sql("SELECT 1", "--output", "xml"), "xml");
    assertRefused(sql("SELECT 1", "--catalog", "nopath"), "nopath");
  }

  private static void assertRefused(Cli run, String words) {
    assertThat(run.err()).startsWith("weightloom: ").contains(words).doesNotContain("\tat ");
    assertThat(run.exitCode()).isEqualTo(2);
  }

  @Test
  void nothingIsLeftInTheWorkingDirectory() {
    assertThat(sql("SELECT 1 AS one").exitCode()).isZero();
    assertThat(Path.of("spark-warehouse")).doesNotExist();
    assertThat(Path.of("metastore_db")).doesNotExist();
  }
}
