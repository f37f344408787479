package io.weightloom.cli;

import io.weightloom.job.EmbeddedSpark;
import io.weightloom.job.KernelWarmUp;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.spark.SparkContext;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What every command that runs a job is told, and how it runs it. */
final class JobOptions {

  /** How progress is shown. */
  enum ProgressMode {
    AUTO,
    JSON,
    NONE
  }

  @Mixin private OutputFormat format = new OutputFormat();

  @Option(
      names = "--progress",
      defaultValue = "auto",
      description = "auto (a line on a terminal), json (lines on standard error) or none")
  private ProgressMode progress = ProgressMode.AUTO;

  @Option(
      names = "--master",
      paramLabel = "URL",
      description = "Spark master; read by the launcher (default: the cores of this machine)")
  private @Nullable String master;

  private @Nullable ProgressLine line;

  /**
   * What a job came to.
   *
   * @param seconds with the start of Spark
   */
  record Ended<T>(T result, double seconds) {}

  boolean isJson() {
    return format.isJson();
  }

  @Nullable String master() {
    return master;
  }

  ProgressLine progress() {
    ProgressLine drawn = line;
    if (drawn == null) {
      drawn = ProgressLine.of(progress);
      line = drawn;
    }
    return drawn;
  }

  /** Runs a job on a Spark of its own. */
  <T> Ended<T> run(Function<SparkContext, T> job) {
    return onContext(() -> EmbeddedSpark.context(master), job);
  }

  /** Runs a job on a Spark of its own, whose start leaves time to warm kernels up. */
  <T> Ended<T> run(Supplier<KernelWarmUp> kernels, Function<SparkContext, T> job) {
    return onContext(
        () -> {
          KernelWarmUp warmUp = kernels.get();
          try {
            return EmbeddedSpark.context(master);
          } finally {
            warmUp.stop();
          }
        },
        job);
  }

  private <T> Ended<T> onContext(Supplier<SparkContext> start, Function<SparkContext, T> job) {
    long begin = System.nanoTime();
    SparkContext spark = start.get();
    try {
      T result = job.apply(spark);
      return new Ended<>(result, (System.nanoTime() - begin) / 1e9);
    } finally {
      progress().wipe();
      spark.stop();
    }
  }
}
