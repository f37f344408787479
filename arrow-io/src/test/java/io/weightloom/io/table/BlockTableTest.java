package io.weightloom.io.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.error.WeightloomException.Kind;
import io.weightloom.io.BlockTables;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.hadoop.HadoopStorage;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.KeyValue;
import org.apache.parquet.format.Util;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Models that went through a table are the models they were, or the table is refused. */
@NullUnmarked
class BlockTableTest {
  private static final String CONFIG = "{\"num_hidden_layers\": 2}";
  private static final String UP = "model.layers.1.mlp.up_proj.weight";

  @TempDir Path dir;
  private Path model;
  private Path table;

  private static TinyCheckpoint weights() {
    SplittableRandom random = new SplittableRandom(7);
    byte[] packed = new byte[70];
    random.nextBytes(packed);
    return new TinyCheckpoint()
        .metadata("format", "pt")
        .metadata("odd", "né")
        .add("model.embed_tokens.weight", "BF16", new long[] {50, 9}, values(random, 450))
        .add(UP, "F32", new long[] {3, 130}, values(random, 390))
        .add("model.layers.1.norm.weight", "F64", new long[] {130}, values(random, 130))
        .add("counter", "I64", new long[] {3}, 1, -1, 1L << 40)
        .add("empty", "F16", new long[] {0, 4}, new byte[0])
        .add("scalar", "F16", new long[] {}, 0.25)
        .add("quantised", "F4", new long[] {10, 14}, packed);
  }

  private static double[] values(SplittableRandom random, int n) {
    return random.doubles(n, -0.1, 0.1).toArray();
  }

  @BeforeEach
  void writeModel() {
    model = weights().writeModel(dir.resolve("model"), CONFIG);
    table = dir.resolve("table");
  }

  private static byte[] all(String file, int piece) {
    try (ByteSource source = Storage.of(file).open(file)) {
      byte[] bytes = new byte[(int) source.size()];
      for (int at = 0; at < bytes.length; at += piece) {
        source.readFully(at, bytes, at, Math.min(piece, bytes.length - at));
      }
      return bytes;
    }
  }

  private static ModelDir open(Path path) {
    return ModelDir.open(path.toString(), Profile.STRICT);
  }

  private void assertRefused(Path path, String... words) {
    assertThatThrownBy(() -> open(path))
        .isInstanceOfSatisfying(
            WeightloomException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INPUT))
        .message()
        .contains(words);
  }

  @ParameterizedTest
  @CsvSource({
    "64, NONE, 100000, 100000",
    "64, NONE, 5, 1",
    "64, ZSTD, 7, 13",
    "9, NONE, 1, 77",
    "64, ZSTD, 100000, 100000",
    "100000, NONE, 100000, 1000"
  })
  void aWeightsFileIsByteForByteWhatItWas(
      int elements, Compression compression, int rowsPerPart, int piece) throws IOException {
    Path partition =
        Exploding.PLAIN
            .elements(elements)
            .compression(compression)
            .rowsPerPart(rowsPerPart)
            .write(model, table, "org/name");

    ModelDir opened = open(partition);

    assertThat(partition.getFileName()).hasToString("model=org%2Fname");
    assertThat(opened.path()).isEqualTo("blocks:/" + partition);
    assertThat(Storage.of(opened.path()).origins(opened.path()))
        .containsExactly(partition.toString());
    String file = opened.shards().get(0).path();
    assertThat(file).isEqualTo("blocks:/" + partition + "/model.safetensors");
    assertThat(all(file, piece)).isEqualTo(Files.readAllBytes(model.resolve("model.safetensors")));
    assertThat(all(BlockTables.checked(file), piece))
        .isEqualTo(Files.readAllBytes(model.resolve("model.safetensors")));
  }

  /** What a JVM orders by chance would make two runs' files differ. */
  @Test
  void listsInTheFooterAreInOrder() throws IOException {
    Path partition = Exploding.PLAIN.write(model, table, "m");
    Path part;
    try (Stream<Path> files = Files.list(partition)) {
      part = files.filter(f -> f.toString().endsWith(".parquet")).findAny().orElseThrow();
    }
    byte[] file = Files.readAllBytes(part);
    int length = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getInt(file.length - 8);
    FileMetaData footer =
        Util.readFileMetaData(new ByteArrayInputStream(file, file.length - 8 - length, length));
    assertThat(footer.getKey_value_metadata()).extracting(KeyValue::getKey).isSorted();
    assertThat(footer.getRow_groups().get(0).getColumns())
        .isNotEmpty()
        .allSatisfy(c -> assertThat(c.getMeta_data().getEncodings()).isSorted());
  }

  @Test
  void aTableOpensAsTheModelThatItWasMadeOf() {
    Exploding.PLAIN.write(model, table, "a");

    ModelDir was = open(model);
    ModelDir is = open(table);

    assertThat(is.tensors().keySet()).containsExactlyElementsOf(was.tensors().keySet());
    assertThat(is.tensors().values().stream().map(TensorLocation::spec))
        .containsExactlyElementsOf(
            was.tensors().values().stream().map(TensorLocation::spec).toList());
    assertThat(is.config()).isEqualTo(was.config());
    assertThat(is.companionFiles()).isEqualTo(was.companionFiles());
    assertThat(is.shards().get(0).sha256()).isEqualTo(was.shards().get(0).sha256());
    assertThat(is.warnings()).isEqualTo(was.warnings());
  }

  @Test
  void shardsAndTheirIndexAreKept() throws IOException {
    Path sharded = weights().writeSharded(dir.resolve("sharded"), 2, CONFIG);
    Path partition = Exploding.PLAIN.rowsPerPart(3).write(sharded, table, "a");

    ModelDir is = open(partition);

    assertThat(is.shards()).hasSize(4);
    assertThat(is.index()).isEqualTo("model.safetensors.index.json");
    for (var shard : is.shards()) {
      assertThat(all(shard.path(), 1000))
          .isEqualTo(Files.readAllBytes(sharded.resolve(BlockTables.lastName(shard.path()))));
    }
  }

  @Test
  void aTableIsReadThroughHadoopToo() throws IOException {
    Path partition = Exploding.PLAIN.rowsPerPart(6).write(model, table, "org/name");
    Configuration configuration = new Configuration(false);
    configuration.set("fs.file.impl", RawLocalFileSystem.class.getName());
    Storage hadoop = new HadoopStorage(configuration);
    String path = "file://" + partition;
    List<String> names = hadoop.list(path);

    BlockTable opened =
        BlockTable.open(hadoop, path, names, BlockTable.layout(hadoop, path, names));
    opened.checkAll();

    BlockTable.Shard shard = opened.shard("model.safetensors").orElseThrow();
    try (ByteSource source = new BlocksSource("it", opened, shard, true)) {
      byte[] bytes = new byte[(int) source.size()];
      source.readFully(0, bytes, 0, bytes.length);
      assertThat(bytes).isEqualTo(Files.readAllBytes(model.resolve("model.safetensors")));
    }
  }

  @Test
  void aTableOfSeveralModelsAsksForOne() {
    Exploding.PLAIN.write(model, table, "a");
    Exploding.PLAIN.write(model, table, "b");

    assertRefused(
        table,
        "Cannot open model " + table + ": it is a block table of 2 models (name one: ",
        table + "/model=a, " + table + "/model=b");
    assertThat(open(table.resolve("model=b")).tensors()).hasSize(7);
  }

  @Test
  void aTableWrittenAnewIsOpenedAnew() throws IOException {
    Path partition = Exploding.PLAIN.write(model, table, "a");
    byte[] before = all(open(partition).shards().get(0).path(), 100);
    byte[] other = new byte[900];
    Arrays.fill(other, (byte) 5);
    weights()
        .add("model.embed_tokens.weight", "BF16", new long[] {50, 9}, other)
        .writeModel(model, CONFIG);
    for (Path file : list(partition)) {
      if (Files.isRegularFile(file)) {
        Files.delete(file);
      }
    }
    for (Path file : list(partition.resolve("_model"))) {
      Files.delete(file);
    }

    Exploding.PLAIN.write(model, table, "a");

    assertThat(all(open(partition).shards().get(0).path(), 100))
        .isNotEqualTo(before)
        .isEqualTo(Files.readAllBytes(model.resolve("model.safetensors")));
  }

  private static List<Path> list(Path dir) throws IOException {
    try (Stream<Path> files = Files.list(dir)) {
      return files.toList();
    }
  }

  private static UnaryOperator<List<BlockRow>> on(java.util.function.Consumer<List<BlockRow>> f) {
    return rows -> {
      f.accept(rows);
      return rows;
    };
  }

  @Test
  void aMissingBlockIsNamed() {
    Path partition = Exploding.PLAIN.change(on(rows -> rows.remove(3))).write(model, table, "a");

    assertRefused(
        partition,
        "Cannot open the block table " + partition + ": its rows are not one whole model",
        "part-00000.parquet, row 3: block 3 of model.embed_tokens.weight is missing, found block 4");
  }

  @Test
  void aMissingLastBlockIsSaid() {
    Path partition =
        Exploding.PLAIN.change(on(rows -> rows.remove(rows.size() - 1))).write(model, table, "a");

    assertRefused(partition, "part-00000.parquet has ", " rows, the layout says ");
  }

  @Test
  void aDuplicatedBlockIsNamed() {
    Path partition =
        Exploding.PLAIN.change(on(rows -> rows.add(4, rows.get(1)))).write(model, table, "a");

    assertRefused(
        partition,
        "part-00000.parquet, row 4: block 1 of model.embed_tokens.weight comes again, it is row 1"
            + " too; expected block 4 of model.embed_tokens.weight");
  }

  @Test
  void reorderedBlocksAreNamed() {
    Path partition =
        Exploding.PLAIN.change(on(rows -> Collections.swap(rows, 2, 3))).write(model, table, "a");

    assertRefused(
        partition,
        "row 2: block 3 of model.embed_tokens.weight stands before block 2 of"
            + " model.embed_tokens.weight, the blocks are reordered");
  }

  @Test
  void anotherCutIsNamed() throws IOException {
    Path one =
        new TinyCheckpoint()
            .add(UP, "F32", new long[] {100, 2}, new double[200])
            .writeModel(dir.resolve("one"), CONFIG);
    Path partition = Exploding.PLAIN.write(one, table, "a");
    Path layout = partition.resolve("_model/layout.json");
    String said = Files.readString(layout);

    Files.writeString(layout, said.replace("\"blockElements\" : 64", "\"blockElements\" : 60"));
    assertRefused(
        partition,
        "part-00000.parquet, row 0: block 0 of "
            + UP
            + " has elements 0 to 64, the layout's cut says 0 to 60");
    Files.writeString(layout, said.replace("\"blockElements\" : 64", "\"blockElements\" : 9"));
    assertRefused(partition, "its parts have 4 blocks, its model 25");
  }

  @Test
  void aMissingOrForeignFileIsNamed() throws IOException {
    Path partition = Exploding.PLAIN.rowsPerPart(5).write(model, table, "a");
    Files.move(partition.resolve("part-00001.parquet"), partition.resolve("mine.parquet"));

    assertRefused(
        partition,
        "part-00001.parquet with 5 blocks is missing",
        "mine.parquet is not one of its parts");
  }

  @ParameterizedTest
  @EnumSource
  void aChangedByteIsFoundWhereDigestsAreChecked(Compression compression) throws IOException {
    Path partition =
        Exploding.PLAIN.elements(1000).compression(compression).write(model, table, "a");
    Path part = partition.resolve("part-00000.parquet");
    byte[] plain = Files.readAllBytes(model.resolve("model.safetensors"));
    byte[] stored = Files.readAllBytes(part);
    TensorLocation first = open(partition).tensors().get(UP);
    if (compression == Compression.NONE) {
      int at = indexOf(stored, Arrays.copyOfRange(plain, (int) first.begin(), (int) first.end()));
      try (RandomAccessFile file = new RandomAccessFile(part.toFile(), "rw")) {
        file.seek(at + 7);
        file.write(stored[at + 7] ^ 1);
      }
      assertThat(all(first.file(), 100)).isNotEqualTo(plain);
    } else {
      // A mantissa plane is kept as it is: a changed byte of it unpacks, to something else.
      byte[] plane = new byte[390];
      for (int i = 0; i < plane.length; i++) {
        int at = (int) first.begin() + 4 * i;
        int word =
            (plain[at] & 0xff)
                | (plain[at + 1] & 0xff) << 8
                | (plain[at + 2] & 0xff) << 16
                | (plain[at + 3] & 0xff) << 24;
        plane[i] = (byte) Integer.rotateLeft(word, 1);
      }
      int at = indexOf(stored, plane);
      try (RandomAccessFile file = new RandomAccessFile(part.toFile(), "rw")) {
        file.seek(at + 7);
        file.write(stored[at + 7] ^ 1);
      }
    }

    assertThatThrownBy(() -> all(BlockTables.checked(first.file()), 100))
        .hasMessageStartingWith(
            "Cannot trust blocks+checked:/" + partition + "/model.safetensors: block 0 of " + UP)
        .hasMessageContaining(" of " + part + " has digest ")
        .extracting(e -> ((WeightloomException) e).kind())
        .isEqualTo(Kind.GATE);
  }

  private static int indexOf(byte[] in, byte[] what) {
    for (int i = 0; i + what.length <= in.length; i++) {
      if (Arrays.equals(in, i, i + what.length, what, 0, what.length)) {
        return i;
      }
    }
    throw new AssertionError("not there");
  }

  @Test
  void aTruncatedPartIsNamed() throws IOException {
    Path partition = Exploding.PLAIN.write(model, table, "a");
    Path part = partition.resolve("part-00000.parquet");
    byte[] bytes = Files.readAllBytes(part);
    Files.write(part, Arrays.copyOf(bytes, bytes.length - 9));

    assertRefused(partition, "Cannot read " + part + ": ", "must be a whole Parquet file");
  }

  @Test
  void aLayoutThatIsNoneIsNamed() throws IOException {
    Path partition = Exploding.PLAIN.write(model, table, "a");
    Path layout = partition.resolve("_model/layout.json");

    Files.writeString(layout, "{\"schema\": 1, ");
    assertRefused(partition, "Cannot read the layout of a block table, " + layout);
    Files.writeString(layout, "{\"schema\": 9}");
    assertRefused(partition, "Cannot read ");
  }

  @Test
  void rowsWithoutALayoutMayComeInAnyOrder() throws IOException {
    Path partition =
        Exploding.PLAIN.rowsPerPart(4).change(on(Collections::reverse)).write(model, table, "a");
    for (Path file : list(partition.resolve("_model"))) {
      Files.delete(file);
    }
    Files.delete(partition.resolve("_model"));
    Files.move(partition.resolve("part-00000.parquet"), partition.resolve("zz.parquet"));

    ModelDir is = open(partition);

    assertThat(is.tensors()).hasSize(7);
    for (TensorLocation was : open(model).tensors().values()) {
      TensorLocation now = is.tensors().get(was.spec().name());
      assertThat(now.spec()).isEqualTo(was.spec());
      assertThat(Arrays.copyOfRange(all(now.file(), 50), (int) now.begin(), (int) now.end()))
          .isEqualTo(Arrays.copyOfRange(all(was.file(), 50), (int) was.begin(), (int) was.end()));
    }
  }

  @Test
  void rowsWithoutALayoutAreCheckedToo() throws IOException {
    for (var change :
        List.<UnaryOperator<List<BlockRow>>>of(
            on(rows -> rows.remove(3)), on(rows -> rows.add(rows.get(3))))) {
      Path other = dir.resolve("other" + change.hashCode());
      Path partition = Exploding.PLAIN.change(change).write(model, other, "a");
      for (Path file : list(partition.resolve("_model"))) {
        Files.delete(file);
      }
      Files.delete(partition.resolve("_model"));

      assertRefused(partition, "lock 3 of model.embed_tokens.weight ");
    }
  }

  @Test
  void aPartitionWithoutRowsIsSaid() throws IOException {
    Path empty = Files.createDirectories(table.resolve("model=none"));

    assertRefused(empty, "Cannot open the block table " + empty + ": it has no Parquet file");
  }
}
