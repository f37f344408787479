package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.error.WeightloomException.Kind;
import io.weightloom.io.ModelDir;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.table.Compression;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Models that are tables: written, killed, taken over, merged, and written back. */
@NullUnmarked
class TablesTest {
  @TempDir Path dir;
  private Path zoo;
  private Path table;

  @BeforeEach
  void writeModels() {
    zoo = Family.write(dir.resolve("zoo"), "BF16");
    table = dir.resolve("table");
  }

  private static Map<String, byte[]> files(Path root) throws IOException {
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(root)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        files.put(root.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    return files;
  }

  private static List<String> names(Path dir) throws IOException {
    try (Stream<Path> entries = Files.list(dir)) {
      return entries.map(p -> p.getFileName().toString()).sorted().toList();
    }
  }

  private static void assertSameFiles(Path is, Path was, String... leftOut) throws IOException {
    Map<String, byte[]> expected = files(was);
    Arrays.asList(leftOut).forEach(expected::remove);
    Map<String, byte[]> found = files(is);
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, bytes) -> assertThat(found.get(name)).as(name).isEqualTo(bytes));
  }

  @ParameterizedTest
  @EnumSource
  void aModelComesBackByteForByte(Compression compression) throws IOException {
    Tables.in(table).compression(compression).explode(zoo.resolve("base"));

    Tables.implode(table, dir.resolve("back"));

    assertSameFiles(dir.resolve("back"), zoo.resolve("base"), "modeling_custom.py");
  }

  @Test
  void shardsComeBackByteForByteWithTheirIndex() throws IOException {
    Path sharded =
        Family.weights("base", "F32").writeSharded(dir.resolve("sharded"), 3, Family.CONFIG);
    ExplodeResult result = Tables.in(table).results(false, sharded).get(0);

    Tables.implode(table.resolve("model=sharded"), dir.resolve("back"));

    assertThat(result.parts()).isGreaterThan(3);
    assertThat(result.tensors()).isEqualTo(8);
    assertThat(result.rawBytes()).isEqualTo(338 * 4 + 24);
    assertSameFiles(dir.resolve("back"), sharded);
  }

  @Test
  void tiesOfTablesIsTiesOfDirectories() throws IOException {
    for (String model : List.of("base", "a", "b")) {
      Compression compression = model.equals("a") ? Compression.ZSTD : Compression.NONE;
      Tables.in(table).compression(compression).explode(zoo.resolve(model));
    }
    String extra = "parameters: {density: 0.4}";

    Merging.of(Family.recipe(zoo, "ties", extra)).into(dir.resolve("plain"));
    String ofTables =
        Family.recipe(zoo, "ties", extra).replaceAll(zoo + "/(\\w+)", table + "/model=$1");
    Merging.of(ofTables).into(dir.resolve("tables"));

    assertThat(ofTables).contains(table + "/model=base").doesNotContain(zoo + "/");
    Map<String, byte[]> plain = files(dir.resolve("plain"));
    Map<String, byte[]> tables = files(dir.resolve("tables"));
    assertThat(tables.keySet()).isEqualTo(plain.keySet());
    for (String name :
        List.of("model.safetensors", "config.json", "tokenizer.json", "generation_config.json")) {
      assertThat(tables.get(name)).as(name).isEqualTo(plain.get(name));
    }
  }

  @Test
  void aKilledRunIsTakenOver() throws IOException {
    Path sharded =
        Family.weights("base", "F32").writeSharded(dir.resolve("sharded"), 3, Family.CONFIG);
    Path last = sharded.resolve("model-00003-of-00003.safetensors");
    byte[] bytes = Files.readAllBytes(last);
    FileTime time = Files.getLastModifiedTime(last);
    Tables killed = Tables.in(table).progress((phase, done, total) -> cut(last));

    assertThatThrownBy(() -> killed.explode(sharded))
        .hasMessageContaining("Cannot read bytes ")
        .extracting(e -> ((WeightloomException) e).kind())
        .isEqualTo(Kind.INPUT);
    assertThat(names(table)).containsExactly("_staging-sharded");
    List<String> begun = names(table.resolve("_staging-sharded"));
    Files.write(last, bytes);
    Files.setLastModifiedTime(last, time);
    ExplodeResult result = Tables.in(table).results(false, sharded).get(0);

    assertThat(begun).contains("part-00000.parquet");
    assertThat(result.keptParts()).isPositive().isLessThan(result.parts());
    assertThat(names(table)).containsExactly("model=sharded");
    Tables.implode(table, dir.resolve("back"));
    assertSameFiles(dir.resolve("back"), sharded);
  }

  private static void cut(Path file) {
    try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
      open.setLength(open.length() - 1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void partsOfAnotherSourceAreNotTakenOver() throws IOException {
    Path sharded =
        Family.weights("base", "F32").writeSharded(dir.resolve("sharded"), 3, Family.CONFIG);
    Path last = sharded.resolve("model-00003-of-00003.safetensors");
    Tables killed = Tables.in(table).progress((phase, done, total) -> cut(last));
    assertThatThrownBy(() -> killed.explode(sharded)).isInstanceOf(WeightloomException.class);
    Family.weights("a", "F32").writeSharded(sharded, 3, Family.CONFIG);

    ExplodeResult result = Tables.in(table).results(false, sharded).get(0);

    assertThat(result.keptParts()).isZero();
    Tables.implode(table, dir.resolve("back"));
    assertSameFiles(dir.resolve("back"), sharded);
  }

  @Test
  void aModelThatIsThereIsKeptAndAnotherOfItsNameIsRefused() throws IOException {
    Tables.in(table).explode(zoo.resolve("a"));
    Map<String, byte[]> before = files(table);

    List<ExplodeResult> again = Tables.in(table).results(false, zoo.resolve("a"), zoo.resolve("b"));
    Family.weights("b", "BF16").writeModel(zoo.resolve("a"), Family.CONFIG);

    assertThat(again.get(0).keptParts()).isEqualTo(again.get(0).parts());
    assertThat(again.get(1).keptParts()).isZero();
    assertThatThrownBy(() -> Tables.in(table).explode(zoo.resolve("a")))
        .hasMessageContaining(
            "Cannot write "
                + table.resolve("model=a")
                + ": the table has another model of this name")
        .extracting(e -> ((WeightloomException) e).kind())
        .isEqualTo(Kind.CONFLICT);
    assertThat(files(table)).containsAllEntriesOf(before);

    Tables.in(table).results(true, zoo.resolve("a"));
    Tables.implode(table.resolve("model=a"), dir.resolve("back"));
    assertThat(dir.resolve("back/model.safetensors"))
        .hasSameBinaryContentAs(zoo.resolve("b/model.safetensors"));
    assertThat(names(table)).containsExactly("model=a", "model=b");
  }

  @Test
  void twoRunsDoNotWriteOneModel() throws IOException {
    Path staging = Files.createDirectories(table.resolve("_staging-a"));
    try (FileChannel lock =
        FileChannel.open(
            staging.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      lock.lock();

      assertThatThrownBy(() -> Tables.in(table).explode(zoo.resolve("a")))
          .hasMessageContaining("another run is writing it, in " + staging)
          .extracting(e -> ((WeightloomException) e).kind())
          .isEqualTo(Kind.CONFLICT);
    }
  }

  @Test
  void aCorruptBlockIsNotImploded() throws IOException {
    Path partition = Tables.in(table).cut(1 << 19, 0).explode(zoo.resolve("a"));
    Path part = partition.resolve("part-00000.parquet");
    byte[] tensor = SavedModel.read(zoo.resolve("a")).get(Family.EMBEDDING).data();
    byte[] whole = Files.readAllBytes(part);
    whole[indexOf(whole, tensor) + 5] ^= 1;
    Files.write(part, whole);

    assertThatThrownBy(() -> Tables.implode(table, dir.resolve("back")))
        .hasMessageContaining("block 0 of " + Family.EMBEDDING + " in row ")
        .hasMessageContaining(", the table says ")
        .extracting(e -> ((WeightloomException) e).kind())
        .isEqualTo(Kind.GATE);
    assertThat(dir.resolve("back")).doesNotExist();
    assertThat(VerifyJob.run(table.toString()).problems())
        .singleElement()
        .asString()
        .contains("block 0 of " + Family.EMBEDDING, part.toString());
  }

  private static int indexOf(byte[] in, byte[] what) {
    for (int i = 0; i + what.length <= in.length; i++) {
      if (Arrays.equals(in, i, i + what.length, what, 0, what.length)) {
        return i;
      }
    }
    throw new AssertionError("not there");
  }

  private static SparkSession session() {
    return SparkSession.builder().sparkContext(LocalSpark.get()).getOrCreate();
  }

  @Test
  void plainSparkReadsATable() {
    Tables.in(table).explode(zoo.resolve("base"), zoo.resolve("a"));

    Dataset<Row> rows = session().read().parquet(table.toString());

    assertThat(rows.columns())
        .containsExactly(
            "revision",
            "tensor",
            "role",
            "layer",
            "dtype",
            "shape",
            "block",
            "row_begin",
            "row_end",
            "offset",
            "count",
            "file",
            "file_begin",
            "file_end",
            "encoding",
            "data",
            "digest",
            "stats",
            "model");
    assertThat(rows.schema().apply("stats").dataType().simpleString())
        .isEqualTo(
            "struct<zeros:bigint,nans:bigint,infs:bigint,denormals:bigint,min:double,max:double,"
                + "sum:double,sum2:double,l1:double,linf:double>");
    assertThat(rows.schema().apply("shape").dataType().simpleString()).isEqualTo("array<bigint>");
    Row norm =
        rows.where("model = 'a' AND tensor = 'model.norm.weight'")
            .select("stats.sum", "stats.linf", "data", "layer", "shape", "stats.zeros")
            .head();
    SavedModel.Stored stored = SavedModel.read(zoo.resolve("a")).get("model.norm.weight");
    assertThat(norm.<byte[]>getAs("data")).isEqualTo(stored.data());
    assertThat(norm.getDouble(0)).isEqualTo(Arrays.stream(stored.values()).sum());
    assertThat(norm.getDouble(1))
        .isEqualTo(Arrays.stream(stored.values()).map(Math::abs).max().orElseThrow());
    assertThat(norm.isNullAt(3)).isTrue();
    assertThat(norm.getList(4)).isEqualTo(List.of(6L));
    Row counter = rows.where("tensor = '" + Family.COUNTER + "' AND model = 'a'").head();
    assertThat(counter.<Row>getAs("stats").isNullAt(0)).isTrue();
    assertThat(counter.<Integer>getAs("layer")).isZero();
    assertThat(counter.<String>getAs("digest")).matches("[0-9a-f]{16}");
  }

  @Test
  void whatPlainSparkWritesIsATableToo() throws IOException {
    Tables.in(table).explode(zoo.resolve("base"), zoo.resolve("a"));
    Dataset<Row> rows = session().read().parquet(table.toString());
    Path shuffled = dir.resolve("shuffled");
    Path plain = dir.resolve("plain");

    rows.repartition(3)
        .orderBy(functions.rand(5))
        .write()
        .partitionBy("model")
        .parquet(shuffled.toString());
    rows.coalesce(1)
        .write()
        .partitionBy("model")
        .option("compression", "none")
        .option("parquet.enable.dictionary", "false")
        .parquet(plain.toString());

    for (Path written : List.of(shuffled, plain)) {
      for (String model : List.of("base", "a")) {
        Path back = dir.resolve("back-" + written.getFileName() + "-" + model);
        Tables.implode(written.resolve("model=" + model), back);
        Map<String, SavedModel.Stored> was = SavedModel.read(zoo.resolve(model));
        Map<String, SavedModel.Stored> is = SavedModel.read(back);
        assertThat(is.keySet()).isEqualTo(was.keySet());
        was.forEach(
            (name, t) -> {
              assertThat(is.get(name).data()).as(name).isEqualTo(t.data());
              assertThat(is.get(name).shape()).isEqualTo(t.shape());
              assertThat(is.get(name).dtype()).isEqualTo(t.dtype());
            });
      }
    }
  }

  @Test
  void rowsOfSeveralModelsInOneDirectoryAreRefused() {
    Tables.in(table).explode(zoo.resolve("base"), zoo.resolve("a"));
    Path mixed = dir.resolve("mixed");
    Path numbers = dir.resolve("numbers");
    session().read().parquet(table.toString()).coalesce(1).write().parquet(mixed.toString());
    session().range(5).coalesce(1).write().parquet(numbers.toString());

    assertThatThrownBy(() -> ModelDir.open(mixed.toString(), Profile.REFERENCE))
        .hasMessageContaining("it mixes the models base, a (write it with partitionBy(\"model\"))");
    assertThatThrownBy(() -> ModelDir.open(numbers.toString(), Profile.REFERENCE))
        .hasMessageContaining(" as part of a block table: column block is missing; column count")
        .extracting(e -> ((WeightloomException) e).kind())
        .isEqualTo(Kind.INPUT);
  }

  @Test
  void blocksThatAreMissingFromSparksTableAreNamed() {
    Tables.in(table).explode(zoo.resolve("base"));
    Path less = dir.resolve("less");
    session()
        .read()
        .parquet(table.toString())
        .where("NOT (tensor = '" + Family.EMBEDDING + "' AND block = 1)")
        .write()
        .partitionBy("model")
        .parquet(less.toString());

    assertThatThrownBy(() -> ModelDir.open(less.toString(), Profile.REFERENCE))
        .hasMessageContaining("block 1 of " + Family.EMBEDDING + " is missing");
  }

  @Test
  void tensorsThatNoIndexNamesAreNotLost() {
    Path sharded =
        Family.weights("base", "F32").writeSharded(dir.resolve("sharded"), 4, Family.CONFIG);
    TinyCheckpoint more =
        new TinyCheckpoint()
            .add("lm_head.weight", "F32", new long[] {1}, 1)
            .add("other", "F32", new long[] {1}, 1);
    more.write(sharded.resolve("model-00002-of-00002.safetensors"));
    Family.file(
        sharded.resolve("model.safetensors.index.json"),
        "{\"weight_map\": {\"lm_head.weight\": \"model-00002-of-00002.safetensors\"}}");

    assertThatThrownBy(() -> Tables.in(table).explode(sharded))
        .hasMessageContaining(
            "Cannot explode " + sharded + ": its files hold 2 tensors, its index names 1 of them");
  }
}
