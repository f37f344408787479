package io.weightloom.source;

import io.weightloom.kernel.KernelRegistry;
import io.weightloom.stats.BlockStats;
import io.weightloom.tensor.DType;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/** The column {@code stats}: a block's statistics as a struct. */
final class StatsColumn {
  static final StructType TYPE =
      new StructType()
          .add("zeros", DataTypes.LongType)
          .add("nans", DataTypes.LongType)
          .add("infs", DataTypes.LongType)
          .add("denormals", DataTypes.LongType)
          .add("min", DataTypes.DoubleType)
          .add("max", DataTypes.DoubleType)
          .add("sum", DataTypes.DoubleType)
          .add("sum2", DataTypes.DoubleType)
          .add("l1", DataTypes.DoubleType)
          .add("linf", DataTypes.DoubleType);

  private StatsColumn() {}

  /** The statistics of a block's bytes; null if its dtype is not computed on. */
  static @Nullable InternalRow of(DType dtype, byte[] data) {
    if (!dtype.isComputed()) {
      return null;
    }
    BlockStats s = BlockStats.of(dtype, data, 0, data.length, KernelRegistry.get().kernels());
    return row(s);
  }

  private static InternalRow row(BlockStats s) {
    boolean some = s.finite() > 0;
    return new GenericInternalRow(
        new @Nullable Object[] {
          s.zeros(),
          s.nans(),
          s.infs(),
          s.denormals(),
          some ? s.min() : null,
          some ? s.max() : null,
          some ? s.sum() : null,
          some ? s.sum2() : null,
          some ? s.l1() : null,
          some ? s.linf() : null
        });
  }
}
