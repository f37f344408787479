package io.weightloom.udf;

import java.util.Arrays;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.catalog.functions.AggregateFunction;
import org.apache.spark.sql.types.DataTypes;
import org.jspecify.annotations.Nullable;

/**
 * An aggregate that merges sketches of blocks, never blocks. Nulls are passed over; of nothing but
 * nulls it gives null. The result does not depend on the order of rows or on partitions.
 *
 * <p>Its state is a few sketches as bytes: Spark reads states by a class loader that need not know
 * a jar given by {@code --jars}, so that classes of our own would not arrive.
 *
 * @param <T> what the sketches hold
 */
public abstract non-sealed class SketchAggregate<T>
    implements WeightFunction, AggregateFunction<byte[][], Object> {

  /** The sketches held before they are merged into one. */
  private static final int HELD = 32;

  private final FunctionSpec spec;

  SketchAggregate(FunctionSpec.Builder spec) {
    this.spec = spec.build();
  }

  static FunctionSpec.Builder ofSketches(
      String name, org.apache.spark.sql.types.DataType result, String usage, String madeBy) {
    return FunctionSpec.of(name, "Aggregates", result, usage)
        .takes("sketch", DataTypes.BinaryType, "a sketch of a block, from " + madeBy);
  }

  abstract T read(byte[] sketch);

  abstract T merged(T a, T b);

  abstract byte[] write(T value);

  /** The result in Spark's internal form. */
  Object result(T value) {
    return write(value);
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

  @Override
  public final byte[][] newAggregationState() {
    return new byte[0][];
  }

  @Override
  public final byte[][] update(byte[][] state, InternalRow input) {
    return input.isNullAt(0) ? state : merge(state, new byte[][] {input.getBinary(0)});
  }

  @Override
  public final byte[][] merge(byte[][] left, byte[][] right) {
    byte[][] both = Arrays.copyOf(left, left.length + right.length);
    System.arraycopy(right, 0, both, left.length, right.length);
    return both.length < HELD ? both : new byte[][] {write(all(both))};
  }

  @Override
  public final @Nullable Object produceResult(byte[][] state) {
    return state.length == 0 ? null : result(all(state));
  }

  private T all(byte[][] sketches) {
    return Arrays.stream(sketches).map(this::read).reduce(this::merged).orElseThrow();
  }
}
