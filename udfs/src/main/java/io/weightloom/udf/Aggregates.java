package io.weightloom.udf;

import io.weightloom.stats.BlockStats;
import io.weightloom.stats.Gram;
import io.weightloom.stats.MagnitudeHistogram;
import java.util.Arrays;
import org.apache.spark.sql.catalyst.expressions.UnsafeArrayData;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.types.DataTypes;

/** The aggregates: sketches of blocks into that of all of them. */
public final class Aggregates {

  private Aggregates() {}

  /** Statistics. */
  public static final class StatsMerge extends SketchAggregate<BlockStats> {
    private static final long serialVersionUID = 1;

    public StatsMerge() {
      super(
          ofSketches(
                  "wl_stats_merge",
                  DataTypes.BinaryType,
                  "The statistics of all blocks together, as a sketch for wl_stats_info.",
                  "wl_stats")
              .example(
                  "wl_stats_info(wl_stats_merge(s)).l1 FROM VALUES (wl_stats(X'803F', 'BF16')),"
                      + " (wl_stats(X'00C0', 'BF16')) AS t(s)",
                  "3.0"));
    }

    @Override
    BlockStats read(byte[] sketch) {
      return BlockStats.fromBytes(sketch);
    }

    @Override
    BlockStats merged(BlockStats a, BlockStats b) {
      return a.merge(b);
    }

    @Override
    byte[] write(BlockStats stats) {
      return stats.toBytes();
    }
  }

  /** Histograms. */
  public static final class HistogramMerge extends SketchAggregate<MagnitudeHistogram> {
    private static final long serialVersionUID = 1;

    public HistogramMerge() {
      super(
          ofSketches(
                  "wl_histogram_merge",
                  DataTypes.BinaryType,
                  "The histogram of the magnitudes of all blocks together, for wl_quantiles and"
                      + " wl_bins.",
                  "wl_histogram")
              .example(
                  "wl_quantiles(wl_histogram_merge(h), array(1)) FROM VALUES"
                      + " (wl_histogram(X'803F', 'BF16')), (wl_histogram(X'00C0', 'BF16')) AS t(h)",
                  "[2.0]"));
    }

    @Override
    MagnitudeHistogram read(byte[] sketch) {
      return MagnitudeHistogram.fromBytes(sketch);
    }

    @Override
    MagnitudeHistogram merged(MagnitudeHistogram a, MagnitudeHistogram b) {
      return a.merge(b);
    }

    @Override
    byte[] write(MagnitudeHistogram histogram) {
      return histogram.toBytes();
    }
  }

  /** Gram matrices. */
  public static final class GramMerge extends SketchAggregate<Gram> {
    private static final long serialVersionUID = 1;

    public GramMerge() {
      super(
          ofSketches(
                  "wl_gram_merge",
                  DataTypes.createArrayType(
                      DataTypes.createArrayType(DataTypes.DoubleType, false), false),
                  "The K x K matrix of the dot products of K models over all blocks.",
                  "wl_gram")
              .example(
                  "wl_gram_merge(g) FROM VALUES (wl_gram(array(X'803F', X'0040'), 'BF16')),"
                      + " (wl_gram(array(X'803F', X'0000'), 'BF16')) AS t(g)",
                  "[[2.0,2.0], [2.0,4.0]]"));
    }

    @Override
    Gram read(byte[] sketch) {
      return Gram.fromBytes(sketch);
    }

    @Override
    Gram merged(Gram a, Gram b) {
      return a.merge(b);
    }

    @Override
    byte[] write(Gram gram) {
      return gram.toBytes();
    }

    @Override
    ArrayData result(Gram gram) {
      return new GenericArrayData(
          Arrays.stream(gram.matrix())
              .map(UnsafeArrayData::fromPrimitiveArray)
              .toArray(Object[]::new));
    }
  }
}
