package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.io.ModelDir;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.stats.TensorReport;
import io.weightloom.stats.TensorReport.Stored;
import io.weightloom.testkit.TinyCheckpoint;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@NullUnmarked
class StatsJobTest {
  @TempDir Path dir;

  private static List<TensorReport> reports(String model, boolean once) {
    return new StatsJob(LocalSpark.get(), Progress.NONE)
        .tensors("m", ModelDir.open(model, Profile.STRICT).tensors().values(), once);
  }

  private static Map<String, Stored> stored(List<TensorReport> reports) {
    return reports.stream()
        .filter(r -> r.stored() != null)
        .collect(Collectors.toMap(r -> r.tensor().name(), r -> Objects.requireNonNull(r.stored())));
  }

  @ParameterizedTest
  @CsvSource({"BF16, false, 1", "F16, false, 1", "F32, true, 1", "F32, false, 2", "F64, false, 4"})
  void everyByteIsReadSoOftenAndNotMore(String dtype, boolean once, int reads) {
    TinyCheckpoint weights = new TinyCheckpoint();
    Family.add(weights, "m", dtype, "model.embed_tokens.weight", 37, 11);
    Family.add(weights, "m", dtype, "norm.weight", 13);
    Path model = weights.writeModel(dir.resolve("m"), Family.CONFIG);
    ModelDir local = ModelDir.open(model.toString(), Profile.STRICT);
    CountedStorage.clear();

    assertThat(reports(CountedStorage.path(model), once)).hasSize(2);

    for (TensorLocation t : local.tensors().values()) {
      assertThat(CountedStorage.reads(Path.of(t.file()), (int) t.begin(), (int) t.end()))
          .containsExactly(reads, reads);
    }
  }

  @Test
  void digestsAreThoseOfTheManifestOfAMerge() throws Exception {
    Path zoo = Family.write(dir.resolve("zoo"), "BF16");
    Path out = dir.resolve("out");
    Merging.of(Family.recipe(zoo, "ties", "parameters: {density: 0.3}")).into(out);
    JsonNode manifest = new ObjectMapper().readTree(Files.readAllBytes(out.resolve(Manifest.FILE)));

    Map<String, Stored> found = stored(reports(out.toString(), false));

    assertThat(found).hasSizeGreaterThan(5);
    found.forEach(
        (name, of) ->
            assertThat(of.digest())
                .as(name)
                .isEqualTo(manifest.get("tensors").get(name).get("digest").asText()));
  }

  /** Rows of 700 elements share chunks; a row of 70,000 is cut between blocks. */
  @Test
  void piecesDoNotShowInDigestsNorInRowsThatAreAlike() {
    TinyCheckpoint weights = new TinyCheckpoint();
    double[] rows = Family.values("m", "rows", 300, 700);
    System.arraycopy(rows, 7 * 700, rows, 250 * 700, 700);
    System.arraycopy(rows, 7 * 700, rows, 299 * 700, 700);
    System.arraycopy(rows, 8 * 700, rows, 9 * 700, 700);
    weights.add("rows", "BF16", new long[] {300, 700}, rows);
    double[] wide = Family.values("m", "wide", 4, 70_000);
    System.arraycopy(wide, 70_000, wide, 3 * 70_000, 70_000);
    Arrays.fill(wide, 0, 70_000, 0);
    weights.add("wide", "F32", new long[] {4, 70_000}, wide);
    ModelDir model =
        ModelDir.open(
            weights.writeModel(dir.resolve("m"), Family.CONFIG).toString(), Profile.STRICT);
    Map<String, Stored> expected = stored(reports(model.path(), true));
    List<List<TensorLocation>> tensors = model.tensors().values().stream().map(List::of).toList();

    assertThat(expected.get("rows").repeatedRows()).isEqualTo(3);
    assertThat(expected.get("rows").largestRowGroup()).isEqualTo(3);
    assertThat(expected.get("rows").firstOfLargestRowGroup()).isEqualTo(7);
    assertThat(expected.get("wide").repeatedRows()).isEqualTo(1);
    assertThat(expected.get("wide").firstOfLargestRowGroup()).isEqualTo(1);
    for (long pieceBytes : new long[] {1, 150_000, 333_333}) {
      List<StatsScan.Found> found =
          ScanJob.run(
              LocalSpark.get(), "look", tensors, new StatsScan(), Progress.NONE, pieceBytes);
      assertThat(
              found.stream()
                  .collect(
                      Collectors.toMap(
                          f -> f.reading().stats().tensor().name(), StatsScan.Found::stored)))
          .isEqualTo(expected);
    }
  }

  @Test
  void tensorsOfOneContentHaveOneDigest() {
    TinyCheckpoint weights = new TinyCheckpoint();
    double[] values = Family.values("m", "w", 8, 8);
    weights.add("a", "BF16", new long[] {8, 8}, values);
    weights.add("b", "BF16", new long[] {8, 8}, values);
    values[63] += 1;
    weights.add("c", "BF16", new long[] {8, 8}, values);
    Path model = weights.writeModel(dir.resolve("m"), Family.CONFIG);

    Map<String, String> found =
        stored(reports(model.toString(), false)).entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().digest()));

    assertThat(found.get("a")).isEqualTo(found.get("b")).isNotEqualTo(found.get("c"));
    assertThat(found.get("a")).matches("[0-9a-f]{32}");
  }
}
