package io.weightloom.udf;

import io.weightloom.error.WeightloomException;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.kernel.Kernels;
import io.weightloom.stats.BlockData;
import io.weightloom.tensor.DType;
import java.util.Arrays;
import org.apache.spark.sql.connector.catalog.functions.ScalarFunction;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/**
 * A function of one row. Each subclass is public and has a public static {@code invoke} over the
 * Java types that Spark maps its parameters to: the one method that generated code calls, however
 * the function was registered. There is no row-based way in, which would copy every block.
 *
 * <p>{@code invoke} gives null if an argument is null; its {@link WeightloomException}s fail the
 * query.
 */
public abstract non-sealed class BlockFunction implements WeightFunction, ScalarFunction<Object> {
  private static final long serialVersionUID = 1;

  private final FunctionSpec spec;

  protected BlockFunction(FunctionSpec.Builder spec) {
    this.spec = spec.build();
  }

  @Override
  public final FunctionSpec spec() {
    return spec;
  }

  /** The name: in plans Spark shows it. */
  @Override
  public final String toString() {
    return spec.name();
  }

  /** A specification that begins with a block: its data and dtype. */
  static FunctionSpec.Builder ofBlock(
      String name, String theme, org.apache.spark.sql.types.DataType result, String usage) {
    return FunctionSpec.of(name, theme, result, usage)
        .takes("data", DataTypes.BinaryType, "the stored values of a block, little-endian")
        .takes("dtype", DataTypes.StringType, "their type: BF16, F16, F32 or F64");
  }

  static Kernels kernels() {
    return KernelRegistry.get().kernels();
  }

  static BlockData block(byte[] data, UTF8String dtype) {
    return BlockData.of(dtype(dtype), data);
  }

  static DType dtype(UTF8String name) {
    return DType.ofName(name.toString())
        .orElseThrow(
            () ->
                WeightloomException.usage(
                    "Cannot tell what values of dtype '%s' are: there is no such type (give one of"
                            .formatted(name)
                        + " %s)".formatted(Arrays.toString(DType.values()))));
  }

  /** Null where there is no number to give. */
  static @Nullable Double orNull(double value) {
    return Double.isNaN(value) ? null : value;
  }
}
