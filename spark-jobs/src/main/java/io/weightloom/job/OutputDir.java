package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.safetensors.SafetensorsLayout;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * An output directory that appears complete or not at all: everything is written to a hidden
 * sibling, which is renamed at the end. The sibling is locked while its run lives, so that a later
 * run can tell the leavings of a killed one from the work of another, and removes them.
 */
public final class OutputDir implements AutoCloseable {
  private static final String MARK = ".weightloom-";
  private static final String LOCK = ".lock";
  private static final String OLD = "-old";
  private static final long UNLOCKED_MILLIS = 600_000;

  private final Path target;
  private final Path staging;
  private final boolean overwrite;
  private final FileChannel lockFile;
  private boolean published;

  private OutputDir(Path target, Path staging, boolean overwrite, FileChannel lockFile) {
    this.target = target;
    this.staging = staging;
    this.overwrite = overwrite;
    this.lockFile = lockFile;
  }

  /** Fails if the output may not be written; touches nothing. */
  public static void check(Path target, boolean overwrite) {
    restore(target);
    if (Files.exists(target) && !Files.isDirectory(target)) {
      throw WeightloomException.conflict(
          "Cannot write %s: it is a file (choose another directory)".formatted(target));
    }
    if (Files.exists(target) && !overwrite && !isEmptyDirectory(target)) {
      throw WeightloomException.conflict(
          "Cannot write %s: it exists (choose another directory, or pass --overwrite)"
              .formatted(target));
    }
  }

  /** Makes the hidden sibling, for so many bytes. */
  public static OutputDir open(Path target, boolean overwrite, long bytes) {
    check(target, overwrite);
    Path absolute = target.toAbsolutePath().normalize();
    Path parent = absolute.getParent();
    if (parent == null) {
      throw WeightloomException.conflict("Cannot write %s: it is a root".formatted(target));
    }
    try {
      Files.createDirectories(parent);
      removeLeavings(parent, absolute.getFileName().toString());
      long free = Files.getFileStore(parent).getUsableSpace();
      if (free < bytes) {
        throw WeightloomException.conflict(
            "Cannot write %s: it needs %d bytes, %s has %d free (make room, or choose another disk)"
                .formatted(target, bytes, parent, free));
      }
      String id = UUID.randomUUID().toString().substring(0, 8);
      Path staging =
          Files.createDirectory(parent.resolve("." + absolute.getFileName() + MARK + id));
      FileChannel lockFile =
          FileChannel.open(
              staging.resolve(LOCK), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      lockFile.lock();
      return new OutputDir(absolute, staging, overwrite, lockFile);
    } catch (IOException e) {
      throw cannotWrite(target.toString(), e);
    }
  }

  /** Where a path leads to, as far as it exists. */
  static Path real(Path path) {
    Path absolute = path.toAbsolutePath().normalize();
    for (Path at = absolute; at != null; at = at.getParent()) {
      if (Files.exists(at)) {
        try {
          return at.toRealPath().resolve(at.relativize(absolute));
        } catch (IOException e) {
          throw cannotWrite(path.toString(), e);
        }
      }
    }
    return absolute;
  }

  private static boolean isEmptyDirectory(Path dir) {
    if (!Files.isDirectory(dir)) {
      return false;
    }
    try (Stream<Path> entries = Files.list(dir)) {
      return entries.findAny().isEmpty();
    } catch (IOException e) {
      throw cannotWrite(dir.toString(), e);
    }
  }

  /** Gives a model back its name that a run killed between two renames had set aside. */
  private static void restore(Path target) {
    Path parent = target.toAbsolutePath().normalize().getParent();
    if (parent == null || Files.exists(target) || !Files.isDirectory(parent)) {
      return;
    }
    String pattern = "." + escaped(target.getFileName().toString()) + MARK + "*" + OLD;
    try (DirectoryStream<Path> old = Files.newDirectoryStream(parent, pattern)) {
      for (Path model : old) {
        Files.move(model, target, StandardCopyOption.ATOMIC_MOVE);
        return;
      }
    } catch (IOException e) {
      throw cannotWrite(target.toString(), e);
    }
  }

  private static void removeLeavings(Path parent, String name) throws IOException {
    try (DirectoryStream<Path> siblings =
        Files.newDirectoryStream(parent, "." + escaped(name) + MARK + "*")) {
      for (Path sibling : siblings) {
        if (isAbandoned(sibling)) {
          delete(sibling);
        }
      }
    }
  }

  private static String escaped(String name) {
    return name.replaceAll("[\\\\*?\\[\\]{}]", "\\\\$0");
  }

  private static boolean isAbandoned(Path staging) throws IOException {
    Path lock = staging.resolve(LOCK);
    if (!Files.exists(lock)) {
      // Between two steps of a living run there is none for a moment.
      long age = System.currentTimeMillis() - Files.getLastModifiedTime(staging).toMillis();
      return age > UNLOCKED_MILLIS;
    }
    try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE);
        FileLock got = channel.tryLock()) {
      return got != null;
    } catch (OverlappingFileLockException e) {
      return false;
    }
  }

  /** Where a file of the output is while the run lasts. */
  public Path path(String name) {
    return staging.resolve(name);
  }

  /** Makes a weights file of its final size whose header stands; tasks fill the rest. */
  public void allocate(String name, SafetensorsLayout layout) {
    try (RandomAccessFile file = new RandomAccessFile(path(name).toFile(), "rw")) {
      file.setLength(layout.fileSize());
      file.write(layout.header());
    } catch (IOException e) {
      throw cannotWrite(target.resolve(name).toString(), e);
    }
  }

  /** Writes a small file. */
  public void write(String name, byte[] content) {
    try {
      Files.write(path(name), content);
    } catch (IOException e) {
      throw cannotWrite(target.resolve(name).toString(), e);
    }
  }

  /** Removes what was written under a name and is not to stay. */
  void remove(String name) {
    try {
      delete(path(name));
    } catch (IOException e) {
      throw cannotWrite(target.resolve(name).toString(), e);
    }
  }

  /** Gives the directory its final name. */
  public void publish() {
    try {
      lockFile.close();
      Files.delete(staging.resolve(LOCK));
      Path old = staging.resolveSibling(staging.getFileName() + OLD);
      boolean replaced = Files.exists(target);
      if (replaced && (overwrite || isEmptyDirectory(target))) {
        Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
      }
      try {
        Files.move(staging, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        if (Files.exists(old)) {
          Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
        } else {
          check(target, false);
        }
        throw e;
      }
      published = true;
      delete(old);
    } catch (IOException e) {
      throw cannotWrite(target.toString(), e);
    }
  }

  /** Removes everything unless it was published. */
  @Override
  public void close() {
    try {
      lockFile.close();
      if (!published) {
        delete(staging);
      }
    } catch (IOException e) {
      throw cannotWrite(staging.toString(), e);
    }
  }

  static void delete(Path dir) throws IOException {
    if (!Files.exists(dir)) {
      return;
    }
    try (Stream<Path> all = Files.walk(dir)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /** An output that cannot be written; the disk's own words are passed on. */
  public static WeightloomException cannotWrite(String path, IOException e) {
    return WeightloomException.conflict(
        "Cannot write %s: %s (nothing was left under the final name; see the disk and its rights)"
            .formatted(path, why(e)));
  }

  private static String why(IOException e) {
    if (e instanceof FileAlreadyExistsException f) {
      return f.getFile() + " is in the way";
    }
    if (e instanceof AccessDeniedException f) {
      return "permission denied for " + f.getFile();
    }
    if (e instanceof FileSystemException f && f.getReason() != null) {
      return f.getReason() + ", " + f.getFile();
    }
    return e.getClass() == IOException.class ? String.valueOf(e.getMessage()) : e.toString();
  }
}
