package io.weightloom.io.delta;

import io.weightloom.io.ByteSource;
import io.weightloom.io.Storage;
import java.util.List;

/**
 * Shows packed task vectors as a model directory: {@code delta:/DIRECTORY} is what {@link
 * PackedDelta} packed into the files of DIRECTORY. Stateless.
 */
public final class DeltaStorage implements Storage {
  /** The scheme of virtual files. */
  static final String SCHEME = "delta";

  private static final String WEIGHTS = ".safetensors";

  /** The virtual directory of a directory. */
  public static String path(String directory) {
    return SCHEME + ":/" + directory;
  }

  private static String inner(String path) {
    return path.substring(path.indexOf(":/") + 2);
  }

  @Override
  public boolean exists(String path) {
    return Storage.of(inner(path)).exists(inner(path));
  }

  @Override
  public boolean isDirectory(String path) {
    return Storage.of(inner(path)).isDirectory(inner(path));
  }

  /** The weights files: of what stands beside them nothing is said of the task vectors. */
  @Override
  public List<String> list(String path) {
    return Storage.of(inner(path)).list(inner(path)).stream()
        .filter(n -> n.endsWith(WEIGHTS))
        .toList();
  }

  @Override
  public List<String> origins(String path) {
    return Storage.of(inner(path)).origins(inner(path));
  }

  @Override
  public ByteSource open(String path) {
    ByteSource packed = Storage.of(inner(path)).open(inner(path));
    return path.endsWith(WEIGHTS) ? DeltaSource.of(path, packed) : packed;
  }

  @Override
  public String toString() {
    return "packed task vectors";
  }
}
