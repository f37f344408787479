package io.weightloom.source;

import com.google.auto.service.AutoService;
import io.weightloom.io.Storage;
import io.weightloom.io.StorageProvider;
import io.weightloom.io.hadoop.HadoopStorage;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.jspecify.annotations.Nullable;

/**
 * Takes every scheme, with the settings {@code spark.hadoop.*} of the Spark that runs here, driver
 * and executors alike: the keys of a bucket are told to Spark, not to us. Before Spark runs, with
 * those that it would begin with.
 */
@AutoService(StorageProvider.class)
public final class SparkStorageProvider implements StorageProvider {
  private static @Nullable Known known;

  /** Making a configuration reads files. */
  private record Known(@Nullable SparkEnv spark, Storage storage) {}

  @Override
  public boolean takes(String scheme) {
    try {
      SparkEnv.get();
      return true;
    } catch (LinkageError e) {
      return false; // Without Spark the plain Hadoop storage serves.
    }
  }

  @Override
  public int priority() {
    return 1;
  }

  @Override
  public Storage create(String path) {
    return storage(SparkEnv.get());
  }

  private static synchronized Storage storage(@Nullable SparkEnv running) {
    Known last = known;
    if (last == null || last.spark() != running) {
      SparkConf conf = running == null ? new SparkConf() : running.conf();
      last = new Known(running, new HadoopStorage(SparkHadoopUtil.get().newConfiguration(conf)));
      known = last;
    }
    return last.storage();
  }
}
