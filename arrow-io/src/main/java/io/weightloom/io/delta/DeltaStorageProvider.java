package io.weightloom.io.delta;

import com.google.auto.service.AutoService;
import io.weightloom.io.Storage;
import io.weightloom.io.StorageProvider;

/** Takes the scheme of packed task vectors. */
@AutoService(StorageProvider.class)
public final class DeltaStorageProvider implements StorageProvider {
  @Override
  public boolean takes(String scheme) {
    return scheme.equals(DeltaStorage.SCHEME);
  }

  @Override
  public Storage create(String path) {
    return new DeltaStorage();
  }
}
