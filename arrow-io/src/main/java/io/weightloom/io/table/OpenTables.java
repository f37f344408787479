package io.weightloom.io.table;

import io.weightloom.io.ContentDigest;
import io.weightloom.io.Storage;
import java.lang.ref.SoftReference;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The tables that this process has opened lately, so that tasks need not read footers again. A
 * table that was written anew since is opened anew. Thread-safe.
 */
final class OpenTables {
  private static final int MOST = 16;

  /**
   * A table and what its directory held when it was opened.
   *
   * @param names the names of its entries
   * @param layout the digest of its layout; 0 if it has none
   */
  private record Opened(List<String> names, long layout, BlockTable table) {}

  private static final Map<String, SoftReference<Opened>> OPENED =
      new LinkedHashMap<>(MOST, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, SoftReference<Opened>> eldest) {
          return size() > MOST;
        }
      };

  private OpenTables() {}

  /** The table of a partition's directory. */
  static BlockTable get(String dir) {
    Storage storage = Storage.of(dir);
    List<String> names = storage.list(dir);
    byte @Nullable [] layout = BlockTable.layout(storage, dir, names);
    long digest = layout == null ? 0 : ContentDigest.chunk(layout, 0, layout.length);
    Opened known = known(dir);
    if (known != null && known.layout == digest && known.names.equals(names)) {
      return known.table;
    }
    Opened opened = new Opened(names, digest, BlockTable.open(storage, dir, names, layout));
    synchronized (OPENED) {
      OPENED.put(dir, new SoftReference<>(opened));
    }
    return opened.table;
  }

  private static @Nullable Opened known(String dir) {
    synchronized (OPENED) {
      SoftReference<Opened> reference = OPENED.get(dir);
      return reference == null ? null : reference.get();
    }
  }
}
