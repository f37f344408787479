package io.weightloom.udf;

import io.weightloom.stats.BlockData;
import io.weightloom.stats.MagnitudeHistogram;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/** How the magnitudes of a block are spread. */
public final class Histograms {
  private static final String THEME = "Magnitudes";
  private static final String EXAMPLE = "wl_histogram(X'803F00C0803F', 'BF16')";

  private Histograms() {}

  /** A sketch. */
  public static final class Histogram extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Histogram() {
      super(
          ofBlock(
                  "wl_histogram",
                  THEME,
                  DataTypes.BinaryType,
                  "The histogram of the finite magnitudes as a sketch of some 5 bytes a bin, for"
                      + " wl_histogram_merge, wl_quantiles and wl_bins. BF16 and F16 have a bin for"
                      + " each magnitude, F32 and F64 for each 256th part of an octave.")
              .example("size(wl_bins(" + EXAMPLE + "))", "2"));
    }

    public static byte @Nullable [] invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      return data == null || dtype == null
          ? null
          : MagnitudeHistogram.of(block(data, dtype), kernels()).toBytes();
    }
  }

  /** One order statistic. */
  public static final class Quantile extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Quantile() {
      super(
          ofBlock(
                  "wl_quantile",
                  THEME,
                  DataTypes.DoubleType,
                  "The magnitude that a share of the finite values does not exceed, exactly: of n"
                      + " magnitudes in ascending order the ceil(share * n)-th.")
              .takes("share", DataTypes.DoubleType, "from 0, the least magnitude, to 1")
              .example("wl_quantile(X'803F00C0803F', 'BF16', 0.9)", "2.0"));
    }

    public static @Nullable Double invoke(
        byte @Nullable [] data, @Nullable UTF8String dtype, double share) {
      if (data == null || dtype == null) {
        return null;
      }
      BlockData block = block(data, dtype);
      return orNull(MagnitudeHistogram.quantile(block, share, kernels()));
    }
  }

  /** Order statistics from a sketch. */
  public static final class Quantiles extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Quantiles() {
      super(
          FunctionSpec.of(
                  "wl_quantiles",
                  THEME,
                  DataTypes.createArrayType(DataTypes.DoubleType),
                  "Quantiles of the magnitudes in a histogram, of one block or of many merged. Exact"
                      + " for BF16 and F16; where F32 or F64 were counted, the least magnitude of the"
                      + " bin, at most 1/256 below the truth.")
              .takes("histogram", DataTypes.BinaryType, "from wl_histogram or wl_histogram_merge")
              .takes(
                  "shares",
                  DataTypes.createArrayType(DataTypes.DoubleType),
                  "each from 0, the least magnitude, to 1")
              .example("wl_quantiles(" + EXAMPLE + ", array(0.5, 0.9))", "[1.0,2.0]"));
    }

    public static @Nullable ArrayData invoke(
        byte @Nullable [] histogram, @Nullable ArrayData shares) {
      if (histogram == null || shares == null) {
        return null;
      }
      MagnitudeHistogram magnitudes = MagnitudeHistogram.fromBytes(histogram);
      @Nullable Object[] quantiles = new @Nullable Object[shares.numElements()];
      for (int i = 0; i < quantiles.length; i++) {
        quantiles[i] = shares.isNullAt(i) ? null : orNull(magnitudes.quantile(shares.getDouble(i)));
      }
      return new GenericArrayData(quantiles);
    }
  }

  /** A sketch unfolded. */
  public static final class Bins extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Bins() {
      super(
          FunctionSpec.of(
                  "wl_bins",
                  THEME,
                  DataTypes.createArrayType(
                      new StructType()
                          .add("magnitude", DataTypes.DoubleType, false)
                          .add("count", DataTypes.LongType, false),
                      false),
                  "The bins of a histogram that hold something, in ascending order: the least"
                      + " magnitude of each and how many values it holds.")
              .takes("histogram", DataTypes.BinaryType, "from wl_histogram or wl_histogram_merge")
              .example("wl_bins(" + EXAMPLE + ")", "[[1.0,2], [2.0,1]]"));
    }

    public static @Nullable ArrayData invoke(byte @Nullable [] histogram) {
      if (histogram == null) {
        return null;
      }
      MagnitudeHistogram magnitudes = MagnitudeHistogram.fromBytes(histogram);
      Object[] bins = new Object[magnitudes.bins()];
      for (int i = 0; i < bins.length; i++) {
        bins[i] =
            new GenericInternalRow(new Object[] {magnitudes.magnitude(i), magnitudes.count(i)});
      }
      return new GenericArrayData(bins);
    }
  }
}
