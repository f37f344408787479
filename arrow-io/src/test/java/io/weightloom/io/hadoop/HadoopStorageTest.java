package io.weightloom.io.hadoop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.testkit.TinyCheckpoint;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HadoopStorageTest {
  @SuppressWarnings("NullAway.Init")
  @TempDir
  Path dir;

  private static Storage raw() {
    Configuration configuration = new Configuration(false);
    configuration.set("fs.file.impl", RawLocalFileSystem.class.getName());
    configuration.setBoolean("fs.file.impl.disable.cache", true);
    return new HadoopStorage(configuration);
  }

  @Test
  void aModelIsTheSameThroughHadoop() {
    new TinyCheckpoint()
        .add("layers.1.w", "F32", new long[] {2}, 1, 2)
        .add("layers.0.w", "BF16", new long[] {2}, 3, 4)
        .writeSharded(dir, 1, "{\"model_type\": \"llama\"}");
    String uri = "file://" + dir;

    ModelDir local = ModelDir.open(dir.toString(), Profile.STRICT);
    ModelDir hadoop = ModelDir.open(raw(), uri, Profile.STRICT);

    assertThat(hadoop.path()).isEqualTo(uri);
    assertThat(hadoop.config()).isEqualTo(local.config());
    assertThat(hadoop.companionFiles()).isEqualTo(local.companionFiles());
    assertThat(hadoop.shards())
        .map(SafetensorsHeader::sha256)
        .isEqualTo(local.shards().stream().map(SafetensorsHeader::sha256).toList());
    assertThat(hadoop.tensors().values())
        .containsExactlyElementsOf(
            local.tensors().values().stream()
                .map(t -> new TensorLocation(t.spec(), "file://" + t.file(), t.begin(), t.end()))
                .toList());
  }

  @Test
  void positionalReadsOfManyThreadsDoNotMix() throws Exception {
    byte[] bytes = new byte[100_000];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (i * 7 + i / 256);
    }
    String path = "file://" + Files.write(dir.resolve("b"), bytes);
    var pool = Executors.newFixedThreadPool(4);
    try (ByteSource source = raw().open(path)) {
      assertThat(source.size()).isEqualTo(bytes.length);
      List<Callable<Boolean>> reads = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        int at = i * 499;
        reads.add(
            () -> {
              byte[] dst = new byte[300];
              source.readFully(at, dst, 7, 290);
              return java.util.Arrays.equals(bytes, at, at + 290, dst, 7, 297);
            });
      }
      for (Future<Boolean> read : pool.invokeAll(reads)) {
        assertThat(read.get()).isTrue();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void readsBeyondTheEndNameTheRange() throws Exception {
    String path = "file://" + Files.write(dir.resolve("b"), new byte[10]);

    try (ByteSource source = raw().open(path)) {
      assertThatThrownBy(() -> source.readFully(8, new byte[4], 0, 4))
          .isInstanceOf(WeightloomException.class)
          .hasMessage(
              "Cannot read bytes 8 to 12 of %s: the file ends at byte 10 (copy or download it again)",
              path);
    }
  }

  @Test
  void missingFilesAreInputErrors() {
    String path = "file://" + dir + "/nope";

    assertThat(raw().exists(path)).isFalse();
    assertThat(raw().isDirectory(path)).isFalse();
    assertThatThrownBy(() -> raw().open(path))
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith("Cannot open " + path + ": there is no such file (");
    assertThatThrownBy(() -> ModelDir.open(raw(), path, Profile.STRICT))
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith("Cannot open model " + path + ": there is no such file");
  }

  @Test
  void schemesOtherThanFileAreHadoops() {
    assertThat(Storage.of("hdfs://nn/models")).isInstanceOf(HadoopStorage.class);
    assertThat(Storage.of("S3A://bucket/models")).isInstanceOf(HadoopStorage.class);
    assertThatThrownBy(() -> Storage.of("nosuch://x/y").exists("nosuch://x/y"))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("No FileSystem for scheme \"nosuch\"");
  }
}
