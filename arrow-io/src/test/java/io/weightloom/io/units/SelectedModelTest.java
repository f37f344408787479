package io.weightloom.io.units;

import static io.weightloom.io.OpenedModel.bytes;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.OpenedModel;
import io.weightloom.io.Storage;
import io.weightloom.io.UnitSelection;
import io.weightloom.io.UnitSelection.Merging;
import io.weightloom.io.UnitSelection.Part;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Models of which some units stay. */
@NullUnmarked
class SelectedModelTest {
  private static final String UP = "model.layers.0.mlp.up_proj.weight";
  private static final String DOWN = "model.layers.0.mlp.down_proj.weight";
  private static final String BIAS = "model.layers.0.mlp.up_proj.bias";
  private static final String CONFIG =
      "{\"intermediate_size\": 4, \"hidden_size\": 2, \"text_config\": {\"heads\": 4}}";

  @TempDir Path dir;

  private static TinyCheckpoint weights() {
    return new TinyCheckpoint()
        .metadata("format", "pt")
        .add("model.norm.weight", "F32", new long[] {2}, 8, 9)
        .add(UP, "F32", new long[] {4, 2}, 1, 2, 3, 4, 5, 6, 7, 8)
        .add(DOWN, "F32", new long[] {2, 4}, 1, 2, 3, 4, 5, 6, 7, 8)
        .add(BIAS, "F32", new long[] {4}, 1, 2, 3, 4);
  }

  private Path file(String name, UnitSelection selection) {
    try {
      return Files.writeString(
          dir.resolve(name + UnitSelection.SUFFIX), selection.toJson().toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static UnitSelection selection(Path model, Integer... order) {
    return new UnitSelection(
        model.toString(),
        Map.of("/intermediate_size", order.length, "/text_config/heads", 3),
        Map.of("channels", List.of(order)),
        Map.of(
            UP, new Part(0, 4, "channels"),
            DOWN, new Part(1, 4, "channels"),
            BIAS, new Part(0, 4, "channels")));
  }

  private static ModelDir open(Path file) {
    return OpenedModel.open(file.toString());
  }

  private static byte[] f32(double... values) {
    return TinyCheckpoint.encode("F32", values);
  }

  @Test
  void whatStaysIsGatheredInItsOrderAndTheConfigFollows() {
    Path base = weights().writeModel(dir.resolve("base"), CONFIG);

    ModelDir model = open(file("small", selection(base, 2, 0, 3)));

    assertThat(bytes(model, UP)).isEqualTo(f32(5, 6, 1, 2, 7, 8));
    assertThat(bytes(model, DOWN)).isEqualTo(f32(3, 1, 4, 7, 5, 8));
    assertThat(bytes(model, BIAS)).isEqualTo(f32(3, 1, 4));
    assertThat(bytes(model, "model.norm.weight")).isEqualTo(f32(8, 9));
    assertThat(model.tensors().get(DOWN).spec().shape().dims()).containsExactly(2L, 3L);
    assertThat(model.config().get("intermediate_size").asInt()).isEqualTo(3);
    assertThat(model.config().at("/text_config/heads").asInt()).isEqualTo(3);
    assertThat(model.config().get("hidden_size").asInt()).isEqualTo(2);
    assertThat(model.shards().get(0).metadata()).containsEntry("format", "pt");
    assertThat(model.companionFiles()).containsExactly("config.json");
    assertThat(Storage.of(model.path()).origins(model.path()))
        .containsExactly(dir.resolve("small" + UnitSelection.SUFFIX).toString(), base.toString());
  }

  @Test
  void shardsStayShardsWithoutAWordOnTheirSizes() {
    Path base = weights().writeSharded(dir.resolve("base"), 2, CONFIG);

    ModelDir model = open(file("small", selection(base, 1, 2)));

    assertThat(model.shards()).hasSize(2);
    assertThat(model.warnings()).isEmpty();
    assertThat(bytes(model, DOWN)).isEqualTo(f32(2, 3, 6, 7));
  }

  @Test
  void unitsOfUnitsAndOfAFileAmongOthers() throws IOException {
    Path base = weights().writeModel(dir.resolve("base!"), CONFIG);
    Files.writeString(base.resolve("other.safetensors"), "none");
    Path first = file("first", selection(base.resolve("model.safetensors"), 3, 2, 1, 0));
    Path second = file("second", selection(Path.of("x"), 3, 1));
    String virtual = open(first).path();
    Files.writeString(
        second,
        new UnitSelection(
                virtual,
                Map.of(),
                Map.of("channels", List.of(3, 1)),
                Map.of(BIAS, new Part(0, 4, "channels")))
            .toJson()
            .toString());

    assertThat(bytes(open(second), BIAS)).isEqualTo(f32(1, 3));
    assertThat(bytes(open(second), UP)).isEqualTo(f32(7, 8, 5, 6, 3, 4, 1, 2));
  }

  @Test
  void whatIsMergedIsTheMeanOrTheSum() {
    Path base = weights().writeModel(dir.resolve("base"), CONFIG);
    UnitSelection selection =
        new UnitSelection(
            base.toString(),
            Map.of("/intermediate_size", 2),
            Map.of("channels", List.of(2, 0)),
            Map.of("channels", Map.of(0, List.of(3, 1))),
            Map.of(
                UP, new Part(0, 4, "channels", Merging.MEAN),
                DOWN, new Part(1, 4, "channels", Merging.SUM),
                BIAS, new Part(0, 4, "channels")));

    ModelDir model = open(file("small", selection));

    assertThat(bytes(model, UP)).isEqualTo(f32(5, 6, 11.0 / 3, 14.0 / 3));
    assertThat(bytes(model, DOWN)).isEqualTo(f32(3, 7, 7, 19));
    assertThat(bytes(model, BIAS)).isEqualTo(f32(3, 1));
    assertThat(UnitSelection.read(dir.resolve("small.units.json").toString())).isEqualTo(selection);
  }

  /** Rows longer than a vector and shorter, and more than is read at once. */
  @ParameterizedTest
  @CsvSource({
    "0, 8, 5000, F32",
    "0, 300, 7, BF16",
    "1, 60, 400, F64",
    "1, 400, 60, F16",
    "0, 4, 200000, F16"
  })
  void noRangeThatIsReadShowsInWhatIsMerged(int dim, int rows, int columns, String dtype) {
    Random random = new Random(5);
    double[] values = random.ints((long) rows * columns, -64, 64).asDoubleStream().toArray();
    Path base =
        new TinyCheckpoint()
            .add("w", dtype, new long[] {rows, columns}, values)
            .writeModel(dir.resolve("base"), "{}");
    int units = (dim == 0 ? rows : columns) / 2; // Of two rows or columns each.
    Map<Integer, List<Integer>> merged = Map.of(1, List.of(0));
    List<Integer> order = new ArrayList<>();
    for (int u = units - 1; u > 0; u--) {
      order.add(u);
    }
    ModelDir model =
        open(
            file(
                "small",
                new UnitSelection(
                    base.toString(),
                    Map.of(),
                    Map.of("o", order),
                    Map.of("o", merged),
                    Map.of("w", new Part(dim, units, "o", Merging.MEAN)))));
    int high = dim == 0 ? rows - 2 : rows;
    int wide = dim == 0 ? columns : columns - 2;
    double[] wanted = new double[high * wide];
    for (int i = 0; i < high; i++) {
      for (int j = 0; j < wide; j++) {
        int unit = order.get((dim == 0 ? i : j) / 2);
        int row = dim == 0 ? 2 * unit + i % 2 : i;
        int column = dim == 1 ? 2 * unit + j % 2 : j;
        double v = values[row * columns + column];
        int other = (row - (dim == 0 ? 2 : 0)) * columns + column - (dim == 1 ? 2 : 0);
        wanted[i * wide + j] = unit == 1 ? (v + values[other]) / 2 : v;
      }
    }

    assertThat(bytes(model, "w")).isEqualTo(TinyCheckpoint.encode(dtype, wanted));
    requireSameInRanges(requireNonNull(model.tensors().get("w")).file(), random);
  }

  /** Larger than what is read at once, by rows and by columns, in order and not. */
  @ParameterizedTest
  @CsvSource({"0, true", "0, false", "1, true", "1, false"})
  void noRangeThatIsReadShowsInTheBytes(int dim, boolean ordered) {
    int rows = 700;
    int columns = 1200;
    Random random = new Random(4);
    double[] values = random.doubles((long) rows * columns).toArray();
    Path base =
        new TinyCheckpoint()
            .add("w", "F32", new long[] {rows, columns}, values)
            .add("empty", "F32", new long[] {0})
            .add("last", "F32", new long[] {3}, 1, 2, 3)
            .writeModel(dir.resolve("base"), "{}");
    int units = dim == 0 ? 350 : 600; // Two rows or columns each.
    List<Integer> order = new ArrayList<>();
    for (int u = 0; u < units; u++) {
      if (random.nextInt(4) > 0) {
        order.add(u);
      }
    }
    if (!ordered) {
      Collections.shuffle(order, random);
    }
    ModelDir model =
        open(
            file(
                "small",
                new UnitSelection(
                    base.toString(),
                    Map.of(),
                    Map.of("o", order),
                    Map.of("w", new Part(dim, units, "o")))));
    int wide = dim == 0 ? columns : 2 * order.size();
    int high = dim == 0 ? 2 * order.size() : rows;
    double[] wanted = new double[wide * high];
    for (int i = 0; i < high; i++) {
      for (int j = 0; j < wide; j++) {
        int row = dim == 0 ? 2 * order.get(i / 2) + i % 2 : i;
        int column = dim == 1 ? 2 * order.get(j / 2) + j % 2 : j;
        wanted[i * wide + j] = values[row * columns + column];
      }
    }

    byte[] all = bytes(model, "w");
    assertThat(all).isEqualTo(f32(wanted));
    assertThat(bytes(model, "last")).isEqualTo(f32(1, 2, 3));
    requireSameInRanges(model.tensors().get("w").file(), random);
  }

  private static void requireSameInRanges(String path, Random random) {
    try (ByteSource source = Storage.of(path).open(path)) {
      byte[] file = new byte[(int) source.size()];
      source.readFully(0, file, 0, file.length);
      for (int i = 0; i < 300; i++) {
        int from = random.nextInt(file.length);
        int length = random.nextInt(Math.min(file.length - from, i % 2 == 0 ? 50 : 200_000) + 1);
        byte[] part = new byte[length + 2];
        source.readFully(from, part, 1, length);
        assertThat(part[0] + part[length + 1]).isZero();
        assertThat(java.util.Arrays.equals(part, 1, length + 1, file, from, from + length))
            .isTrue();
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0, 4|0|4|keeps unit 4 of 4, which is none",
        "0, 0|0|4|keeps unit 0 of 4, which is twice there",
        "''|0|4|it does not say which units",
        "0|0|3|has no 3 whole units along dimension 0",
        "0|2|4|has no 4 whole units along dimension 2",
      })
  void whatCannotBeIsRefused(String order, int dim, int units, String message) throws IOException {
    Path base = weights().writeModel(dir.resolve("base"), CONFIG);
    Path file = dir.resolve("bad.units.json");
    Files.writeString(
        file,
        "{\"weightloom_units\": 1, \"model\": \"%s\", \"orders\": {\"o\": [%s]}, \"tensors\": {\"%s\": {\"dim\": %d, \"units\": %d, \"order\": \"o\"}}}"
            .formatted(base, order, UP, dim, units));

    assertThatThrownBy(() -> open(file))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "mean|{\"1\": [2]}|unit 1 of UP has others merged and goes",
        "sum|{\"0\": [0]}|UP keeps unit 0 of 4, which is twice there",
        "sum|{\"0\": [1, 7]}|UP keeps unit 7 of 4, which is none",
        "sum|{\"no\": [1]}|units are merged into no, which is no number",
        "product|{\"0\": [1]}|it merges units of UP by product, not mean or sum",
      })
  void whatCannotBeMergedIsRefused(String merging, String into, String message) throws IOException {
    Path base = weights().writeModel(dir.resolve("base"), CONFIG);
    Path file = dir.resolve("bad.units.json");
    Files.writeString(
        file,
        "{\"weightloom_units\": 1, \"model\": \"%s\", \"orders\": {\"o\": [0, 3]}, \"merged\": {\"o\": %s}, \"tensors\": {\"%s\": {\"dim\": 0, \"units\": 4, \"order\": \"o\", \"merged\": \"%s\"}}}"
            .formatted(base, into, UP, merging));

    assertThatThrownBy(() -> open(file))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining(message.replace("UP", UP));
  }

  @Test
  void aFileOfAnotherKindOrModelIsRefused() throws IOException {
    Path file = dir.resolve("bad.units.json");
    Files.writeString(file, "{\"model\": \"x\"}");
    assertThatThrownBy(() -> open(file))
        .hasMessage(
            "Cannot read the units of %s: it has no weightloom_units: 1 and no model (make the file again by weightloom prune)"
                .formatted(file));

    Path other =
        new TinyCheckpoint()
            .add("w", "F32", new long[] {1}, 1)
            .writeModel(dir.resolve("other"), "{}");
    assertThatThrownBy(() -> open(file("small", selection(other, 1))))
        .hasMessageContaining(other + " lacks ");
  }
}
