package io.weightloom.udf;

import io.weightloom.testkit.TinyCheckpoint;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** The Spark session of the tests, and blocks as rows. */
final class Sql {
  static final StructType BLOCKS =
      new StructType()
          .add("id", DataTypes.IntegerType, false)
          .add("tensor", DataTypes.StringType)
          .add("dtype", DataTypes.StringType)
          .add("data", DataTypes.BinaryType)
          .add("other", DataTypes.BinaryType);

  private Sql() {}

  /** The session of this JVM: our extensions, and the functions as the catalog {@code wl}. */
  static SparkSession session() {
    return builder()
        .config("spark.sql.extensions", WeightloomExtensions.class.getName())
        .getOrCreate();
  }

  static SparkSession.Builder builder() {
    return SparkSession.builder()
        .master("local[2]")
        .appName("test")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "localhost")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "3")
        .config("spark.sql.catalog.wl", WeightloomFunctions.class.getName());
  }

  /** A value by SQL. */
  static Object value(String expression) {
    return session().sql("SELECT " + expression).head().get(0);
  }

  /** Blocks of random weights, of all computed dtypes in turn, two tensors in all. */
  static List<Row> blocks(int count, int elements) {
    SplittableRandom random = new SplittableRandom(11);
    String[] dtypes = {"BF16", "F16", "F32", "F64"};
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String dtype = dtypes[i % dtypes.length];
      rows.add(
          RowFactory.create(
              i,
              "t" + i % 2,
              dtype,
              TinyCheckpoint.encode(dtype, weights(random, elements)),
              TinyCheckpoint.encode(dtype, weights(random, elements))));
    }
    return rows;
  }

  static double[] weights(SplittableRandom random, int n) {
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      values[i] =
          random.nextInt(8) == 0 ? 0 : 0.03 * (random.nextDouble() + random.nextDouble() - 1);
    }
    return values;
  }

  /** Rows as the view {@code blocks}, in so many partitions. */
  static Dataset<Row> blocks(SparkSession spark, List<Row> rows, int partitions) {
    Dataset<Row> blocks = spark.createDataFrame(rows, BLOCKS).repartition(partitions);
    blocks.createOrReplaceTempView("blocks");
    return blocks;
  }

  /** Stored values, decoded without code of the product. */
  static double[] values(String dtype, byte[] data) {
    ByteBuffer in = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    int width = dtype.equals("F64") ? 8 : dtype.equals("F32") ? 4 : 2;
    double[] values = new double[data.length / width];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (dtype) {
            case "F64" -> in.getDouble(8 * i);
            case "F32" -> in.getFloat(4 * i);
            case "BF16" -> Float.intBitsToFloat(in.getShort(2 * i) << 16);
            default -> half(in.getShort(2 * i));
          };
    }
    return values;
  }

  /** By the definition of IEEE binary16; finite. */
  private static double half(short bits) {
    int exponent = (bits >>> 10) & 0x1f;
    int fraction = bits & 0x3ff;
    double magnitude =
        exponent == 0
            ? Math.scalb((double) fraction, -24)
            : Math.scalb(1024.0 + fraction, exponent - 25);
    return bits < 0 ? -magnitude : magnitude;
  }
}
