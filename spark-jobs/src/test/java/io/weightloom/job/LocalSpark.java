package io.weightloom.job;

import io.weightloom.source.SparkStorageProviderTest;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.jspecify.annotations.Nullable;

/** The one Spark of a test JVM; started again when another test has stopped it. */
public final class LocalSpark {
  private static @Nullable SparkContext context;

  private LocalSpark() {}

  /** Two cores, for tests that do not care. */
  public static SparkContext get() {
    return on(2);
  }

  /** A context on so many cores. */
  public static synchronized SparkContext on(int cores) {
    String master = "local[" + cores + "]";
    SparkContext running = context;
    if (running != null && !running.isStopped() && running.master().equals(master)) {
      return running;
    }
    stop();
    SparkContext started =
        new SparkContext(
            new SparkConf()
                .setMaster(master)
                .setAppName("test")
                .set("spark.sql.warehouse.dir", "target/warehouse-" + ProcessHandle.current().pid())
                .set("spark.hadoop.fs.woven.impl", SparkStorageProviderTest.Woven.class.getName())
                .set("spark.ui.enabled", "false")
                .set("spark.driver.host", "localhost")
                .set("spark.driver.bindAddress", "127.0.0.1"));
    context = started;
    return started;
  }

  /** Stops it, for tests that must see none or another. */
  public static synchronized void stop() {
    if (context != null) {
      context.stop();
      context = null;
    }
  }

  /** Whether any context is running in this JVM. */
  public static boolean isRunning() {
    return org.apache.spark.SparkContext$.MODULE$.getActive().isDefined();
  }
}
