package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.cli.Main;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Merges in a JVM of its own with these kernels, which a JVM chooses but once. */
final class ForkedMerge {

  private ForkedMerge() {}

  static void run(String kernels, Path recipe, Path out) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // What this JVM was started with opens what Spark needs, and the vector module.
    command.addAll(
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
            .filter(a -> a.startsWith("--") || a.startsWith("-X"))
            .toList());
    command.addAll(List.of("-Dweightloom.kernels=" + kernels, "-Dspark.master=local[2]"));
    command.addAll(List.of("-Dspark.ui.enabled=false", "-Dspark.driver.host=localhost"));
    command.addAll(
        List.of("-cp", classPath(), Main.class.getName(), "merge", recipe + "", out + ""));
    Path log = out.resolveSibling(kernels + ".log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    int code = process.waitFor();
    String printed = Files.readString(log, StandardCharsets.UTF_8);
    assertThat(code).as(printed).isZero();
    assertThat(Files.readString(out.resolve(Manifest.FILE)))
        .contains("\"kernels\" : \"" + kernels + "\"");
  }

  private static String classPath() {
    return System.getProperty("java.class.path") + File.pathSeparator;
  }
}
