package io.weightloom.udf;

import io.weightloom.stats.BlockStats;
import io.weightloom.stats.NmPattern;
import java.util.function.ToDoubleFunction;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/**
 * Statistics of one block. What is over finite values is NULL where there are none. Each of them
 * reads the block once; whoever wants several takes them from one {@code wl_stats}.
 */
public final class Statistics {
  private static final String THEME = "Statistics of a block";
  private static final String EXAMPLE = "(X'803F00C0', 'BF16')";

  private Statistics() {}

  private static BlockStats stats(byte[] data, UTF8String dtype) {
    return BlockStats.of(BlockFunction.block(data, dtype), BlockFunction.kernels());
  }

  /** Null if nothing is finite. */
  private static @Nullable Double ifFinite(BlockStats stats, double value) {
    return stats.finite() == 0 ? null : value;
  }

  private static @Nullable Double ifFinite(
      byte @Nullable [] data, @Nullable UTF8String dtype, ToDoubleFunction<BlockStats> value) {
    if (data == null || dtype == null) {
      return null;
    }
    BlockStats stats = stats(data, dtype);
    return ifFinite(stats, value.applyAsDouble(stats));
  }

  /** √Σx². */
  public static final class L2 extends BlockFunction {
    private static final long serialVersionUID = 1;

    public L2() {
      super(
          ofBlock(
                  "wl_l2",
                  THEME,
                  DataTypes.DoubleType,
                  "The Euclidean norm of the finite values; the fastest of the statistics.")
              .example("wl_l2" + EXAMPLE, "2.23606797749979"));
    }

    public static @Nullable Double invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      return data == null || dtype == null
          ? null
          : orNull(BlockStats.l2(block(data, dtype), kernels()));
    }
  }

  /** sum. */
  public static final class Sum extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Sum() {
      super(
          ofBlock("wl_sum", THEME, DataTypes.DoubleType, "The sum of the finite values.")
              .example("wl_sum" + EXAMPLE, "-1.0"));
    }

    public static @Nullable Double invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      return ifFinite(data, dtype, BlockStats::sum);
    }
  }

  /** mean. */
  public static final class Mean extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Mean() {
      super(
          ofBlock("wl_mean", THEME, DataTypes.DoubleType, "The mean of the finite values.")
              .example("wl_mean" + EXAMPLE, "-0.5"));
    }

    public static @Nullable Double invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      return ifFinite(data, dtype, BlockStats::mean);
    }
  }

  /** variance. */
  public static final class Variance extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Variance() {
      super(
          ofBlock(
                  "wl_variance",
                  THEME,
                  DataTypes.DoubleType,
                  "The variance of the finite values, as of a population: divided by their number.")
              .example("wl_variance" + EXAMPLE, "2.25"));
    }

    public static @Nullable Double invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      return ifFinite(data, dtype, BlockStats::variance);
    }
  }

  /** min. */
  public static final class Min extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Min() {
      super(
          ofBlock("wl_min", THEME, DataTypes.DoubleType, "The least finite value.")
              .example("wl_min" + EXAMPLE, "-2.0"));
    }

    public static @Nullable Double invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      return ifFinite(data, dtype, BlockStats::min);
    }
  }

  /** max. */
  public static final class Max extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Max() {
      super(
          ofBlock("wl_max", THEME, DataTypes.DoubleType, "The greatest finite value.")
              .example("wl_max" + EXAMPLE, "1.0"));
    }

    public static @Nullable Double invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      return ifFinite(data, dtype, BlockStats::max);
    }
  }

  /** l1. */
  public static final class L1 extends BlockFunction {
    private static final long serialVersionUID = 1;

    public L1() {
      super(
          ofBlock(
                  "wl_l1",
                  THEME,
                  DataTypes.DoubleType,
                  "The sum of the magnitudes of the finite values.")
              .example("wl_l1" + EXAMPLE, "3.0"));
    }

    public static @Nullable Double invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      return ifFinite(data, dtype, BlockStats::l1);
    }
  }

  /** linf. */
  public static final class Linf extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Linf() {
      super(
          ofBlock(
                  "wl_linf",
                  THEME,
                  DataTypes.DoubleType,
                  "The greatest magnitude of the finite values.")
              .example("wl_linf" + EXAMPLE, "2.0"));
    }

    public static @Nullable Double invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      return ifFinite(data, dtype, BlockStats::linf);
    }
  }

  /** zeros. */
  public static final class Zeros extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Zeros() {
      super(
          ofBlock("wl_zeros", THEME, DataTypes.LongType, "The number of values that are +0 or -0.")
              .example("wl_zeros" + EXAMPLE, "0"));
    }

    public static @Nullable Long invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      return data == null || dtype == null ? null : stats(data, dtype).zeros();
    }
  }

  /** nans. */
  public static final class Nans extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Nans() {
      super(
          ofBlock("wl_nans", THEME, DataTypes.LongType, "The number of values that are NaN.")
              .example("wl_nans" + EXAMPLE, "0"));
    }

    public static @Nullable Long invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      return data == null || dtype == null ? null : stats(data, dtype).nans();
    }
  }

  /** infs. */
  public static final class Infs extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Infs() {
      super(
          ofBlock("wl_infs", THEME, DataTypes.LongType, "The number of values that are infinite.")
              .example("wl_infs" + EXAMPLE, "0"));
    }

    public static @Nullable Long invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      return data == null || dtype == null ? null : stats(data, dtype).infs();
    }
  }

  /** denormals. */
  public static final class Denormals extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Denormals() {
      super(
          ofBlock(
                  "wl_denormals",
                  THEME,
                  DataTypes.LongType,
                  "The number of values that are denormal in the dtype they are stored in.")
              .example("wl_denormals" + EXAMPLE, "0"));
    }

    public static @Nullable Long invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      return data == null || dtype == null ? null : stats(data, dtype).denormals();
    }
  }

  /** Zeros by elements. */
  public static final class Sparsity extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Sparsity() {
      super(
          ofBlock(
                  "wl_sparsity",
                  THEME,
                  DataTypes.DoubleType,
                  "The share of values that are +0 or -0, from 0 to 1.")
              .example("wl_sparsity(X'803F0080', 'BF16')", "0.5"));
    }

    public static @Nullable Double invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      return data == null || dtype == null ? null : orNull(stats(data, dtype).sparsity());
    }
  }

  /** N:M. */
  public static final class Nm extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Nm() {
      super(
          ofBlock(
                  "wl_nm",
                  THEME,
                  DataTypes.DoubleType,
                  "The share of groups of m consecutive values that follow an n:m sparsity pattern:"
                      + " at most n of them are not 0. Groups are counted from the block's begin; an"
                      + " incomplete last one is left out.")
              .takes("n", DataTypes.IntegerType, "values of a group that may differ from 0")
              .takes("m", DataTypes.IntegerType, "values of a group")
              .example("wl_nm(X'803F000000000040', 'BF16', 2, 4)", "1.0"));
    }

    public static @Nullable Double invoke(
        byte @Nullable [] data, @Nullable UTF8String dtype, int n, int m) {
      return data == null || dtype == null
          ? null
          : orNull(NmPattern.of(block(data, dtype), n, m, kernels()).share());
    }
  }

  /** All at once. */
  public static final class Stats extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Stats() {
      super(
          ofBlock(
                  "wl_stats",
                  THEME,
                  DataTypes.BinaryType,
                  "All statistics of the block as a sketch of some 150 bytes, for wl_stats_merge and"
                      + " wl_stats_info.")
              .example("wl_stats_info(wl_stats" + EXAMPLE + ").sum", "-1.0"));
    }

    public static byte @Nullable [] invoke(byte @Nullable [] data, @Nullable UTF8String dtype) {
      return data == null || dtype == null ? null : stats(data, dtype).toBytes();
    }
  }

  /** A sketch unfolded. */
  public static final class StatsInfo extends BlockFunction {
    private static final long serialVersionUID = 1;

    public StatsInfo() {
      super(
          FunctionSpec.of(
                  "wl_stats_info",
                  THEME,
                  new StructType()
                      .add("elements", DataTypes.LongType, false)
                      .add("zeros", DataTypes.LongType, false)
                      .add("nans", DataTypes.LongType, false)
                      .add("infs", DataTypes.LongType, false)
                      .add("denormals", DataTypes.LongType, false)
                      .add("min", DataTypes.DoubleType)
                      .add("max", DataTypes.DoubleType)
                      .add("sum", DataTypes.DoubleType)
                      .add("sum2", DataTypes.DoubleType)
                      .add("l1", DataTypes.DoubleType)
                      .add("l2", DataTypes.DoubleType)
                      .add("linf", DataTypes.DoubleType)
                      .add("mean", DataTypes.DoubleType)
                      .add("variance", DataTypes.DoubleType)
                      .add("skewness", DataTypes.DoubleType)
                      .add("kurtosis", DataTypes.DoubleType)
                      .add("sparsity", DataTypes.DoubleType),
                  "The statistics in a sketch, of one block or of many merged. Moments are those of a"
                      + " population, the kurtosis is the excess.")
              .takes("sketch", DataTypes.BinaryType, "from wl_stats or wl_stats_merge")
              .example("wl_stats_info(wl_stats" + EXAMPLE + ").variance", "2.25"));
    }

    public static @Nullable InternalRow invoke(byte @Nullable [] sketch) {
      if (sketch == null) {
        return null;
      }
      BlockStats stats = BlockStats.fromBytes(sketch);
      return new GenericInternalRow(
          new @Nullable Object[] {
            stats.elements(),
            stats.zeros(),
            stats.nans(),
            stats.infs(),
            stats.denormals(),
            ifFinite(stats, stats.min()),
            ifFinite(stats, stats.max()),
            ifFinite(stats, stats.sum()),
            ifFinite(stats, stats.sum2()),
            ifFinite(stats, stats.l1()),
            ifFinite(stats, stats.l2()),
            ifFinite(stats, stats.linf()),
            ifFinite(stats, stats.mean()),
            ifFinite(stats, stats.variance()),
            orNull(stats.skewness()),
            orNull(stats.kurtosis()),
            orNull(stats.sparsity())
          });
    }
  }
}
