package io.weightloom.io.hadoop;

import com.google.auto.service.AutoService;
import io.weightloom.io.Storage;
import io.weightloom.io.StorageProvider;
import org.apache.hadoop.conf.Configuration;

/** Takes every scheme, with the Hadoop configuration found on the class path. */
@AutoService(StorageProvider.class)
public final class HadoopStorageProvider implements StorageProvider {

  @Override
  public boolean takes(String scheme) {
    return true;
  }

  @Override
  public int priority() {
    return 0;
  }

  @Override
  public Storage create(String path) {
    return new HadoopStorage(new Configuration());
  }
}
