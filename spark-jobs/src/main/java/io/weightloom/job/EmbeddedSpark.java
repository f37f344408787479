package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.jspecify.annotations.Nullable;

/**
 * The Spark of this process: the one that {@code spark-submit} set up, or one of our own on this
 * machine's cores, with nothing started that a merge does not use.
 */
public final class EmbeddedSpark {
  /** What a context of our own goes without, or does with less. Settings of the user's win. */
  private static final Map<String, String> LEAN =
      Map.of(
          "spark.ui.enabled", "false",
          "spark.ui.showConsoleProgress", "false",
          "spark.driver.host", "localhost",
          "spark.driver.bindAddress", "127.0.0.1",
          "spark.serializer.objectStreamReset", "-1",
          "spark.cleaner.periodicGC.interval", "1h");

  private EmbeddedSpark() {}

  /**
   * The context that runs, or a new one.
   *
   * @param master where a new one runs if nothing else says so; null for this machine's cores
   * @throws WeightloomException if there is no Spark at the master
   */
  public static SparkContext context(@Nullable String master) {
    return context(master, new SparkConf());
  }

  /**
   * The context that runs, or a new one with these settings.
   *
   * @param conf settings of the caller's, and the user's
   */
  static SparkContext context(@Nullable String master, SparkConf conf) {
    conf.setIfMissing("spark.app.name", "weightloom");
    conf.setIfMissing("spark.master", master == null ? "local[*]" : master);
    if (!conf.contains("spark.submit.deployMode") && conf.get("spark.master").startsWith("local")) {
      LEAN.forEach(conf::setIfMissing);
    }
    try {
      return SparkContext.getOrCreate(conf);
    } catch (Exception e) { // Scala does not declare what it throws.
      throw WeightloomException.usage(
          "Cannot start Spark on %s: %s (see --master and Spark's settings)"
              .formatted(conf.get("spark.master"), e.getMessage()));
    }
  }

  /**
   * What to throw when a job has failed.
   *
   * @param doing what could not be done, as {@code merge}
   * @param e what Spark threw, perhaps a checked exception that Scala does not declare
   */
  static RuntimeException failure(SparkContext spark, String doing, Exception e) {
    Optional<WeightloomException> known = WeightloomException.in(e);
    if (known.isPresent()) {
      return known.get();
    }
    if (spark.isStopped()) {
      return WeightloomException.usage(
          "Cannot %s on %s: Spark has stopped (see whether its master can be reached and gives executors)"
              .formatted(doing, spark.master()));
    }
    return e instanceof RuntimeException other
        ? other
        : new IllegalStateException("Spark failed", e);
  }
}
