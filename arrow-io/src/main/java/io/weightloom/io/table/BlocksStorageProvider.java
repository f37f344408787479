package io.weightloom.io.table;

import com.google.auto.service.AutoService;
import io.weightloom.io.BlockTables;
import io.weightloom.io.Storage;
import io.weightloom.io.StorageProvider;

/** Takes the schemes of virtual files that lie in block tables. */
@AutoService(StorageProvider.class)
public final class BlocksStorageProvider implements StorageProvider {
  @Override
  public boolean takes(String scheme) {
    return scheme.equals(BlockTables.SCHEME) || scheme.equals(BlockTables.CHECKED_SCHEME);
  }

  @Override
  public Storage create(String path) {
    return new BlocksStorage();
  }
}
