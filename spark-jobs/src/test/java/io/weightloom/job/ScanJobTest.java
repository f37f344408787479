package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Scan;
import io.weightloom.analysis.Sketch;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.tensor.TensorSpec;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@NullUnmarked
class ScanJobTest {
  private static final int BLOCK = 1000;

  @TempDir static Path zoo;

  /** Remembers each block: its checksum over all models, and when it came. */
  private static final class Seen implements Sketch<Seen> {
    private static final long serialVersionUID = 1;
    private final TreeMap<Long, Long> blocks = new TreeMap<>();
    private final ArrayList<Long> order = new ArrayList<>();

    @Override
    public void add(AlignedBlock block) {
      CRC32 crc = new CRC32();
      for (int k = 0; k < block.tensors().size(); k++) {
        crc.update(block.data()[k], 0, block.length(k));
      }
      assertThat(blocks.put(block.place().offset(), crc.getValue())).isNull();
      order.add(block.place().index());
    }

    @Override
    public void merge(Seen other) {
      other.blocks.forEach((at, crc) -> assertThat(blocks.put(at, crc)).isNull());
      order.addAll(other.order);
    }
  }

  private record Told(String name, TreeMap<Long, Long> blocks, ArrayList<Long> order)
      implements Serializable {
    private static final long serialVersionUID = 1;
  }

  private record Looking(boolean whole, long workBytes) implements Scan<Seen, Told> {
    private static final long serialVersionUID = 1;

    @Override
    public Seen open(List<TensorSpec> tensors) {
      return new Seen();
    }

    @Override
    public Told conclude(List<TensorSpec> tensors, Seen sketch) {
      return new Told(tensors.get(0).name(), sketch.blocks, sketch.order);
    }

    @Override
    public boolean isWhole(List<TensorSpec> tensors) {
      return whole;
    }

    @Override
    public long workBytes(List<TensorSpec> tensors) {
      return workBytes;
    }

    @Override
    public int blockElements() {
      return BLOCK;
    }
  }

  @BeforeAll
  static void models() throws Exception {
    for (String model : List.of("a", "b")) {
      TinyCheckpoint weights = new TinyCheckpoint();
      Family.add(weights, model, model.equals("a") ? "BF16" : "F32", "one", 1);
      Family.add(weights, model, "BF16", "small", 77);
      Family.add(weights, model, model.equals("a") ? "F32" : "BF16", "large", 54_321);
      weights.writeModel(zoo.resolve(model), Family.CONFIG);
    }
  }

  private static List<List<TensorLocation>> aligned() {
    ModelDir a = ModelDir.open(zoo.resolve("a").toString(), Profile.STRICT);
    ModelDir b = ModelDir.open(zoo.resolve("b").toString(), Profile.STRICT);
    return a.tensors().keySet().stream()
        .map(name -> List.of(a.tensors().get(name), b.tensors().get(name)))
        .toList();
  }

  private static List<Told> run(boolean whole, long workBytes, long pieceBytes) {
    return ScanJob.run(
        LocalSpark.get(),
        "look",
        aligned(),
        new Looking(whole, workBytes),
        Progress.NONE,
        pieceBytes);
  }

  /** What must be seen, from the files alone. */
  private static Map<Long, Long> expected(List<TensorLocation> at) throws Exception {
    Map<Long, Long> blocks = new TreeMap<>();
    long elements = at.get(0).spec().elements();
    for (long first = 0; first < elements; first += BLOCK) {
      CRC32 crc = new CRC32();
      for (TensorLocation t : at) {
        byte[] file = Files.readAllBytes(Path.of(t.file()));
        int width = (int) ((t.end() - t.begin()) / elements);
        long end = Math.min(elements, first + BLOCK);
        int from = Math.toIntExact(t.begin() + first * width);
        crc.update(Arrays.copyOfRange(file, from, from + Math.toIntExact((end - first) * width)));
      }
      blocks.put(first, crc.getValue());
    }
    return blocks;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 5_000, 60_000, 1L << 30})
  void everyBlockIsSeenOnceHoweverTheyAreDealtOut(long pieceBytes) throws Exception {
    List<Told> told = run(false, 0, pieceBytes);
    List<List<TensorLocation>> aligned = aligned();
    assertThat(told).hasSize(3);
    for (int i = 0; i < 3; i++) {
      assertThat(told.get(i).name()).isEqualTo(aligned.get(i).get(0).spec().name());
      assertThat(told.get(i).blocks()).isEqualTo(expected(aligned.get(i)));
    }
  }

  @Test
  void oneTaskSeesAWholeTensorInOrder() throws Exception {
    for (Told told : run(true, 1000, 1)) {
      assertThat(told.order()).isSorted();
      assertThat(told.blocks().size()).isEqualTo(told.order().size());
    }
  }

  @Test
  void aTensorThatDoesNotFitIsAnErrorWithItsSizes() {
    assertThatThrownBy(() -> run(true, 1L << 50, 1))
        .isInstanceOf(WeightloomException.class)
        .hasMessageMatching(
            "Cannot analyse \\w+ \\[\\d+\\]: its matrices take 1.00 PiB, this JVM has .* or leave it out: --tensors\\)");
  }

  @Test
  void nothingToScanIsNothingFound() {
    assertThat(
            ScanJob.run(LocalSpark.get(), "look", List.of(), new Looking(false, 0), Progress.NONE))
        .isEmpty();
  }
}
