package io.weightloom.io.units;

import com.google.auto.service.AutoService;
import io.weightloom.io.Storage;
import io.weightloom.io.StorageProvider;
import io.weightloom.io.UnitSelection;

/** Takes the scheme of models of which some units stay. */
@AutoService(StorageProvider.class)
public final class UnitsStorageProvider implements StorageProvider {
  @Override
  public boolean takes(String scheme) {
    return scheme.equals(UnitSelection.SCHEME);
  }

  @Override
  public Storage create(String path) {
    return new UnitsStorage();
  }
}
