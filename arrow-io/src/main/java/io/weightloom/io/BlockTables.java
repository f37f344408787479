package io.weightloom.io;

import io.weightloom.error.WeightloomException;
import java.util.List;
import java.util.Optional;

/**
 * Where block tables are, and how they are named: a table is a directory of partitions {@code
 * model=NAME}, each a model whose weights are rows of blocks in Parquet files. Stateless.
 *
 * <p>A partition's files as they were before they were cut into blocks are reached under {@code
 * blocks:/DIRECTORY/FILE}: the storage of that scheme shows the partition as an ordinary model
 * directory. Under {@code blocks+checked:/…} each block's digest is held against the table's
 * whenever it is read.
 */
public final class BlockTables {
  /** The scheme of files that are read from a table. */
  public static final String SCHEME = "blocks";

  /** The same with digests checked. */
  public static final String CHECKED_SCHEME = "blocks+checked";

  /** What begins the name of a partition's directory. */
  public static final String PARTITION = "model=";

  /** The directory in a partition that holds what is no block: layout, config, tokenizer. */
  public static final String MODEL_FILES = "_model";

  /** The file in {@link #MODEL_FILES} that says how the table was made. */
  public static final String LAYOUT = "layout.json";

  private static final String PARQUET = ".parquet";

  /** What Hive and Spark escape in the names of partitions' directories. */
  private static final String ESCAPED = "\"#%'*/:=?\\{[]^";

  private BlockTables() {}

  /** The name of the directory of a model's partition. */
  public static String partition(String model) {
    return PARTITION + escape(model);
  }

  /** A name as it stands in a partition's directory: percent signs for what paths cannot hold. */
  public static String escape(String name) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c < 0x20 || c == 0x7f || ESCAPED.indexOf(c) >= 0) {
        out.append("%%%02X".formatted((int) c));
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }

  /** The model of a partition's directory; empty if the name is none of a partition. */
  public static Optional<String> modelOf(String directory) {
    String name = lastName(directory);
    return name.startsWith(PARTITION)
        ? Optional.of(unescape(name.substring(PARTITION.length())))
        : Optional.empty();
  }

  private static String unescape(String text) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      int high = i + 2 < text.length() ? Character.digit(text.charAt(i + 1), 16) : -1;
      int low = i + 2 < text.length() ? Character.digit(text.charAt(i + 2), 16) : -1;
      if (c == '%' && high >= 0 && low >= 0) {
        out.append((char) (high * 16 + low));
        i += 2;
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }

  /** The last name of a path. */
  public static String lastName(String path) {
    String plain = path.replaceFirst("/+$", "");
    return plain.substring(plain.lastIndexOf('/') + 1);
  }

  /** Whether a path is one of a table's virtual files. */
  public static boolean isVirtual(String path) {
    String scheme = Storage.scheme(path);
    return scheme.equals(SCHEME) || scheme.equals(CHECKED_SCHEME);
  }

  /** The same file, with the digests of blocks checked; other paths are given back. */
  public static String checked(String path) {
    return Storage.scheme(path).equals(SCHEME)
        ? CHECKED_SCHEME + path.substring(SCHEME.length())
        : path;
  }

  /** The path of a virtual one: of the partition, or of what would be a file in it. */
  public static String inner(String virtual) {
    return virtual.substring(virtual.indexOf(":/") + 2);
  }

  /**
   * The virtual directory of a block table's model, or empty if there is no block table.
   *
   * @param path a partition, a table of exactly one partition, or a directory of Parquet files
   * @param names what is in it
   * @throws WeightloomException of kind INPUT if the table has several models
   */
  static Optional<String> virtual(Storage storage, String path, List<String> names) {
    if (isVirtual(path) || names.stream().anyMatch(WeightFiles::isWeights)) {
      return Optional.empty();
    }
    if (names.contains(MODEL_FILES)
        || modelOf(path).isPresent()
        || names.stream().anyMatch(n -> n.endsWith(PARQUET))) {
      return Optional.of(SCHEME + ":/" + absolute(storage, path));
    }
    List<String> models = names.stream().filter(n -> n.startsWith(PARTITION)).toList();
    if (models.size() > 1) {
      throw WeightloomException.input(
          "Cannot open model %s: it is a block table of %d models (name one: %s)"
              .formatted(
                  path,
                  models.size(),
                  String.join(", ", models.stream().map(m -> storage.resolve(path, m)).toList())));
    }
    return models.stream()
        .map(m -> SCHEME + ":/" + storage.resolve(absolute(storage, path), m))
        .findFirst();
  }

  /** Executors may stand in another directory; and in a URI the percent signs would be lost. */
  public static String absolute(Storage storage, String path) {
    return storage instanceof LocalStorage
        ? LocalStorage.toPath(path).toAbsolutePath().normalize().toString()
        : path.replaceFirst("/+$", "");
  }

  /** The names of the Parquet files among a partition's entries. */
  public static List<String> parts(List<String> names) {
    return names.stream().filter(BlockTables::isPart).toList();
  }

  /** Whether a file of this name holds rows: readers of Parquet pass over hidden names. */
  public static boolean isPart(String name) {
    return name.endsWith(PARQUET) && !name.startsWith("_") && !name.startsWith(".");
  }
}
