package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.job.Family;
import io.weightloom.job.LocalSpark;
import io.weightloom.job.SavedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowFileReader;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the commands of tables print, refuse and leave. */
@NullUnmarked
class TableCommandsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path dir;
  private Path zoo;
  private Path table;

  @BeforeEach
  void writeModels() {
    LocalSpark.stop();
    zoo = Family.write(dir.resolve("zoo"), "BF16");
    table = dir.resolve("table");
  }

  private static JsonNode json(Cli run) throws IOException {
    assertThat(run.exitCode()).as(run.err()).isZero();
    return JSON.readTree(run.out());
  }

  private static void assertRefused(Cli run, int code, String... words) {
    assertThat(run.err()).startsWith("weightloom: ").doesNotContain("\tat ", "Exception");
    assertThat(run.err()).contains(words);
    assertThat(run.exitCode()).as(run.err()).isEqualTo(code);
    assertThat(run.out()).isEmpty();
  }

  @Test
  void explodeAsJsonTellsOfEachModel() throws IOException {
    JsonNode out =
        json(
            Cli.run(
                "explode",
                zoo.resolve("a"),
                zoo.resolve("b"),
                table,
                "--name",
                "org/a",
                "--name",
                "b",
                "--compress",
                "zstd",
                "--output",
                "json"));

    assertThat(out.get("table").asText()).isEqualTo(table.toString());
    JsonNode first = out.get("models").get(0);
    assertThat(first.get("model").asText()).isEqualTo("org/a");
    assertThat(first.get("partition").asText()).isEqualTo(table + "/model=org%2Fa");
    assertThat(first.get("tensors").asInt()).isEqualTo(8);
    assertThat(first.get("blocks").asInt()).isEqualTo(8);
    assertThat(first.get("rawBytes").asLong()).isEqualTo(2 * 338 + 24);
    assertThat(first.get("content").asText()).matches("[0-9a-f]{16}");
    assertThat(LocalSpark.isRunning()).isFalse();
  }

  @Test
  void aTableIsInspectedVerifiedAndImploded() throws IOException {
    Cli explode = Cli.run("explode", zoo.resolve("a"), table, "--block-size", "64");
    assertThat(explode.exitCode()).as(explode.err()).isZero();
    assertThat(explode.out()).isEmpty();
    assertThat(explode.err())
        .contains("exploded a: 8 tensors in ", " blocks, 700 B in 1 files of ");

    JsonNode inspected = json(Cli.run("inspect", table, "--output", "json"));
    Cli verified = Cli.run("verify", table);
    Cli imploded = Cli.run("implode", table, dir.resolve("out"), "--model", "a");

    JsonNode source = json(Cli.run("inspect", zoo.resolve("a"), "--output", "json"));
    for (String field : new String[] {"parameters", "bytes", "tensors", "companion_files"}) {
      assertThat(inspected.get(field)).isEqualTo(source.get(field));
    }
    assertThat(verified.exitCode()).as(verified.err()).isZero();
    assertThat(verified.err()).contains("every block's digest as the table says");
    assertThat(imploded.exitCode()).as(imploded.err()).isZero();
    assertThat(imploded.err()).contains("imploded 8 tensors, 700 B in 1 file, every digest");
    assertThat(dir.resolve("out/model.safetensors"))
        .hasSameBinaryContentAs(zoo.resolve("a/model.safetensors"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "explode ZOO/none TABLE|3|Cannot open model ZOO/none: there is no such file or directory",
        "explode ZOO/a|2|requires at least 2 values, but only 1",
        "explode ZOO/a TABLE --compress lzma|2|Invalid value for option '--compress'",
        "explode ZOO/a TABLE --block-size much|2|expected a size such as 1m or 512k, found much",
        "explode ZOO/a TABLE --block-size 8|2|Cannot cut blocks of 8 bytes",
        "explode ZOO/a ZOO/b TABLE --name one|2|Cannot explode 2 models under 1 names",
        "explode ZOO/a ZOO/a TABLE|2|the table would call it a, as it does ZOO/a",
        "explode ZOO/a ZOO/a/config.json|5|Cannot write the table ZOO/a/config.json: it is a file",
        "explode ZOO/a s3a://bucket/table|2|tables are written to paths that all executors see",
        "implode ZOO/a OUT|3|Cannot implode ZOO/a: it is a model directory and no block table",
        "implode ZOO OUT --model x|3|Cannot implode model x: the table ZOO has no models",
        "implode ZOO/none OUT|3|there is no such file or directory",
        "export ZOO/a OUT --tensors nothing|2|none of its 8 tensors is named like nothing",
        "export ZOO/a ZOO/b|5|Cannot write ZOO/b: it is a directory",
        "export ZOO/a OUT --what weights|2|Invalid value for option '--what'",
      })
  void badInputHasItsCodeAndItsWords(String command, int code, String words) {
    Object[] args = of(command).split(" ");

    assertRefused(Cli.run(args), code, of(words));
    assertThat(table).doesNotExist();
    assertThat(dir.resolve("out")).doesNotExist();
    assertThat(LocalSpark.isRunning()).isFalse();
  }

  private String of(String text) {
    return text.replace("ZOO", zoo.toString())
        .replace("TABLE", table.toString())
        .replace("OUT", dir.resolve("out").toString());
  }

  @Test
  void anArrowFileHoldsTheBlocks() throws IOException {
    Path file = dir.resolve("a.arrow");

    Cli run = Cli.run("export", zoo.resolve("a"), file, "--block-size", "64");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).isEmpty();
    Map<String, byte[]> found = new HashMap<>();
    try (BufferAllocator allocator = new RootAllocator();
        var channel = Files.newByteChannel(file);
        ArrowFileReader reader = new ArrowFileReader(channel, allocator)) {
      VectorSchemaRoot root = reader.getVectorSchemaRoot();
      while (reader.loadNextBatch()) {
        for (int i = 0; i < root.getRowCount(); i++) {
          String tensor = root.getVector("tensor").getObject(i).toString();
          byte[] data = (byte[]) root.getVector("data").getObject(i);
          found.merge(tensor, data, TableCommandsTest::joined);
        }
      }
    }
    Map<String, SavedModel.Stored> model = SavedModel.read(zoo.resolve("a"));
    assertThat(found.keySet()).isEqualTo(model.keySet());
    model.forEach((name, t) -> assertThat(found.get(name)).as(name).isEqualTo(t.data()));
  }

  private static byte[] joined(byte[] a, byte[] b) {
    byte[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }

  @Test
  void oneTensorsShapeIsInTheFieldsMetadata() throws IOException {
    Path file = dir.resolve("up.arrow");

    Cli run = Cli.run("export", zoo.resolve("a"), file, "--tensors", "*.0.*up_proj*");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err()).contains("exported 1 tensors in 1 blocks of 126 B");
    try (BufferAllocator allocator = new RootAllocator();
        var channel = Files.newByteChannel(file);
        ArrowFileReader reader = new ArrowFileReader(channel, allocator)) {
      assertThat(reader.getVectorSchemaRoot().getSchema().findField("data").getMetadata())
          .isEqualTo(Map.of("dtype", "BF16", "shape", "[9, 7]"));
    }
    assertRefused(
        Cli.run("export", zoo.resolve("a"), file), 5, "Cannot write " + file + ": it exists");
  }
}
