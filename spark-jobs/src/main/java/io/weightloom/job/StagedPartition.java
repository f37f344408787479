package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.BlockTables;
import io.weightloom.io.table.TableLayout;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A partition of a block table that appears complete or not at all: it is written under a name that
 * readers pass over, and renamed at the end. What a run that was killed has written under that name
 * is taken over by the next one that writes the same; a lock keeps two runs apart.
 */
final class StagedPartition implements AutoCloseable {
  private static final String STAGING = "_staging-";
  private static final String REPLACED = "_replaced-";
  private static final String LOCK = ".lock";

  /** In the staging directory: what is being written, the plan's digest. */
  private static final String JOURNAL = ".plan";

  private final Path target;
  private final Path staging;
  private final FileChannel lockFile;

  private StagedPartition(Path target, Path staging, FileChannel lockFile) {
    this.target = target;
    this.staging = staging;
    this.lockFile = lockFile;
  }

  /** The partition's directory when it is done. */
  static Path target(Path table, String model) {
    return table.toAbsolutePath().normalize().resolve(BlockTables.partition(model));
  }

  /** The layout of a partition that is there already, unless it is damaged. */
  static Optional<TableLayout> existing(Path table, String model) {
    Path layout = target(table, model).resolve(BlockTables.MODEL_FILES).resolve(BlockTables.LAYOUT);
    try {
      return Files.exists(layout)
          ? Optional.of(TableLayout.parse(layout.toString(), Files.readAllBytes(layout)))
          : Optional.empty();
    } catch (IOException | WeightloomException e) {
      return Optional.empty();
    }
  }

  /** Fails if the partition may not be written; touches nothing but what a killed run set aside. */
  static void check(Path table, String model, boolean overwrite) {
    if (Files.exists(table) && !Files.isDirectory(table)) {
      throw WeightloomException.conflict(
          "Cannot write the table %s: it is a file (choose another directory)".formatted(table));
    }
    Path target = target(table, model);
    Path replaced = replaced(table, model);
    try {
      if (!Files.exists(target) && Files.exists(replaced)) {
        Files.move(replaced, target, StandardCopyOption.ATOMIC_MOVE);
      }
    } catch (IOException e) {
      throw OutputDir.cannotWrite(target.toString(), e);
    }
    if (Files.exists(target) && !overwrite) {
      throw WeightloomException.conflict(
          "Cannot write %s: the table has another model of this name (pass --name, or --overwrite)"
              .formatted(target));
    }
  }

  private static Path replaced(Path table, String model) {
    return table.toAbsolutePath().normalize().resolve(REPLACED + BlockTables.escape(model));
  }

  /**
   * Makes the staging directory, or takes over the one that is there.
   *
   * @param plan the digest of what is to be written; what was made of something else is removed
   * @param bytes that it needs
   */
  static StagedPartition open(
      Path table, String model, boolean overwrite, String plan, long bytes) {
    check(table, model, overwrite);
    Path absolute = table.toAbsolutePath().normalize();
    Path staging = absolute.resolve(STAGING + BlockTables.escape(model));
    try {
      Files.createDirectories(staging);
      FileChannel lockFile =
          FileChannel.open(
              staging.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (!isFree(lockFile)) {
        lockFile.close();
        throw WeightloomException.conflict(
            "Cannot write %s: another run is writing it, in %s (wait for it, or stop it)"
                .formatted(target(table, model), staging));
      }
      Path journal = staging.resolve(JOURNAL);
      boolean same = Files.exists(journal) && Files.readString(journal).equals(plan);
      clean(staging, same);
      long free = Files.getFileStore(staging).getUsableSpace() + size(staging);
      if (free < bytes) {
        lockFile.close();
        throw WeightloomException.conflict(
            "Cannot write %s: it needs %d bytes, %s has %d free (make room, or choose another disk)"
                .formatted(target(table, model), bytes, absolute, free));
      }
      Files.write(journal, plan.getBytes(StandardCharsets.UTF_8));
      return new StagedPartition(target(table, model), staging, lockFile);
    } catch (IOException e) {
      throw OutputDir.cannotWrite(staging.toString(), e);
    }
  }

  private static boolean isFree(FileChannel lockFile) throws IOException {
    try {
      FileLock got = lockFile.tryLock();
      return got != null;
    } catch (OverlappingFileLockException e) {
      return false;
    }
  }

  /** Removes what was begun; and what was finished, unless it is to be kept. */
  private static void clean(Path staging, boolean keepParts) throws IOException {
    for (Path entry : entries(staging)) {
      String name = entry.getFileName().toString();
      boolean kept =
          name.equals(LOCK) || (keepParts && (name.equals(JOURNAL) || BlockTables.isPart(name)));
      if (!kept) {
        OutputDir.delete(entry);
      }
    }
  }

  private static long size(Path staging) throws IOException {
    long sum = 0;
    for (Path entry : entries(staging)) {
      sum += Files.size(entry);
    }
    return sum;
  }

  private static List<Path> entries(Path dir) throws IOException {
    try (Stream<Path> entries = Files.list(dir)) {
      return entries.toList();
    }
  }

  /** Where a file of the partition is while the run lasts. */
  Path path(String name) {
    return staging.resolve(name);
  }

  /** Adds the files that are no blocks, and gives the partition its name. */
  void publish(TableLayout layout, Map<String, byte[]> modelFiles) {
    try {
      Path beside = Files.createDirectories(staging.resolve(BlockTables.MODEL_FILES));
      for (Map.Entry<String, byte[]> file : modelFiles.entrySet()) {
        Files.write(beside.resolve(file.getKey()), file.getValue());
      }
      Files.write(beside.resolve(BlockTables.LAYOUT), layout.toJson());
      Files.delete(staging.resolve(JOURNAL));
      lockFile.close();
      Files.delete(staging.resolve(LOCK));
      Path replaced =
          target.resolveSibling(
              REPLACED + target.getFileName().toString().substring(BlockTables.PARTITION.length()));
      if (Files.exists(target)) {
        OutputDir.delete(replaced);
        Files.move(target, replaced, StandardCopyOption.ATOMIC_MOVE);
      }
      Files.move(staging, target, StandardCopyOption.ATOMIC_MOVE);
      OutputDir.delete(replaced);
    } catch (IOException e) {
      throw OutputDir.cannotWrite(target.toString(), e);
    }
  }

  /** Lets go of the directory; what was not published stays for the next run. */
  @Override
  public void close() {
    try {
      lockFile.close();
    } catch (IOException e) {
      throw OutputDir.cannotWrite(staging.toString(), e);
    }
  }
}
