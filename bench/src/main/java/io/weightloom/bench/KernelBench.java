package io.weightloom.bench;

import java.io.PrintStream;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * Runs the benchmarks and prints a table: the bytes that one call touches and GB/s of each provider
 * in its best iteration. Takes JMH's own arguments, such as a pattern of names or {@code -p
 * chunk=512,1024,2048}.
 */
public final class KernelBench {
  private static final String[] JVM = {
    "--add-modules=jdk.incubator.vector", "-Xmx1g", "-XX:+UseSerialGC"
  };

  private KernelBench() {}

  /** Prints to standard output. */
  public static void main(String[] args) throws RunnerException, CommandLineOptionException {
    CommandLineOptions given = new CommandLineOptions(args);
    ChainedOptionsBuilder options = new OptionsBuilder().parent(given).jvmArgsAppend(JVM);
    // A process of its own for each, and again: what C2 makes of a loop varies between runs.
    options.forks(given.getForkCount().orElse(2));
    options.warmupIterations(given.getWarmupIterations().orElse(3));
    options.warmupTime(given.getWarmupTime().orElse(TimeValue.seconds(1)));
    // Short and many, for the best of them to be free of what else runs on the machine.
    options.measurementIterations(given.getMeasurementIterations().orElse(50));
    options.measurementTime(given.getMeasurementTime().orElse(TimeValue.milliseconds(20)));
    print(new Runner(options.build()).run(), System.out);
  }

  private static void print(Collection<RunResult> results, PrintStream out) {
    Map<String, Map<String, RunResult>> rows = new TreeMap<>();
    for (RunResult result : results) {
      BenchmarkParams params = result.getParams();
      if (!params.getParamsKeys().contains("provider")) {
        continue; // JMH's own table has it.
      }
      String name = params.getBenchmark().replaceFirst(".*\\.(?=[^.]+\\.[^.]+$)", "");
      String chunk = params.getParamsKeys().contains("chunk") ? params.getParam("chunk") : "";
      rows.computeIfAbsent(name + " " + chunk, key -> new TreeMap<>())
          .put(params.getParam("provider"), result);
    }
    if (rows.isEmpty()) {
      return;
    }
    String line = "%-40s %12s %12s %12s %8s%n";
    out.printf(line, "kernel", "bytes/call", "vector GB/s", "scalar GB/s", "ratio");
    rows.forEach(
        (name, row) -> {
          double vector = rate(row.get("vector"));
          double scalar = rate(row.get("scalar"));
          int bytes = row.values().iterator().next().getParams().getOpsPerInvocation();
          out.printf(line, name, bytes, number(vector), number(scalar), number(vector / scalar));
        });
  }

  /** The best iteration; operations are bytes, so those in a nanosecond are GB/s. */
  private static double rate(RunResult result) {
    return result == null ? Double.NaN : result.getPrimaryResult().getStatistics().getMax();
  }

  private static String number(double value) {
    return Double.isNaN(value) ? "-" : "%.2f".formatted(value);
  }
}
