package io.weightloom.io;

import io.weightloom.error.WeightloomException;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A place that holds files: the local file system, or one that Hadoop knows. Paths are strings, as
 * the user writes them.
 *
 * <p>Stateless and safe for many threads. All methods throw {@link WeightloomException} of kind
 * INPUT if the storage cannot answer.
 */
public interface Storage {

  /**
   * The storage of a path: the local one, or for a path with a scheme other than {@code file} the
   * {@link StorageProvider} of highest priority that takes the scheme.
   */
  static Storage of(String path) {
    String scheme = scheme(path);
    if (scheme.isEmpty() || scheme.equals("file")) {
      return LocalStorage.INSTANCE;
    }
    // Providers come from the class loader of this class: under Spark that is the one that holds
    // the user's jars, whatever thread asks.
    ClassLoader loader = StorageProvider.class.getClassLoader();
    try {
      return ServiceLoader.load(StorageProvider.class, loader).stream()
          .map(ServiceLoader.Provider::get)
          .filter(p -> p.takes(scheme))
          .max(Comparator.comparingInt(StorageProvider::priority))
          .orElseThrow(() -> noStorage(path, scheme, "no storage takes its scheme"))
          .create(path);
    } catch (LinkageError e) {
      throw noStorage(path, scheme, "its storage is not on the class path, " + e);
    }
  }

  private static WeightloomException noStorage(String path, String scheme, String why) {
    return WeightloomException.input(
        "Cannot reach %s: %s (add hadoop-client-api, hadoop-client-runtime and the connector of %s)"
            .formatted(path, why, scheme));
  }

  /** The scheme of a path in small letters; empty if it has none. */
  static String scheme(String path) {
    Matcher m = Schemes.PATTERN.matcher(path);
    return m.lookingAt() ? m.group(1).toLowerCase(java.util.Locale.ROOT) : "";
  }

  /** Whether there is a file or directory at the path. */
  boolean exists(String path);

  /** Whether there is a directory at the path. */
  boolean isDirectory(String path);

  /** The names of the entries of a directory, sorted. */
  List<String> list(String dir);

  /** Opens a file; the caller closes it. */
  ByteSource open(String path);

  /**
   * A whole small file.
   *
   * @param limitBytes the largest size that is read; a larger file is an error
   */
  default byte[] readAll(String path, int limitBytes) {
    try (ByteSource source = open(path)) {
      if (source.size() > limitBytes) {
        throw WeightloomException.input(
            "Cannot read %s: it has %d bytes, more than the %d that such a file may have (see whether it is the right file)"
                .formatted(path, source.size(), limitBytes));
      }
      byte[] bytes = new byte[(int) source.size()];
      source.readFully(0, bytes, 0, bytes.length);
      return bytes;
    }
  }

  /**
   * The paths that what is at this one is computed from, down to files that lie somewhere; of files
   * that lie there, the path alone.
   */
  default List<String> origins(String path) {
    return List.of(path);
  }

  /** The path of a name in a directory. */
  default String resolve(String dir, String name) {
    return dir.endsWith("/") ? dir + name : dir + "/" + name;
  }

  /** The grammar of schemes; two letters at least, so that {@code C:/models} has none. */
  final class Schemes {
    private static final Pattern PATTERN = Pattern.compile("([A-Za-z][A-Za-z0-9+.-]+):/");

    private Schemes() {}
  }
}
