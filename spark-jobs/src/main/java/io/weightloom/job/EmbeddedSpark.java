package io.weightloom.job;

import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;

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

  /** The context that runs, or a new one. */
  public static SparkContext context() {
    SparkConf conf = new SparkConf();
    conf.setIfMissing("spark.app.name", "weightloom");
    if (!conf.contains("spark.master")) {
      conf.set("spark.master", "local[*]");
      LEAN.forEach(conf::setIfMissing);
    }
    return SparkContext.getOrCreate(conf);
  }
}
