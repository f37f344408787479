package io.weightloom.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.io.Storage;
import io.weightloom.job.LocalSpark;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.spark.SparkContext;
import org.junit.jupiter.api.Test;

public class SparkStorageProviderTest {

  /** The local disk under another scheme. */
  public static final class Woven extends RawLocalFileSystem {
    @Override
    public URI getUri() {
      return URI.create("woven:///");
    }

    @Override
    public String getScheme() {
      return "woven";
    }

    @Override
    public java.io.File pathToFile(Path path) {
      return new java.io.File(path.toUri().getPath());
    }

    @Override
    protected void checkPath(Path path) {}
  }

  /** A file system that only Spark's settings know is reached. */
  @Test
  void settingsOfSparkReachTheFileSystem() {
    assertThat(new Configuration().get("fs.woven.impl")).isNull();
    SparkContext spark = LocalSpark.get();
    assertThat(spark.conf().get("spark.hadoop.fs.woven.impl")).isEqualTo(Woven.class.getName());
    assertThat(Storage.of("woven:/tmp").isDirectory("woven:/tmp")).isTrue();
    assertThatThrownBy(() -> Storage.of("unwoven:/tmp").isDirectory("unwoven:/tmp"))
        .hasMessageContaining("unwoven");
  }
}
