package io.weightloom.udf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Our extensions beside those of Delta and Iceberg, in one session and in any order. */
class ExtensionsTest {
  private static final String OURS = "io.weightloom.udf.WeightloomExtensions";
  private static final String DELTA = "io.delta.sql.DeltaSparkSessionExtension";
  private static final String ICEBERG =
      "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions";

  private static final String NORMS = "SELECT id, wl_l2(data, dtype) AS n FROM %s ORDER BY id";

  private static void stop() {
    SparkSession.getDefaultSession()
        .foreach(
            session -> {
              session.stop();
              return null;
            });
    SparkSession.clearActiveSession();
    SparkSession.clearDefaultSession();
  }

  @AfterAll
  static void leaveNoSessionBehind() {
    stop();
  }

  private static SparkSession start(String extensions, Path dir) {
    stop();
    return Sql.builder()
        .config("spark.sql.extensions", extensions)
        .config(
            "spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.sql.catalog.ice", "org.apache.iceberg.spark.SparkCatalog")
        .config("spark.sql.catalog.ice.type", "hadoop")
        .config("spark.sql.catalog.ice.warehouse", dir.resolve("ice").toString())
        .config("spark.databricks.delta.snapshotPartitions", "1")
        .config("spark.sql.warehouse.dir", dir.resolve("warehouse").toString())
        .getOrCreate();
  }

  @ParameterizedTest
  @ValueSource(strings = {OURS + "," + DELTA + "," + ICEBERG, ICEBERG + "," + DELTA + "," + OURS})
  void blocksGoIntoAndOutOfDeltaTables(String extensions, @TempDir Path dir) {
    SparkSession spark = start(extensions, dir);
    Sql.blocks(spark, Sql.blocks(6, 50), 2);
    List<Row> expected = spark.sql(NORMS.formatted("blocks")).collectAsList();
    String table = "delta.`" + dir.resolve("delta") + "`";
    spark.sql("CREATE TABLE " + table + " USING delta AS SELECT * FROM blocks WHERE id < 3");
    spark.sql(
        """
        MERGE INTO %s t USING blocks s ON t.id = s.id
        WHEN MATCHED AND wl_l2(t.data, t.dtype) < 0 THEN DELETE
        WHEN NOT MATCHED AND wl_count(s.data, s.dtype) = 50 THEN INSERT *"""
            .formatted(table));

    assertThat(spark.sql(NORMS.formatted(table)).collectAsList()).isEqualTo(expected);
    // Delta's own grammar.
    assertThat(spark.sql("DESCRIBE HISTORY " + table).count()).isEqualTo(2);
  }

  /**
   * Iceberg 1.12.0 is built for Spark up to 4.1. On 4.2 its extensions load, beside ours and
   * Delta's above, but its catalog does not: "class org.apache.iceberg.spark.source.SparkView can
   * not implement org.apache.spark.sql.connector.catalog.View, because it is not an interface". So
   * {@code dev/test.sh} runs this class once more, on Spark 4.1.
   */
  @Test
  void blocksGoIntoAndOutOfIcebergTables(@TempDir Path dir) {
    assumeThat(org.apache.spark.package$.MODULE$.SPARK_VERSION()).doesNotStartWith("4.2");
    SparkSession spark = start(DELTA + "," + OURS + "," + ICEBERG, dir);
    Sql.blocks(spark, Sql.blocks(6, 50), 2);
    List<Row> expected = spark.sql(NORMS.formatted("blocks")).collectAsList();
    spark.sql("CREATE TABLE ice.db.blocks USING iceberg AS SELECT * FROM blocks");
    assertThat(spark.sql(NORMS.formatted("ice.db.blocks")).collectAsList()).isEqualTo(expected);
    // Iceberg's own grammar.
    spark.sql("ALTER TABLE ice.db.blocks ADD PARTITION FIELD bucket(4, id)");
    spark.sql("DELETE FROM ice.db.blocks WHERE wl_l2(data, dtype) >= 0 AND id >= 3");
    assertThat(spark.table("ice.db.blocks").count()).isEqualTo(3);
  }
}
