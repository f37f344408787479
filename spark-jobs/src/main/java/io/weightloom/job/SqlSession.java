package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.Nullable;

/** A Spark session with everything of ours switched on: functions, data source and catalogs. */
public final class SqlSession implements AutoCloseable {
  /** The catalog that every session has. */
  public static final String MODELS = "models";

  private static final String EXTENSIONS = "spark.sql.extensions";
  private static final String OURS = "io.weightloom.udf.WeightloomExtensions";
  private static final String CATALOG = "io.weightloom.catalog.ModelCatalog";
  private static final String WAREHOUSE = "spark.sql.warehouse.dir";

  private final SparkSession spark;
  private final @Nullable Path warehouse;

  private SqlSession(SparkSession spark, @Nullable Path warehouse) {
    this.spark = spark;
    this.warehouse = warehouse;
  }

  /**
   * Starts a session.
   *
   * @param master where Spark runs if nothing else says so; null for this machine's cores
   * @param catalogs catalogs of models by name: the folder or bucket of each
   * @throws WeightloomException if there is no Spark at the master
   */
  public static SqlSession open(@Nullable String master, Map<String, String> catalogs) {
    SparkConf conf = new SparkConf();
    String theirs = conf.get(EXTENSIONS, "");
    conf.set(EXTENSIONS, theirs.isBlank() ? OURS : theirs + "," + OURS);
    catalogs.forEach(
        (name, path) -> {
          conf.set("spark.sql.catalog." + name, CATALOG);
          conf.set("spark.sql.catalog." + name + ".path", path);
        });
    // Joins of models by tensor and block then need no exchange, though partitions go by tensor.
    conf.setIfMissing("spark.sql.requireAllClusterKeysForCoPartition", "false");
    Path warehouse = null;
    if (!conf.contains(WAREHOUSE)) {
      // Spark would make one in the working directory.
      warehouse = temporary();
      conf.set(WAREHOUSE, warehouse.toString());
    }
    if (!conf.contains("spark.sql.shuffle.partitions")
        && conf.get("spark.master", master == null ? "local[*]" : master).startsWith("local")) {
      int cores = Runtime.getRuntime().availableProcessors();
      conf.set("spark.sql.shuffle.partitions", String.valueOf(cores));
    }
    SparkContext context = EmbeddedSpark.context(master, conf);
    return new SqlSession(SparkSession.builder().sparkContext(context).getOrCreate(), warehouse);
  }

  private static Path temporary() {
    try {
      return Files.createTempDirectory("weightloom-warehouse-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public SparkSession spark() {
    return spark;
  }

  @Override
  public void close() {
    spark.stop();
    if (warehouse != null) {
      try {
        OutputDir.delete(warehouse);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
