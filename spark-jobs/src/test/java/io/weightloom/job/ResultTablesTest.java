package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.analysis.Column;
import io.weightloom.analysis.Table;
import io.weightloom.error.WeightloomException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.NullUnmarked;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@NullUnmarked
class ResultTablesTest {
  private record Found(String name, long count, @Nullable Double value) {}

  private static final Table<Found> TABLE =
      new Table<>(
          "found",
          3,
          "a row for each thing",
          List.of(
              Column.text("name", "its name", Found::name),
              Column.count("count", "how many", Found::count),
              Column.number("value", "a value, or none", Found::value),
              Column.flag("is_many", "more than one", f -> f.count() > 1),
              Column.numbers(
                  "twice",
                  "the value, two times",
                  f -> f.value() == null ? null : new double[] {f.value(), f.value()}),
              Column.counts("counts", "the count", f -> new long[] {f.count()})));

  private static final Table.Result RESULT =
      TABLE.of(
          List.of(new Found("a", 1, Double.NaN), new Found("b", 2, null), new Found("c", 3, 0.5)));

  @TempDir Path dir;
  private SparkSession spark;

  @BeforeEach
  void session() {
    spark = SparkSession.builder().sparkContext(LocalSpark.get()).getOrCreate();
  }

  private static void isAll(List<Row> rows) {
    assertThat(rows).hasSize(3);
    assertThat(rows.get(0).<String>getAs("name")).isEqualTo("a");
    assertThat(rows.get(0).<Double>getAs("value")).isNaN();
    assertThat(rows.get(1).<Double>getAs("value")).isNull();
    assertThat(rows.get(1).<Boolean>getAs("is_many")).isTrue();
    assertThat(rows.get(1).<Object>getAs("twice")).isNull();
    assertThat(rows.get(2).<Double>getAs("value")).isEqualTo(0.5);
    assertThat(rows.get(2).<Double>getList(rows.get(2).fieldIndex("twice")))
        .containsExactly(0.5, 0.5);
    assertThat(rows.get(2).<Long>getList(rows.get(2).fieldIndex("counts"))).containsExactly(3L);
  }

  @Test
  void parquetHasRowsCommentsAndTheVersion() {
    ResultTables.write(spark, List.of(RESULT), dir, false);
    var read = spark.read().parquet(dir.resolve("found").toString());
    isAll(read.orderBy("name").collectAsList());
    assertThat(read.schema().apply("value").getComment().get()).isEqualTo("a value, or none");
    assertThat(read.schema().apply("value").metadata().getLong("weightloom.version")).isEqualTo(3);
  }

  @Test
  void whatIsThereIsReplacedOnlyWhenAsked() throws IOException {
    ResultTables.write(spark, List.of(RESULT), dir, false);
    assertThatThrownBy(() -> ResultTables.write(spark, List.of(RESULT), dir, false))
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith("Cannot write ")
        .hasMessageEndingWith("found: it exists (choose another directory, or pass --overwrite)");
    Table.Result one = TABLE.of(List.of(new Found("z", 1, 1.0)));
    ResultTables.write(spark, List.of(one), dir, true);
    assertThat(spark.read().parquet(dir.resolve("found").toString()).count()).isEqualTo(1);
    try (Stream<Path> left = Files.list(dir)) {
      assertThat(left.map(p -> p.getFileName().toString())).containsExactly("found");
    }
  }

  @Test
  void rowsAreAddedToATableOfACatalog() {
    spark.sql("CREATE DATABASE IF NOT EXISTS audits LOCATION '" + dir.toUri() + "'");
    try {
      ResultTables.append(spark, List.of(RESULT), "audits");
      isAll(spark.sql("SELECT * FROM audits.found ORDER BY name").collectAsList());
      ResultTables.append(spark, List.of(RESULT), "audits");
      assertThat(spark.sql("SELECT * FROM audits.found").count()).isEqualTo(6);
      assertThat(spark.sql("SELECT DISTINCT run_at FROM audits.found").count()).isEqualTo(2);
    } finally {
      spark.sql("DROP DATABASE audits CASCADE");
    }
  }

  @Test
  void aSchemaThatIsNotThereIsTheUsersMistake() {
    assertThatThrownBy(() -> ResultTables.append(spark, List.of(RESULT), "nowhere"))
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith("Cannot write the table nowhere.found: ");
  }

  @Test
  void jsonTellsWhatIsNoNumber() {
    var rows = ResultTables.json(List.of(RESULT)).path("found").path("rows");
    assertThat(rows).hasSize(3);
    assertThat(rows.path(0).path("value").asDouble()).isNaN();
    assertThat(rows.path(1).path("value").isNull()).isTrue();
    assertThat(rows.path(2).path("twice").path(1).asDouble()).isEqualTo(0.5);
    assertThat(Json.prettyText(ResultTables.json(List.of(RESULT)))).contains("\"value\" : \"NaN\"");
  }
}
