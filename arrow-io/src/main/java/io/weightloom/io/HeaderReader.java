package io.weightloom.io;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsHeader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Reads the headers of many files at once: on an object store each costs two round trips. */
final class HeaderReader {
  private static final int THREADS = 8;

  private HeaderReader() {}

  /** The headers in the order of the paths; of several failures the first path's is thrown. */
  static List<SafetensorsHeader> readAll(Storage storage, List<String> paths, Profile profile) {
    if (paths.size() <= 1) {
      return paths.stream().map(p -> read(storage, p, profile)).toList();
    }
    ExecutorService pool = Executors.newFixedThreadPool(Math.min(THREADS, paths.size()));
    try {
      List<Future<SafetensorsHeader>> reads =
          paths.stream().map(p -> pool.submit(() -> read(storage, p, profile))).toList();
      List<SafetensorsHeader> headers = new ArrayList<>();
      for (int i = 0; i < paths.size(); i++) {
        headers.add(get(reads.get(i), paths.get(i)));
      }
      return headers;
    } finally {
      pool.shutdownNow();
    }
  }

  private static SafetensorsHeader read(Storage storage, String path, Profile profile) {
    try (ByteSource source = storage.open(path)) {
      return SafetensorsHeader.read(source, profile);
    }
  }

  private static SafetensorsHeader get(Future<SafetensorsHeader> read, String path) {
    try {
      return read.get();
    } catch (ExecutionException e) {
      throw WeightloomException.in(e).orElseGet(() -> failure(path, String.valueOf(e.getCause())));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failure(path, "the thread was interrupted");
    }
  }

  private static WeightloomException failure(String path, String why) {
    return WeightloomException.input(
        "Cannot read the safetensors header of %s: %s (try again)".formatted(path, why));
  }
}
