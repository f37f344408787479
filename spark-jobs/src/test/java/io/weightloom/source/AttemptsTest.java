package io.weightloom.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.job.Family;
import io.weightloom.job.LocalSpark;
import io.weightloom.job.SavedModel;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tasks that are tried again, or twice at once. */
@NullUnmarked
class AttemptsTest {
  @TempDir Path dir;

  @Test
  void attemptsThatFailLeaveNoTrace() throws Exception {
    Path model = Family.weights("a", "F32").writeSharded(dir.resolve("a"), 3, Family.CONFIG);
    LocalSpark.stop();
    SparkSession spark =
        SparkSession.builder()
            .master("local[2,3]")
            .config("spark.sql.warehouse.dir", "target/warehouse-" + ProcessHandle.current().pid())
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "localhost")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.serializer", "org.apache.spark.serializer.KryoSerializer")
            .getOrCreate();
    try {
      spark
          .udf()
          .register(
              "flaky",
              (UDF1<byte[], byte[]>)
                  data -> {
                    TaskContext task = TaskContext.get();
                    byte[] copy = data.clone();
                    if (task.attemptNumber() == 0) {
                      // Wrong bytes reach the file before the attempt dies.
                      copy[0] ^= 1;
                      if (data[0] % 3 == 0) {
                        throw new IllegalStateException("attempt 0 dies");
                      }
                    }
                    return copy;
                  },
              DataTypes.BinaryType);
      spark
          .read()
          .format("checkpoint")
          .option("blockSize", "64")
          .load(model.toString())
          .coalesce(1)
          .withColumn("data", functions.expr("flaky(data)"))
          .write()
          .format("checkpoint")
          .save(dir.resolve("out").toString());
    } finally {
      spark.stop();
    }
    Map<String, SavedModel.Stored> before = SavedModel.read(model);
    SavedModel.read(dir.resolve("out"))
        .forEach((name, t) -> assertThat(t.data()).as(name).isEqualTo(before.get(name).data()));
  }

  private static InternalRow row(String tensor, long offset, byte... data) {
    return new GenericInternalRow(
        new Object[] {
          UTF8String.fromString(tensor),
          UTF8String.fromString("U8"),
          offset,
          (long) data.length,
          data
        });
  }

  @Test
  void anAttemptWritesNothingBeforeItsTurn() throws IOException {
    Path file = Files.write(dir.resolve("f"), new byte[8]);
    TensorSpec spec = new TensorSpec("t", DType.U8, Shape.of(6));
    Map<String, BlockWriter.Place> places =
        Map.of("t", new BlockWriter.Place(spec, file.toString(), 2));
    BlockWriter first = new BlockWriter(places, 0, () -> {});
    BlockWriter second =
        new BlockWriter(
            places,
            0,
            () -> {
              throw new IllegalStateException("another attempt of this task writes");
            });
    first.write(row("t", 0, (byte) 1, (byte) 2));
    assertThatThrownBy(() -> second.write(row("t", 0, (byte) 9, (byte) 9, (byte) 9)))
        .hasMessageContaining("another attempt");
    second.abort();
    second.close();
    first.write(row("t", 2, (byte) 3, (byte) 4, (byte) 5, (byte) 6));
    BlockWriter.Written written = ((TaskMessage) first.commit()).as(BlockWriter.Written.class);
    assertThat(Files.readAllBytes(file)).containsExactly(0, 0, 1, 2, 3, 4, 5, 6);
    assertThat(written.ranges().get("t").problems(6)).isEmpty();
    assertThat(written.ranges().get("t").problems(7))
        .containsExactly("elements 6 to 7 are missing");
  }

  @Test
  void rowsThatWereNotCountedAreRefused() {
    BlockWriter writer =
        new BlockWriter(
            Map.of(
                "t",
                new BlockWriter.Place(
                    new TensorSpec("t", DType.U8, Shape.of(6)), dir.resolve("f").toString(), 0)),
            0,
            () -> {});
    assertThatThrownBy(() -> writer.write(row("u", 0, (byte) 1)))
        .hasMessageContaining("it was not there")
        .hasMessageContaining("persist it");
    assertThatThrownBy(() -> writer.write(row("t", 6, (byte) 1)))
        .hasMessageContaining("are not in [6]");
  }
}
