package io.weightloom.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.io.table.Compression;
import io.weightloom.job.ExplodeJob;
import io.weightloom.job.ExplodeRequest;
import io.weightloom.job.Family;
import io.weightloom.job.LocalSpark;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Models in block tables are read and written as models in directories are. */
@NullUnmarked
class TableTest {
  @TempDir Path dir;
  private SparkSession spark;

  @BeforeEach
  void writeModels() {
    Family.write(dir.resolve("zoo"), "BF16");
    Family.weights("a", "F32").writeSharded(dir.resolve("zoo/sharded"), 3, Family.CONFIG);
    spark = Session.get();
  }

  private Path explode(Compression compression, String... models) {
    Path table = dir.resolve("table-" + compression);
    List<String> paths =
        Stream.of(models).map(m -> dir.resolve("zoo").resolve(m).toString()).toList();
    ExplodeJob.run(
        LocalSpark.get(),
        new ExplodeRequest(
            paths, List.of(), table.toString(), 64, compression, false, (p, d, t) -> {}));
    return table;
  }

  private static Map<String, String> files(Path dir) throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> entries = Files.list(dir)) {
      for (Path file : entries.toList()) {
        files.put(
            file.getFileName().toString(),
            new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1));
      }
    }
    return files;
  }

  @ParameterizedTest
  @EnumSource(Compression.class)
  void aPartitionGivesTheRowsOfItsModel(Compression compression) throws IOException {
    Path partition = explode(compression, "sharded", "a").resolve("model=sharded");
    String[] columns = {"model", "tensor", "dtype", "shape", "block", "offset", "data", "digest"};
    Dataset<Row> fromTable = Session.small(partition);
    assertThat(fromTable.selectExpr(columns).collectAsList())
        .containsExactlyInAnyOrderElementsOf(
            Session.small(dir.resolve("zoo/sharded")).selectExpr(columns).collectAsList());
    fromTable.write().format("checkpoint").save(dir.resolve("out").toString());
    assertThat(files(dir.resolve("out"))).isEqualTo(files(dir.resolve("zoo/sharded")));
  }

  @Test
  void aTableAndADirectoryAreJoinedWhereTheyAreRead() {
    Session.small(explode(Compression.NONE, "a")).createOrReplaceTempView("x");
    Session.small(dir.resolve("zoo/b")).createOrReplaceTempView("y");
    Dataset<Row> both =
        spark.sql("select x.data as p, y.data as q from x join y using (tensor, block)");
    assertThat(Session.exchangesAndSorts(both)).isEqualTo(List.of(0L, 0L));
    assertThat(both.count()).isEqualTo(30);
  }

  @Test
  void plainRowsOfATableAreWrittenIfTheyAreNotPacked() throws IOException {
    Path raw = explode(Compression.NONE, "sharded");
    spark
        .read()
        .parquet(raw.toString())
        .write()
        .format("checkpoint")
        .option("like", dir.resolve("zoo/sharded").toString())
        .save(dir.resolve("out").toString());
    assertThat(files(dir.resolve("out"))).isEqualTo(files(dir.resolve("zoo/sharded")));
  }

  @Test
  void aTableOfSeveralModelsAsksForOne() {
    Path table = explode(Compression.NONE, "a", "b");
    assertThatThrownBy(() -> Session.small(table).count())
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("it is a block table of 2 models");
  }
}
