package io.weightloom.udf;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Our extensions beside those of Delta and Iceberg, in one session and in any order. */
class ExtensionsTest {
  private static final String OURS = "io.weightloom.udf.WeightloomExtensions";
  private static final String DELTA = "io.delta.sql.DeltaSparkSessionExtension";
  private static final String ICEBERG =
      "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions";

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
        .config("spark.sql.warehouse.dir", dir.resolve("warehouse").toString())
        .getOrCreate();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        OURS + "," + DELTA + "," + ICEBERG,
        ICEBERG + "," + DELTA + "," + OURS,
        DELTA + "," + OURS + "," + ICEBERG
      })
  void blocksGoIntoAndOutOfTheirTables(String extensions, @TempDir Path dir) {
    SparkSession spark = start(extensions, dir);
    List<Row> rows = Sql.blocks(6, 50);
    Sql.blocks(spark, rows, 2);
    String norms = "SELECT id, wl_l2(data, dtype) AS n FROM %s ORDER BY id";
    List<Row> expected = spark.sql(norms.formatted("blocks")).collectAsList();

    String delta = "delta.`" + dir.resolve("delta") + "`";
    spark.sql("CREATE TABLE " + delta + " USING delta AS SELECT * FROM blocks WHERE id < 3");
    spark.sql(
        """
        MERGE INTO %s t USING blocks s ON t.id = s.id
        WHEN MATCHED AND wl_l2(t.data, t.dtype) < 0 THEN DELETE
        WHEN NOT MATCHED AND wl_count(s.data, s.dtype) = 50 THEN INSERT *"""
            .formatted(delta));
    assertThat(spark.sql(norms.formatted(delta)).collectAsList()).isEqualTo(expected);
    assertThat(spark.sql("DESCRIBE HISTORY " + delta).count()).isEqualTo(2); // Delta's own grammar.

    spark.sql("CREATE TABLE ice.db.blocks USING iceberg AS SELECT * FROM blocks");
    assertThat(spark.sql(norms.formatted("ice.db.blocks")).collectAsList()).isEqualTo(expected);
    // Iceberg's own grammar.
    spark.sql("ALTER TABLE ice.db.blocks ADD PARTITION FIELD bucket(4, id)");
    spark.sql("DELETE FROM ice.db.blocks WHERE wl_l2(data, dtype) >= 0 AND id >= 3");
    assertThat(spark.table("ice.db.blocks").count()).isEqualTo(3);
  }
}
