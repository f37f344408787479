package io.weightloom.io.table;

import io.weightloom.io.BlockTables;
import io.weightloom.io.ByteSource;
import io.weightloom.io.Reads;
import io.weightloom.io.Storage;
import java.util.List;
import java.util.Optional;

/**
 * Shows a partition of a block table as the model directory that it was made of: its weights files,
 * cut together from blocks, and the files beside them. Reads what is needed of the table by its
 * path alone, in whatever process. Thread-safe.
 */
final class BlocksStorage implements Storage {

  /** A path in two: the partition's directory, and a name in it or nothing. */
  private record Split(String dir, String name) {
    static Split of(String path) {
      String inner = BlockTables.inner(path);
      if (Storage.of(inner).isDirectory(inner)) {
        return new Split(inner, "");
      }
      int slash = inner.lastIndexOf('/');
      return new Split(inner.substring(0, Math.max(slash, 0)), inner.substring(slash + 1));
    }

    String modelFile() {
      Storage storage = Storage.of(dir);
      return storage.resolve(storage.resolve(dir, BlockTables.MODEL_FILES), name);
    }
  }

  @Override
  public boolean exists(String path) {
    Split split = Split.of(path);
    return split.name.isEmpty()
        || (Storage.of(split.dir).isDirectory(split.dir)
            && OpenTables.get(split.dir).names().contains(split.name));
  }

  @Override
  public boolean isDirectory(String path) {
    return Split.of(path).name.isEmpty();
  }

  @Override
  public List<String> origins(String path) {
    String inner = BlockTables.inner(path);
    return Storage.of(inner).origins(inner);
  }

  /** Lists a partition; as this begins the opening of a model, all of the table is checked. */
  @Override
  public List<String> list(String path) {
    BlockTable table = OpenTables.get(BlockTables.inner(path));
    table.checkAll();
    return table.names();
  }

  @Override
  public ByteSource open(String path) {
    Split split = Split.of(path);
    if (split.name.isEmpty()) {
      throw Reads.directory(path);
    }
    BlockTable table = OpenTables.get(split.dir);
    Optional<BlockTable.Shard> shard = table.shard(split.name);
    if (shard.isPresent()) {
      boolean checked = Storage.scheme(path).equals(BlockTables.CHECKED_SCHEME);
      return new BlocksSource(path, table, shard.get(), checked);
    }
    String file = split.modelFile();
    return Storage.of(file).open(file);
  }

  @Override
  public String toString() {
    return "block tables";
  }
}
