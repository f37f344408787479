package io.weightloom.bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * How fast Spark SQL reads models: bytes of tensors by seconds of the process's CPU time, and by
 * the clock. Run by {@code dev/bench-source.sh}; warm the page cache first.
 *
 * <pre>
 * l2 MODEL...       wl_l2 over all blocks, from a directory or a block table
 * length MODEL...   the same with a function that does nothing
 * aligned MODEL...  length of all models' blocks in one row
 * headers MODEL...  rows and elements by dtype: nothing but headers
 * </pre>
 */
public final class SourceBench {
  private static final int RUNS = 5;

  private SourceBench() {}

  public static void main(String[] args) {
    if (args.length < 2) {
      System.err.println("usage: l2|length|aligned|headers MODEL...");
      System.exit(2);
    }
    String what = args[0];
    String[] models = Arrays.copyOfRange(args, 1, args.length);
    SparkSession spark =
        SparkSession.builder()
            .master(System.getProperty("master", "local[1]"))
            .config("spark.ui.enabled", false)
            .config("spark.sql.extensions", "io.weightloom.udf.WeightloomExtensions")
            .config("spark.sql.requireAllClusterKeysForCoPartition", false)
            .getOrCreate();
    try {
      for (int run = 0; run < RUNS; run++) {
        report(what, run, spark, models);
      }
    } finally {
      spark.stop();
    }
  }

  private static void report(String what, int run, SparkSession spark, String[] models) {
    OperatingSystemMXBean machine =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long cpu = machine.getProcessCpuTime();
    long wall = System.nanoTime();
    Dataset<Row> rows =
        spark.read().format("checkpoint").option("aligned", what.equals("aligned")).load(models);
    List<Row> answer = query(what, rows, models.length).collectAsList();
    double wallSeconds = (System.nanoTime() - wall) / 1e9;
    double cpuSeconds = (machine.getProcessCpuTime() - cpu) / 1e9;
    double gigabytes = what.equals("headers") ? 0 : answer.get(0).getLong(0) / 1e9;
    System.out.printf(
        Locale.ROOT,
        "%s run %d: %.2f GB, %.2f s, %.2f s CPU, %.2f GB/s, %.2f GB/s a core, %s%n",
        what,
        run,
        gigabytes,
        wallSeconds,
        cpuSeconds,
        gigabytes / wallSeconds,
        gigabytes / cpuSeconds,
        answer);
  }

  private static Dataset<Row> query(String what, Dataset<Row> rows, int models) {
    switch (what) {
      case "l2":
        return rows.selectExpr(
            "sum(file_end - file_begin)", "sqrt(sum(pow(wl_l2(data, dtype), 2)))");
      case "length":
        return rows.selectExpr("sum(length(data))");
      case "aligned":
        StringBuilder sum = new StringBuilder("0L");
        for (int i = 0; i < models; i++) {
          sum.append(" + length(data").append(i).append(')');
        }
        return rows.selectExpr("sum(" + sum + ")");
      case "headers":
        return rows.groupBy("dtype").sum("count");
      default:
        throw new IllegalArgumentException(what);
    }
  }
}
