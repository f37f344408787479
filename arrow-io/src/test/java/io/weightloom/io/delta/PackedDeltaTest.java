package io.weightloom.io.delta;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.delta.PackedDelta.Packed;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import io.weightloom.testkit.TinyCheckpoint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is packed comes back, wherever it is read from. */
@NullUnmarked
class PackedDeltaTest {
  private static final float[] CENTROIDS = {-2, -0.5f, 0.25f, 3};

  @TempDir Path dir;

  private static byte[] values(int n, double density, long seed) {
    Random random = new Random(seed);
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      values[i] = random.nextDouble() < density ? CENTROIDS[random.nextInt(4)] : 0;
    }
    return TinyCheckpoint.encode("F32", values);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.001, 0.1, 0.9, 1})
  void unpackingGivesTheBytesBack(double density) {
    for (int n : new int[] {1, 255, 256, 5000}) {
      byte[] data = values(n, density, n);
      Packed packed = PackedDelta.pack("it", data, CENTROIDS);

      byte[] back = new byte[data.length];
      Arrays.fill(back, (byte) 9);
      PackedDelta.unpack("it", packed.lengths(), packed.gaps(), packed.codes(), CENTROIDS, back);

      assertThat(back).isEqualTo(data);
      assertThat(Arrays.stream(packed.uses()).sum()).isEqualTo(packed.lengths().kept());
    }
  }

  /** A gap of 255 or more takes bytes of its own, and what stands behind the last one none. */
  @Test
  void gapsAreAsTheyAreWritten() {
    double[] values = new double[600];
    values[0] = 3;
    values[255] = -2;
    values[511] = 3;
    Packed packed = PackedDelta.pack("it", TinyCheckpoint.encode("F32", values), CENTROIDS);

    byte[] gaps = new byte[packed.lengths().rawGaps()];
    com.github.luben.zstd.Zstd.decompress(gaps, packed.gaps());
    byte[] codes = new byte[packed.lengths().kept()];
    com.github.luben.zstd.Zstd.decompress(codes, packed.codes());

    assertThat(gaps).containsExactly(0, 254, -1, 0);
    assertThat(codes).containsExactly(3, 0, 3);
  }

  @Test
  void aTenthOfSixteenValuesTakesLittleMoreThanItsEntropy() {
    float[] book = new float[16];
    Random random = new Random(2);
    double[] values = new double[1 << 18];
    for (int c = 0; c < 16; c++) {
      book[c] = c - 20;
    }
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextInt(10) == 0 ? book[random.nextInt(16)] : 0;
    }

    Packed packed = PackedDelta.pack("it", TinyCheckpoint.encode("F32", values), book);

    // H(0.1) + 0.1·4 = 0.469 + 0.4 bits an element.
    double bits = 8.0 * (packed.gaps().length + packed.codes().length) / values.length;
    assertThat(bits).isBetween(0.86, 0.92);
  }

  private Path model(byte[]... tensors) {
    TinyCheckpoint file = new TinyCheckpoint();
    List<String> shapes = new ArrayList<>();
    for (int t = 0; t < tensors.length; t++) {
      String name = "t" + t;
      int n = tensors[t].length / 4;
      List<PackedDelta.Lengths> lengths = new ArrayList<>();
      List<byte[]> gaps = new ArrayList<>();
      List<byte[]> codes = new ArrayList<>();
      for (int at = 0; at < n; at += PackedDelta.CHUNK) {
        int end = Math.min(n, at + PackedDelta.CHUNK);
        Packed packed =
            PackedDelta.pack(name, Arrays.copyOfRange(tensors[t], 4 * at, 4 * end), CENTROIDS);
        lengths.add(packed.lengths());
        gaps.add(packed.gaps());
        codes.add(packed.codes());
      }
      PackedDelta delta =
          new PackedDelta(new TensorSpec(name, DType.F32, Shape.of(n)), CENTROIDS.length, lengths);
      file.add(name + ".centroids", "F32", new long[] {4}, PackedDelta.centroidsData(CENTROIDS));
      file.add(name + ".gaps", "U8", new long[] {delta.gapsEntry().elements()}, join(gaps));
      file.add(name + ".codes", "U8", new long[] {delta.codesEntry().elements()}, join(codes));
      file.add(name + ".chunks", "I64", new long[] {lengths.size(), 4}, delta.chunksData());
      shapes.add("\"%s\":[%d]".formatted(name, n));
    }
    file.metadata(PackedDelta.SHAPES, "{" + String.join(",", shapes) + "}");
    Path model = dir.resolve("packed");
    file.writeModel(model, "{}");
    return model;
  }

  private static byte[] join(List<byte[]> parts) {
    java.io.ByteArrayOutputStream all = new java.io.ByteArrayOutputStream();
    parts.forEach(all::writeBytes);
    return all.toByteArray();
  }

  @Test
  void theStorageShowsPlainTensorsAtAnyPlace() {
    byte[][] data = {
      values(PackedDelta.CHUNK + 77, 0.05, 1),
      values(3, 1, 2),
      values(2 * PackedDelta.CHUNK, 0.3, 3)
    };
    Path packed = model(data);

    ModelDir shown = ModelDir.open(DeltaStorage.path(packed.toString()), Profile.STRICT);

    assertThat(shown.tensors().keySet()).containsExactlyInAnyOrder("t0", "t1", "t2");
    assertThat(Storage.of(shown.path()).origins(shown.path())).containsExactly(packed.toString());
    Random random = new Random(4);
    for (int t = 0; t < 3; t++) {
      TensorLocation at = Objects.requireNonNull(shown.tensors().get("t" + t));
      assertThat(at.spec().dtype()).isEqualTo(DType.F32);
      try (ByteSource source = Storage.of(at.file()).open(at.file())) {
        for (int i = 0; i < 20; i++) {
          int from = i == 0 ? 0 : random.nextInt(data[t].length);
          int to = i == 0 ? data[t].length : from + random.nextInt(data[t].length - from) + 1;
          byte[] read = new byte[to - from + 2];
          source.readFully(at.begin() + from, read, 1, to - from);
          assertThat(Arrays.equals(read, 1, to - from + 1, data[t], from, to)).isTrue();
        }
      }
    }
  }

  @Test
  void aFileOfSomethingElseIsRefused() {
    new TinyCheckpoint().add("w", "F32", new long[] {1}, 1).writeModel(dir.resolve("plain"), "{}");

    assertThatThrownBy(
            () -> ModelDir.open(DeltaStorage.path(dir.resolve("plain").toString()), Profile.STRICT))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("its metadata name no shapes");
  }

  @Test
  void damageIsSaidAndNeverMoreThanAnError() {
    byte[] data = values(5000, 0.2, 5);
    Packed packed = PackedDelta.pack("it", data, CENTROIDS);
    Random random = new Random(6);
    int refused = 0;
    for (int i = 0; i < 1000; i++) {
      byte[] gaps = packed.gaps().clone();
      byte[] codes = packed.codes().clone();
      byte[] hit = i % 2 == 0 ? gaps : codes;
      hit[random.nextInt(hit.length)] ^= (byte) (1 << random.nextInt(8));
      try {
        PackedDelta.unpack("it", packed.lengths(), gaps, codes, CENTROIDS, new byte[data.length]);
      } catch (WeightloomException e) {
        assertThat(e).hasMessageStartingWith("Cannot unpack it: ");
        refused++;
      }
    }
    assertThat(refused).isPositive();
  }

  @Test
  void aValueThatIsNoCentroidIsNotPacked() {
    assertThatThrownBy(() -> PackedDelta.pack("it", TinyCheckpoint.encode("F32", 0.5), CENTROIDS))
        .hasMessage("Cannot pack it: 0.5 is none of its 4 values (bundle again)");
  }
}
