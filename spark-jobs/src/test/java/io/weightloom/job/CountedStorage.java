package io.weightloom.job;

import io.weightloom.io.ByteSource;
import io.weightloom.io.Storage;
import io.weightloom.io.StorageProvider;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicIntegerArray;

/** Local files under the scheme {@code counted:}, of which every byte's reads are counted. */
public final class CountedStorage implements StorageProvider, Storage {
  private static final String SCHEME = "counted";
  private static final Map<String, AtomicIntegerArray> READS = new ConcurrentHashMap<>();

  /** The path of a local file or directory under the scheme. */
  public static String path(Path local) {
    return SCHEME + ":" + local.toAbsolutePath();
  }

  /** Forgets all counts. */
  public static void clear() {
    READS.clear();
  }

  /** How often bytes of a file were read: the least and the most of those in a range. */
  public static int[] reads(Path file, int begin, int end) {
    AtomicIntegerArray counts = READS.get(file.toAbsolutePath().toString());
    int[] of = new int[end - begin];
    Arrays.setAll(of, i -> counts == null ? 0 : counts.get(begin + i));
    return new int[] {Arrays.stream(of).min().orElse(0), Arrays.stream(of).max().orElse(0)};
  }

  private static String local(String path) {
    return path.substring(SCHEME.length() + 1);
  }

  @Override
  public boolean takes(String scheme) {
    return scheme.equals(SCHEME);
  }

  @Override
  public int priority() {
    return 100;
  }

  @Override
  public Storage create(String path) {
    return this;
  }

  @Override
  public boolean exists(String path) {
    return Storage.of(local(path)).exists(local(path));
  }

  @Override
  public boolean isDirectory(String path) {
    return Storage.of(local(path)).isDirectory(local(path));
  }

  @Override
  public List<String> list(String dir) {
    return Storage.of(local(dir)).list(local(dir));
  }

  @Override
  public ByteSource open(String path) {
    ByteSource source = Storage.of(local(path)).open(local(path));
    AtomicIntegerArray counts =
        READS.computeIfAbsent(local(path), p -> new AtomicIntegerArray((int) source.size()));
    return new ByteSource() {
      @Override
      public String path() {
        return path;
      }

      @Override
      public long size() {
        return source.size();
      }

      @Override
      public void readFully(long position, byte[] dst, int offset, int length) {
        for (int i = 0; i < length; i++) {
          counts.incrementAndGet((int) position + i);
        }
        source.readFully(position, dst, offset, length);
      }

      @Override
      public void close() {
        source.close();
      }
    };
  }
}
