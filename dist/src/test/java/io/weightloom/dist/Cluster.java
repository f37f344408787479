package io.weightloom.dist;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A standalone Spark of this machine's own processes, on the jars of the built home. */
record Cluster(String master, Path dir, List<Process> processes) {

  static Cluster start(Path dir, int workers) throws IOException, InterruptedException {
    Files.createDirectories(dir);
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    String master = "spark://127.0.0.1:" + port;
    Cluster cluster = new Cluster(master, dir, new ArrayList<>());
    cluster.launch(
        "master",
        "org.apache.spark.deploy.master.Master",
        "--port",
        "" + port,
        "--webui-port",
        "0");
    for (int i = 0; i < workers; i++) {
      String work = dir.resolve("work-" + i).toString();
      cluster.launch(
          "worker-" + i,
          "org.apache.spark.deploy.worker.Worker",
          "--webui-port",
          "0",
          "--cores",
          "1",
          "--memory",
          "1g",
          "--work-dir",
          work,
          master);
    }
    for (int i = 0; i < workers; i++) {
      cluster.await(dir.resolve("worker-" + i + ".log"), "Successfully registered with master");
    }
    return cluster;
  }

  private void launch(String name, String... arguments) throws IOException {
    Path home = Launcher.HOME;
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("@" + home.resolve("conf/jvm.options"), "-cp"));
    command.add(home.resolve("conf") + ":" + home.resolve("jars") + "/*");
    command.add(arguments[0]);
    command.addAll(List.of("--host", "127.0.0.1"));
    command.addAll(List.of(arguments).subList(1, arguments.length));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(dir.resolve(name + ".log").toFile());
    builder.environment().put("SPARK_HOME", home.toString());
    builder.environment().put("SPARK_SCALA_VERSION", "2.13");
    builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
    builder.environment().put("WEIGHTLOOM_LOG", "info");
    processes.add(builder.start());
  }

  private void await(Path log, String words) throws IOException, InterruptedException {
    for (int i = 0; i < 600; i++) {
      if (Files.readString(log).contains(words)) {
        return;
      }
      Thread.sleep(100);
    }
    throw new AssertionError("no '" + words + "' in:\n" + Files.readString(log));
  }

  /** How many executors the workers have started so far. */
  int executorsStarted() throws IOException {
    try (Stream<Path> all = Files.walk(dir, 4)) {
      return (int) all.filter(p -> p.endsWith("stderr")).count();
    }
  }

  /** Kills one, as a machine does that loses its power. */
  boolean killAnExecutor() {
    Optional<ProcessHandle> executor =
        processes.stream()
            .flatMap(p -> p.descendants())
            .filter(p -> p.info().commandLine().orElse("").contains("CoarseGrainedExecutorBackend"))
            .findFirst();
    return executor.map(ProcessHandle::destroyForcibly).orElse(false);
  }

  void close() throws InterruptedException {
    for (Process process : processes) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    for (Process process : processes) {
      process.waitFor();
    }
  }
}
