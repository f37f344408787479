package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Masks as a table: one Parquet row for a run of whole rows of a tensor, the bits of each row from
 * the lowest bit of a byte of its own on, 1 for what is kept.
 */
public final class MaskExport {
  /** Bytes of bits in a row of the table, unless one row of the tensor has more. */
  private static final long CHUNK_BYTES = 1 << 20;

  private static final StructType SCHEMA =
      new StructType()
          .add("model", DataTypes.StringType)
          .add("tensor", DataTypes.StringType)
          .add("shape", DataTypes.createArrayType(DataTypes.LongType))
          .add("row_begin", DataTypes.LongType)
          .add("row_end", DataTypes.LongType)
          .add("columns", DataTypes.LongType)
          .add("bits", DataTypes.BinaryType)
          .add("kept", DataTypes.LongType)
          .add("method", DataTypes.StringType)
          .add("recipe_digest", DataTypes.StringType);

  private MaskExport() {}

  /** Some whole rows of a tensor. */
  private record Chunk(
      String model,
      String tensor,
      MaskDir.Mask mask,
      long rowBegin,
      long rowEnd,
      String method,
      String recipe)
      implements java.io.Serializable {
    private static final long serialVersionUID = 1;

    Row row() {
      long columns = mask.columns();
      long first = rowBegin * columns;
      long end = rowEnd * columns;
      byte[] flat = mask.read(first / 8, Math.toIntExact((end + 7) / 8 - first / 8));
      byte[] bits = padded(flat, (int) (first % 8), Math.toIntExact(rowEnd - rowBegin), columns);
      long kept = 0;
      for (byte b : bits) {
        kept += Integer.bitCount(b & 0xff);
      }
      return RowFactory.create(
          model,
          tensor,
          mask.shape().dims().toArray(Long[]::new),
          rowBegin,
          rowEnd,
          columns,
          bits,
          kept,
          method,
          recipe);
    }
  }

  /** Rows that each begin with a byte, of bits that follow each other from a bit of the first. */
  static byte[] padded(byte[] flat, int firstBit, int rows, long columns) {
    int width = Math.toIntExact((columns + 7) / 8);
    if (columns % 8 == 0 && firstBit == 0) {
      return flat;
    }
    byte[] out = new byte[Math.multiplyExact(rows, width)];
    long bit = firstBit;
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++, bit++) {
        if ((flat[(int) (bit / 8)] >> (bit % 8) & 1) != 0) {
          out[r * width + c / 8] |= (byte) (1 << c % 8);
        }
      }
    }
    return out;
  }

  /**
   * Writes masks as a table.
   *
   * @param packed the directory of the masks, one bit an element
   * @param request of the merge that wrote them; its output is the directory of the table
   * @throws WeightloomException if it cannot; nothing is left under the output's name
   */
  static void toParquet(
      SparkContext spark, Path packed, MergeRequest request, PreparedMerge merge) {
    MaskDir masks = MaskDir.open(packed.toString());
    List<Chunk> chunks = new ArrayList<>();
    String model = merge.plan().models().get(0).reference();
    String recipe = digest(request.recipe().text());
    masks
        .masks()
        .forEach(
            (tensor, mask) -> {
              long rows = mask.columns() == 0 ? 0 : mask.elements() / mask.columns();
              long step = Math.max(1, CHUNK_BYTES * 8 / Math.max(1, mask.columns()));
              for (long row = 0; row < rows; row += step) {
                chunks.add(
                    new Chunk(
                        model,
                        tensor,
                        mask,
                        row,
                        Math.min(rows, row + step),
                        merge.plan().method(),
                        recipe));
              }
            });
    try (OutputDir output = OutputDir.open(request.output(), request.overwrite(), 0)) {
      int parts = Math.max(1, Math.min(chunks.size(), 2 * spark.defaultParallelism()));
      JavaRDD<Row> rows =
          JavaSparkContext.fromSparkContext(spark).parallelize(chunks, parts).map(Chunk::row);
      SparkSession.builder()
          .sparkContext(spark)
          .getOrCreate()
          .createDataFrame(rows, SCHEMA)
          .write()
          .mode("append")
          .parquet(output.path("").toString());
      // Readers of Parquet pass over what begins with an underscore.
      output.write("_" + Manifest.FILE, Files.readAllBytes(packed.resolve(Manifest.FILE)));
      output.publish();
    } catch (IOException e) {
      throw OutputDir.cannotWrite(request.output().toString(), e);
    } catch (RuntimeException e) {
      throw EmbeddedSpark.failure(spark, "write masks", e);
    }
  }

  private static String digest(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return java.util.HexFormat.of()
        .toHexDigits(io.weightloom.io.ContentDigest.chunk(bytes, 0, bytes.length));
  }
}
