package io.weightloom.dist;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Starts the launcher script as a user does, from the home that was built. */
final class Launcher {
  static final Path HOME = Path.of(System.getProperty("weightloom.home"));
  static final Path SCRIPT =
      Path.of(System.getProperty("weightloom.launcher")).toAbsolutePath().normalize();
  private static final int SECONDS = 120;

  private Path script = SCRIPT;
  private final Map<String, String> environment = new LinkedHashMap<>();

  /** What a run came to. */
  record Ran(int exitCode, String out, String err) {}

  /** A run that goes on; its streams go to files. */
  record Running(Process process, Path out, Path err) {
    Ran await() throws IOException, InterruptedException {
      if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError(
            "still running after " + SECONDS + " s; it said: " + Files.readString(err));
      }
      // The launcher's filter of standard error may end a moment after the JVM.
      String words = Files.readString(err);
      for (int i = 0; i < 20; i++) {
        Thread.sleep(20);
        String later = Files.readString(err);
        if (later.equals(words) && i > 3) {
          break;
        }
        words = later;
      }
      return new Ran(process.exitValue(), Files.readString(out, StandardCharsets.UTF_8), words);
    }
  }

  Launcher() {
    environment.put("WEIGHTLOOM_HOME", HOME.toString());
    environment.put("JAVA_HOME", System.getProperty("java.home"));
  }

  Launcher script(Path path) {
    script = path;
    return this;
  }

  Launcher with(String name, String value) {
    environment.put(name, value);
    return this;
  }

  Ran run(Object... args) throws IOException, InterruptedException {
    return start(args).await();
  }

  Running start(Object... args) throws IOException {
    List<String> command = new ArrayList<>(List.of(script.toString()));
    Arrays.stream(args).map(String::valueOf).forEach(command::add);
    Path out = Files.createTempFile("weightloom", ".out");
    Path err = Files.createTempFile("weightloom", ".err");
    out.toFile().deleteOnExit();
    err.toFile().deleteOnExit();
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    builder.environment().keySet().removeIf(k -> k.startsWith("SPARK_"));
    builder.environment().putAll(environment);
    return new Running(builder.start(), out, err);
  }
}
