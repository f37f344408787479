package io.weightloom.io.lora;

import com.google.auto.service.AutoService;
import io.weightloom.io.AdaptedModel;
import io.weightloom.io.Storage;
import io.weightloom.io.StorageProvider;

/** Takes the scheme of models with adapters folded in. */
@AutoService(StorageProvider.class)
public final class LoraStorageProvider implements StorageProvider {
  @Override
  public boolean takes(String scheme) {
    return scheme.equals(AdaptedModel.SCHEME);
  }

  @Override
  public Storage create(String path) {
    return new LoraStorage();
  }
}
