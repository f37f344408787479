package io.weightloom.io;

import io.weightloom.error.WeightloomException;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** Files of this machine, by plain path or {@code file:} URI. Stateless, thread-safe. */
public final class LocalStorage implements Storage {
  static final LocalStorage INSTANCE = new LocalStorage();

  @Override
  public boolean exists(String path) {
    return Files.exists(toPath(path));
  }

  @Override
  public boolean isDirectory(String path) {
    return Files.isDirectory(toPath(path));
  }

  @Override
  public List<String> list(String dir) {
    try (Stream<Path> entries = Files.list(toPath(dir))) {
      return entries.map(p -> Objects.toString(p.getFileName(), "")).sorted().toList();
    } catch (IOException e) {
      throw failure("list", dir, e);
    }
  }

  @Override
  public ByteSource open(String path) {
    Path file = toPath(path);
    if (Files.isDirectory(file)) {
      throw Reads.directory(path);
    }
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
      return new LocalByteSource(path, channel, channel.size());
    } catch (IOException e) {
      throw failure("open", path, e);
    }
  }

  /** The path of a plain name or a {@code file:} URI. */
  public static Path toPath(String path) {
    try {
      return Storage.scheme(path).equals("file") ? Path.of(URI.create(path)) : Path.of(path);
    } catch (IllegalArgumentException e) {
      String why = e instanceof InvalidPathException bad ? bad.getReason() : e.getMessage();
      throw WeightloomException.input(
          "Cannot open %s: it is no path, %s (name a file or directory)".formatted(path, why));
    }
  }

  @Override
  public String toString() {
    return "local files";
  }

  private static WeightloomException failure(String verb, String path, IOException e) {
    String why = e instanceof NoSuchFileException ? "there is no such file" : e.toString();
    return WeightloomException.input(
        "Cannot %s %s: %s (see whether the path is right and may be read)"
            .formatted(verb, path, why));
  }
}
