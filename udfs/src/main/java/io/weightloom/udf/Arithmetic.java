package io.weightloom.udf;

import io.weightloom.stats.BlockArithmetic;
import io.weightloom.stats.CastError;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/** Blocks from blocks. */
public final class Arithmetic {
  private static final String THEME = "Blocks from blocks";
  private static final String PAIR = "X'803F00C0', 'BF16', X'00400040', 'BF16'";

  private Arithmetic() {}

  private static FunctionSpec.Builder into(FunctionSpec.Builder spec) {
    return spec.takes("to", DataTypes.StringType, "the dtype of the result");
  }

  /** a − b. */
  public static final class Subtract extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Subtract() {
      super(
          into(Pairs.ofPair(
                  "wl_subtract",
                  THEME,
                  DataTypes.BinaryType,
                  "a - b, rounded into a dtype: the task vector, when b is the base model."))
              .example("wl_decode(wl_subtract(" + PAIR + ", 'F32'), 'F32')", "[-1.0,-4.0]"));
    }

    public static byte @Nullable [] invoke(
        byte @Nullable [] a,
        @Nullable UTF8String aDtype,
        byte @Nullable [] b,
        @Nullable UTF8String bDtype,
        @Nullable UTF8String to) {
      return a == null || aDtype == null || b == null || bDtype == null || to == null
          ? null
          : BlockArithmetic.subtract(block(a, aDtype), block(b, bDtype), dtype(to), kernels());
    }
  }

  /** αx + y. */
  public static final class Axpy extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Axpy() {
      super(
          into(FunctionSpec.of(
                      "wl_axpy",
                      THEME,
                      DataTypes.BinaryType,
                      "alpha * x + y, rounded into a dtype: y is the base and x a task vector, when"
                          + " one is added.")
                  .takes("alpha", DataTypes.DoubleType, "the factor")
                  .takes("x", DataTypes.BinaryType, "the stored values of a block, little-endian")
                  .takes("x_dtype", DataTypes.StringType, "their type: BF16, F16, F32 or F64")
                  .takes("y", DataTypes.BinaryType, "the stored values of a block with as many")
                  .takes("y_dtype", DataTypes.StringType, "their type"))
              .example("wl_decode(wl_axpy(0.5, " + PAIR + ", 'BF16'), 'BF16')", "[2.5,1.0]"));
    }

    public static byte @Nullable [] invoke(
        double alpha,
        byte @Nullable [] x,
        @Nullable UTF8String xDtype,
        byte @Nullable [] y,
        @Nullable UTF8String yDtype,
        @Nullable UTF8String to) {
      return x == null || xDtype == null || y == null || yDtype == null || to == null
          ? null
          : BlockArithmetic.axpy(alpha, block(x, xDtype), block(y, yDtype), dtype(to), kernels());
    }
  }

  /** (1 − t)a + tb. */
  public static final class Lerp extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Lerp() {
      super(
          into(Pairs.ofPair(
                      "wl_lerp",
                      THEME,
                      DataTypes.BinaryType,
                      "(1 - t) * a + t * b, rounded into a dtype.")
                  .takes("t", DataTypes.DoubleType, "0 gives a, 1 gives b"))
              .example("wl_decode(wl_lerp(" + PAIR + ", 0.5, 'BF16'), 'BF16')", "[1.5,0.0]"));
    }

    public static byte @Nullable [] invoke(
        byte @Nullable [] a,
        @Nullable UTF8String aDtype,
        byte @Nullable [] b,
        @Nullable UTF8String bDtype,
        double t,
        @Nullable UTF8String to) {
      return a == null || aDtype == null || b == null || bDtype == null || to == null
          ? null
          : BlockArithmetic.lerp(block(a, aDtype), block(b, bDtype), t, dtype(to), kernels());
    }
  }

  /** Exactly k. */
  public static final class Trim extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Trim() {
      super(
          ofBlock(
                  "wl_trim",
                  THEME,
                  DataTypes.BinaryType,
                  "Keeps exactly max(1, floor(density * n)) values of largest magnitude, of equal"
                      + " ones the first, and sets the others to 0.")
              .takes("density", DataTypes.DoubleType, "the share that is kept, above 0 up to 1")
              .example("wl_decode(wl_trim(X'803F00C0', 'BF16', 0.5), 'BF16')", "[0.0,-2.0]"));
    }

    public static byte @Nullable [] invoke(
        byte @Nullable [] data, @Nullable UTF8String dtype, double density) {
      return data == null || dtype == null
          ? null
          : BlockArithmetic.trim(block(data, dtype), density, kernels());
    }
  }

  /** By magnitude. */
  public static final class TrimBelow extends BlockFunction {
    private static final long serialVersionUID = 1;

    public TrimBelow() {
      super(
          ofBlock(
                  "wl_trim_below",
                  THEME,
                  DataTypes.BinaryType,
                  "Sets to 0 the values smaller in magnitude than a threshold.")
              .takes("threshold", DataTypes.DoubleType, "the least magnitude that is kept")
              .example("wl_decode(wl_trim_below(X'803F00C0', 'BF16', 2), 'BF16')", "[0.0,-2.0]"));
    }

    public static byte @Nullable [] invoke(
        byte @Nullable [] data, @Nullable UTF8String dtype, double threshold) {
      return data == null || dtype == null
          ? null
          : BlockArithmetic.trimBelow(block(data, dtype), threshold, kernels());
    }
  }

  /** Another dtype. */
  public static final class Cast extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Cast() {
      super(
          into(ofBlock(
                  "wl_cast",
                  THEME,
                  DataTypes.BinaryType,
                  "The values in another dtype, rounded once, to nearest and ties to even; what is"
                      + " too large becomes infinite."))
              .example("hex(wl_cast(X'803F00C0', 'BF16', 'F16'))", "003C00C0"));
    }

    public static byte @Nullable [] invoke(
        byte @Nullable [] data, @Nullable UTF8String dtype, @Nullable UTF8String to) {
      return data == null || dtype == null || to == null
          ? null
          : BlockArithmetic.cast(block(data, dtype), dtype(to), kernels());
    }
  }

  /** What that costs. */
  public static final class OfCastError extends BlockFunction {
    private static final long serialVersionUID = 1;

    public OfCastError() {
      super(
          into(ofBlock(
                  "wl_cast_error",
                  THEME,
                  new StructType()
                      .add("elements", DataTypes.LongType, false)
                      .add("changed", DataTypes.LongType, false)
                      .add("overflows", DataTypes.LongType, false)
                      .add("underflows", DataTypes.LongType, false)
                      .add("max_abs", DataTypes.DoubleType, false)
                      .add("max_rel", DataTypes.DoubleType, false)
                      .add("rms", DataTypes.DoubleType),
                  "What wl_cast would cost: how many finite values change, become infinite or become"
                      + " 0, and the largest absolute, the largest relative and the root mean square"
                      + " error of those that stay finite."))
              .example("wl_cast_error(X'0000807F0000803F', 'F32', 'BF16').changed", "0"));
    }

    public static @Nullable InternalRow invoke(
        byte @Nullable [] data, @Nullable UTF8String dtype, @Nullable UTF8String to) {
      if (data == null || dtype == null || to == null) {
        return null;
      }
      CastError error = CastError.of(block(data, dtype), dtype(to), kernels());
      return new GenericInternalRow(
          new @Nullable Object[] {
            error.elements(),
            error.changed(),
            error.overflows(),
            error.underflows(),
            error.maxAbs(),
            error.maxRel(),
            orNull(error.rms())
          });
    }
  }
}
