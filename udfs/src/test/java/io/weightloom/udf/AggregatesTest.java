package io.weightloom.udf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weightloom.error.WeightloomException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.plans.physical.HashPartitioning;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.exchange.ShuffleExchangeExec;
import org.apache.spark.sql.functions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AggregatesTest {
  private final SparkSession spark = Sql.session();

  private static final String ALL =
      """
      SELECT tensor, wl_stats_merge(wl_stats(data, dtype)) AS stats,
        wl_histogram_merge(wl_histogram(data, dtype)) AS histogram,
        wl_gram_merge(wl_gram(array(data, other), dtype)) AS gram
      FROM blocks GROUP BY tensor ORDER BY tensor""";

  @ParameterizedTest
  @ValueSource(strings = {"", "wl."})
  void resultsDoNotDependOnPartitionsOrOrder(String route) {
    String query = ALL.replace("wl_", route + "wl_");
    List<Row> rows = new ArrayList<>(Sql.blocks(80, 300));
    List<List<Object>> first = results(query, rows, 1);
    assertThat(first).hasSize(2);
    for (int partitions : new int[] {2, 5, 17}) {
      Collections.shuffle(rows, new Random(partitions));
      assertThat(results(query, rows, partitions)).isEqualTo(first);
    }
    // Beyond so many groups Spark sorts instead of hashing.
    spark.conf().set("spark.sql.objectHashAggregate.sortBased.fallbackThreshold", "1");
    try {
      assertThat(results(query, rows, 3)).isEqualTo(first);
    } finally {
      spark.conf().unset("spark.sql.objectHashAggregate.sortBased.fallbackThreshold");
    }
  }

  private List<List<Object>> results(String query, List<Row> rows, int partitions) {
    Sql.blocks(spark, rows, partitions);
    List<List<Object>> results = new ArrayList<>();
    for (Row row : spark.sql(query).collectAsList()) {
      results.add(
          List.of(
              row.getString(0),
              hex(row.getAs("stats")),
              hex(row.getAs("histogram")),
              row.getList(3).toString()));
    }
    return results;
  }

  private static String hex(byte[] bytes) {
    return java.util.HexFormat.of().formatHex(bytes);
  }

  @Test
  void mergedStatisticsAreThoseOfAllValues() {
    List<Row> rows = Sql.blocks(10, 700);
    Sql.blocks(spark, rows, 4);
    double[] all =
        rows.stream()
            .flatMapToDouble(r -> Arrays.stream(Sql.values(r.getString(2), r.<byte[]>getAs(3))))
            .toArray();
    Row stats =
        spark
            .sql("SELECT wl_stats_info(wl_stats_merge(wl_stats(data, dtype))) AS s FROM blocks")
            .select("s.*")
            .head();
    double n = all.length;
    double mean = Arrays.stream(all).sum() / n;
    double m2 = Arrays.stream(all).map(x -> Math.pow(x - mean, 2)).sum() / n;
    double m3 = Arrays.stream(all).map(x -> Math.pow(x - mean, 3)).sum() / n;
    double m4 = Arrays.stream(all).map(x -> Math.pow(x - mean, 4)).sum() / n;
    assertThat(stats.<Long>getAs("elements")).isEqualTo(7000);
    assertThat(stats.<Long>getAs("zeros"))
        .isEqualTo(Arrays.stream(all).filter(x -> x == 0).count());
    assertThat(stats.<Double>getAs("mean")).isCloseTo(mean, within(1e-15));
    assertThat(stats.<Double>getAs("variance")).isCloseTo(m2, within(1e-15));
    assertThat(stats.<Double>getAs("skewness")).isCloseTo(m3 / Math.pow(m2, 1.5), within(1e-9));
    assertThat(stats.<Double>getAs("kurtosis")).isCloseTo(m4 / m2 / m2 - 3, within(1e-9));
    assertThat(stats.<Double>getAs("min")).isEqualTo(Arrays.stream(all).min().getAsDouble());
    assertThat(stats.<Double>getAs("l2"))
        .isCloseTo(Math.sqrt(Arrays.stream(all).map(x -> x * x).sum()), within(1e-12));
  }

  @Test
  void quantilesOfMergedHistogramsAreThoseOfAllValues() {
    List<Row> rows =
        Sql.blocks(40, 500).stream()
            .filter(r -> r.getString(2).equals("BF16") || r.getString(2).equals("F16"))
            .toList();
    Sql.blocks(spark, rows, 3);
    double[] sorted =
        rows.stream()
            .flatMapToDouble(r -> Arrays.stream(Sql.values(r.getString(2), r.<byte[]>getAs(3))))
            .map(Math::abs)
            .sorted()
            .toArray();
    Row row =
        spark
            .sql(
                "SELECT wl_quantiles(wl_histogram_merge(wl_histogram(data, dtype)),"
                    + " array(0, 0.5, 0.9, 1)) FROM blocks")
            .head();
    int n = sorted.length;
    assertThat(n).isEqualTo(10_000);
    assertThat(row.<Double>getList(0))
        .containsExactly(sorted[0], sorted[n / 2 - 1], sorted[n * 9 / 10 - 1], sorted[n - 1]);
  }

  @Test
  void aGramMatrixOverBlocksHoldsAllDotProducts() {
    List<Row> rows = Sql.blocks(12, 400);
    Sql.blocks(spark, rows, 3);
    Row row =
        spark
            .sql("SELECT wl_gram_merge(wl_gram(array(data, other, data), dtype)) AS g FROM blocks")
            .head();
    double xx = 0;
    double xy = 0;
    double yy = 0;
    for (Row block : rows) {
      double[] x = Sql.values(block.getString(2), block.<byte[]>getAs(3));
      double[] y = Sql.values(block.getString(2), block.<byte[]>getAs(4));
      xx += Arrays.stream(x).map(v -> v * v).sum();
      yy += Arrays.stream(y).map(v -> v * v).sum();
      xy += IntStream.range(0, x.length).mapToDouble(i -> x[i] * y[i]).sum();
    }
    double[][] expected = {{xx, xy, xx}, {xy, yy, xy}, {xx, xy, xx}};
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 3; j++) {
        assertThat(cell(row, i, j)).isCloseTo(expected[i][j], within(1e-12));
      }
    }
  }

  private static double cell(Row row, int i, int j) {
    scala.collection.Seq<?> rowOfMatrix = (scala.collection.Seq<?>) row.getList(0).get(i);
    return (Double) rowOfMatrix.apply(j);
  }

  @ParameterizedTest
  @ValueSource(strings = {"wl_stats_merge", "wl_histogram_merge", "wl_gram_merge"})
  void ofNothingThereIsNothing(String name) {
    for (String route : List.of("", "wl.")) {
      String call = route + name + "(CAST(null AS BINARY))";
      assertThat(Sql.value(call)).isNull();
      assertThat(Sql.value(call + " FROM range(5)")).isNull();
      assertThat(Sql.value(call + " FROM range(5) WHERE id < 0")).isNull();
    }
  }

  @Test
  void nullsArePassedOver() {
    assertThat(
            Sql.value(
                "wl_stats_info(wl_stats_merge(s)).elements FROM VALUES (wl_stats(X'803F', 'BF16')),"
                    + " (null), (wl_stats(X'', 'BF16')) AS t(s)"))
        .isEqualTo(1L);
  }

  @Test
  void whatIsNoSketchOrOfOtherModelsFailsTheQuery() {
    assertThatThrownBy(() -> Sql.value("wl_stats_merge(X'0102')"))
        .satisfies(e -> assertMessage(e, "Cannot read block statistics from 2 bytes"));
    assertThatThrownBy(
            () ->
                Sql.value(
                    "wl_gram_merge(g) FROM VALUES (wl_gram(array(X'803F'), 'BF16')),"
                        + " (wl_gram(array(X'803F', X'803F'), 'BF16')) AS t(g)"))
        .satisfies(e -> assertMessage(e, "Cannot merge Gram matrices of "));
  }

  private static void assertMessage(Throwable e, String message) {
    assertThat(WeightloomException.in(e))
        .hasValueSatisfying(cause -> assertThat(cause).hasMessageStartingWith(message));
  }

  @Test
  void onlySketchesAreShuffled() {
    spark.conf().set("spark.sql.adaptive.enabled", "false");
    try {
      Dataset<Row> query =
          Sql.blocks(spark, Sql.blocks(4, 10), 3)
              .groupBy("tensor")
              .agg(functions.expr("wl_stats_merge(wl_stats(data, dtype))"));
      List<String> shuffled = new ArrayList<>();
      collect(query.queryExecution().executedPlan(), shuffled);
      assertThat(shuffled).containsExactly("tensor, buf");
    } finally {
      spark.conf().unset("spark.sql.adaptive.enabled");
    }
  }

  /** The columns of each shuffle but that of the rows' own partitions. */
  private static void collect(SparkPlan plan, List<String> shuffled) {
    if (plan instanceof ShuffleExchangeExec exchange
        && exchange.outputPartitioning() instanceof HashPartitioning) {
      shuffled.add(exchange.output().map(a -> a.name()).mkString(", "));
    }
    plan.children()
        .foreach(
            child -> {
              collect(child, shuffled);
              return null;
            });
  }

  @Test
  void goesWithFiltersAndWindows() {
    Sql.blocks(spark, Sql.blocks(8, 10), 2);
    assertThat(
            spark
                .sql(
                    "SELECT wl_stats_info(wl_stats_merge(wl_stats(data, dtype)) FILTER (WHERE id <"
                        + " 3)).elements FROM blocks")
                .head()
                .getLong(0))
        .isEqualTo(30);
    assertThat(
            spark
                .sql(
                    "SELECT wl_stats_info(wl_stats_merge(wl_stats(data, dtype)) OVER (PARTITION BY"
                        + " tensor)).elements AS n FROM blocks")
                .filter("n = 40")
                .count())
        .isEqualTo(8);
  }
}
