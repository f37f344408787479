package io.weightloom.io;

import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What to call a model that is known by its place.
 *
 * @param name {@code org/name} in the Hugging Face cache, what a block table calls it, else the
 *     last name of its directory
 * @param revision the snapshot in the cache; null elsewhere
 */
public record ModelIdentity(String name, @Nullable String revision) {
  private static final Pattern SNAPSHOT =
      Pattern.compile(".*/models--(?:(.+?)--)?(.+)/snapshots/([0-9a-f]{40})/?");

  /** The identity of the model in this directory or file. */
  public static ModelIdentity of(String location) {
    Matcher snapshot = SNAPSHOT.matcher(location);
    if (snapshot.matches()) {
      String org = snapshot.group(1);
      return new ModelIdentity(
          (org == null ? "" : org + "/") + snapshot.group(2), snapshot.group(3));
    }
    String path =
        Storage.scheme(location).isEmpty()
            ? Path.of(location).toAbsolutePath().normalize().toString()
            : location;
    return new ModelIdentity(
        BlockTables.modelOf(path).orElseGet(() -> BlockTables.lastName(path)), null);
  }
}
