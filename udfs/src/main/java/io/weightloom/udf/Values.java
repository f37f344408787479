package io.weightloom.udf;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ContentDigest;
import io.weightloom.stats.BlockData;
import io.weightloom.tensor.DType;
import java.util.Arrays;
import java.util.HexFormat;
import org.apache.spark.sql.catalyst.expressions.UnsafeArrayData;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/** The values of a block, all or some. */
public final class Values {
  private static final String THEME = "Values";

  private Values() {}

  /** All as floats. */
  public static final class Decode extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Decode() {
      super(
          ofBlock(
                  "wl_decode",
                  THEME,
                  DataTypes.createArrayType(DataTypes.FloatType, false),
                  "The values as an array of floats, exactly; F64 does not fit, see wl_decode64.")
              .example("wl_decode(X'803F00C0', 'BF16')", "[1.0,-2.0]"));
    }

    public static @Nullable ArrayData invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      if (data == null || dtype == null) {
        return null;
      }
      BlockData block = block(data, dtype);
      if (block.dtype() == DType.F64) {
        throw WeightloomException.usage(
            "Cannot decode F64 into an array of floats: digits would be lost (use wl_decode64)");
      }
      float[] values = new float[block.count()];
      kernels().decode(block.dtype(), data, 0, values, values.length);
      return UnsafeArrayData.fromPrimitiveArray(values);
    }
  }

  /** All as doubles. */
  public static final class Decode64 extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Decode64() {
      super(
          ofBlock(
                  "wl_decode64",
                  THEME,
                  DataTypes.createArrayType(DataTypes.DoubleType, false),
                  "The values as an array of doubles, exactly.")
              .example("wl_decode64(X'803F00C0', 'BF16')", "[1.0,-2.0]"));
    }

    public static @Nullable ArrayData invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      if (data == null || dtype == null) {
        return null;
      }
      BlockData block = block(data, dtype);
      double[] values = new double[block.count()];
      Arrays.setAll(values, block::at);
      return UnsafeArrayData.fromPrimitiveArray(values);
    }
  }

  /** Some, still stored. */
  public static final class Slice extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Slice() {
      super(
          ofBlock(
                  "wl_slice",
                  THEME,
                  DataTypes.BinaryType,
                  "The stored bytes of a run of values; of any dtype of whole bytes.")
              .takes("from", DataTypes.LongType, "index of the first value in the block, from 0")
              .takes("count", DataTypes.LongType, "how many values")
              .example("wl_decode(wl_slice(X'803F00400040', 'BF16', 1, 2), 'BF16')", "[2.0,2.0]"));
    }

    public static byte @Nullable [] invoke(
        byte @Nullable [] data, @Nullable UTF8String dtype, long from, long count) {
      if (data == null || dtype == null) {
        return null;
      }
      DType type = dtype(dtype);
      long elements = elements(data, type);
      if (from < 0 || count < 0 || from > elements - count) {
        throw WeightloomException.usage(
            "Cannot slice %d values from %d on: the block has %d (stay within 0 to %3$d)"
                .formatted(count, from, elements));
      }
      int width = wholeBytes(type);
      return Arrays.copyOfRange(data, (int) from * width, (int) (from + count) * width);
    }

    private static int wholeBytes(DType type) {
      if (type.bits() % 8 != 0) {
        throw WeightloomException.usage(
            "Cannot slice a block of %s: its values share bytes (take the whole block)"
                .formatted(type));
      }
      return type.bytes();
    }
  }

  /** One. */
  public static final class At extends BlockFunction {
    private static final long serialVersionUID = 1;

    public At() {
      super(
          ofBlock(
                  "wl_at",
                  THEME,
                  DataTypes.DoubleType,
                  "One value, the block being seen as a matrix of whole rows.")
              .takes("columns", DataTypes.LongType, "values of a row")
              .takes("row", DataTypes.LongType, "the row in the block, from 0")
              .takes("column", DataTypes.LongType, "the place in the row, from 0")
              .example("wl_at(X'803F004040408040', 'BF16', 2, 1, 0)", "3.0"));
    }

    public static @Nullable Double invoke(
        byte @Nullable [] data, @Nullable UTF8String dtype, long columns, long row, long column) {
      if (data == null || dtype == null) {
        return null;
      }
      BlockData block = block(data, dtype);
      long rows = columns < 1 ? 0 : block.count() / columns;
      if (row < 0 || row >= rows || column < 0 || column >= columns) {
        throw WeightloomException.usage(
            "Cannot look at row %d, column %d: the block of %d values has %d whole rows of %d columns"
                    .formatted(row, column, block.count(), rows, columns)
                + " (rows are counted from the block's row_begin, from 0)");
      }
      return block.at((int) (row * columns + column));
    }
  }

  /** How many. */
  public static final class Count extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Count() {
      super(
          ofBlock("wl_count", THEME, DataTypes.LongType, "The number of values; of any dtype.")
              .example("wl_count(X'803F00C0', 'BF16')", "2"));
    }

    public static @Nullable Long invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      return data == null || dtype == null ? null : elements(data, dtype(dtype));
    }
  }

  /** A fingerprint. */
  public static final class Digest extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Digest() {
      super(
          FunctionSpec.of(
                  "wl_digest",
                  THEME,
                  DataTypes.StringType,
                  "XXH3-64 of the bytes, seed 0, as 16 hexadecimal digits: what block tables hold as"
                      + " digest.")
              .takes("data", DataTypes.BinaryType, "any bytes")
              .example("wl_digest(X'')", "2d06800538d394c2"));
    }

    public static @Nullable UTF8String invoke(byte @Nullable [] data) {
      return data == null
          ? null
          : UTF8String.fromString(
              HexFormat.of().toHexDigits(ContentDigest.chunk(data, 0, data.length)));
    }
  }

  private static long elements(byte[] data, DType type) {
    long bits = 8L * data.length;
    if (bits % type.bits() != 0) {
      throw WeightloomException.input(
          "Cannot count the values of a block of %s: its %d bytes are not whole values of %d bits"
                  .formatted(type, data.length, type.bits())
              + " (give the dtype that the data has)");
    }
    return bits / type.bits();
  }
}
