package io.weightloom.job;

import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file system of a few kilobytes, where this user may mount one. */
record TinyDisk(Path path) implements AutoCloseable {

  static TinyDisk mount(Path at, int kilobytes) throws IOException {
    Files.createDirectories(at);
    String refused = run("mount", "-t", "tmpfs", "-o", "size=" + kilobytes + "k", "tmpfs", "" + at);
    assumeThat(refused).as("what mount says here; a full disk needs a small one").isEmpty();
    return new TinyDisk(at);
  }

  @Override
  public void close() throws IOException {
    String refused = run("umount", "-l", path.toString());
    if (!refused.isEmpty()) {
      throw new IOException(refused);
    }
  }

  /** What a command prints when it fails; empty if it does not. */
  private static String run(String... command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String said =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      int code = process.waitFor();
      return code == 0 ? "" : "exit " + code + ": " + said;
    } catch (IOException e) {
      return e.toString();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return e.toString();
    }
  }
}
