package io.weightloom.stats;

import io.weightloom.error.WeightloomException;
import io.weightloom.kernel.Half;
import io.weightloom.kernel.Kernels;
import io.weightloom.merge.Arith;
import io.weightloom.merge.DoubleArith;
import io.weightloom.merge.FloatArith;
import io.weightloom.tensor.DType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;

/**
 * The stored values of a block: a run of elements of one tensor.
 *
 * @param dtype a computed type: BF16, F16, F32 or F64
 * @param bytes holds the values, little-endian; borrowed
 * @param offset its first byte
 * @param length its bytes, a multiple of the dtype's
 */
public record BlockData(DType dtype, byte[] bytes, int offset, int length) {
  private static final VarHandle SHORTS = view(short[].class);
  private static final VarHandle FLOATS = view(float[].class);
  private static final VarHandle DOUBLES = view(double[].class);

  private static VarHandle view(Class<?> arrays) {
    return MethodHandles.byteArrayViewVarHandle(arrays, ByteOrder.LITTLE_ENDIAN);
  }

  /** Sees the values of a block by chunks of at most {@link Arith#CAPACITY}. */
  @FunctionalInterface
  interface ChunkVisitor<V> {
    /**
     * Sees the next values.
     *
     * @param values borrowed for the call; may be overwritten
     * @param first index of the first one in the block
     * @param n how many
     */
    void see(V values, int first, int n);
  }

  /** Likewise, of two blocks side by side. */
  @FunctionalInterface
  interface PairVisitor<V> {
    void see(V a, V b, int first, int n);
  }

  /** Does something in the arithmetic that suits the dtypes at hand. */
  interface Work<R> {
    <V> R in(Arith<V> arith);
  }

  /**
   * @throws WeightloomException if the type is not computed on, or the bytes end within a value
   */
  public BlockData {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    if (!dtype.isComputed()) {
      throw WeightloomException.input(
          "Cannot compute on a block of %s: only BF16, F16, F32 and F64 are computed on (choose"
                  .formatted(dtype)
              + " such tensors, or cast them before)");
    }
    if (length % dtype.bytes() != 0) {
      throw WeightloomException.input(
          "Cannot compute on a block of %s: its %d bytes are not whole values of %d bytes (give the"
                  .formatted(dtype, length, dtype.bytes())
              + " dtype that the data has)");
    }
  }

  /** All of an array. */
  public static BlockData of(DType dtype, byte[] bytes) {
    return new BlockData(dtype, bytes, 0, bytes.length);
  }

  /** How many values. */
  public int count() {
    return length / dtype.bytes();
  }

  /** A value, exactly. */
  public double at(int i) {
    int at = offset + Objects.checkIndex(i, count()) * dtype.bytes();
    return switch (dtype) {
      case BF16 -> Half.bf16ToFloat((short) SHORTS.get(bytes, at));
      case F16 -> Half.f16ToFloat((short) SHORTS.get(bytes, at));
      case F32 -> (float) FLOATS.get(bytes, at);
      default -> (double) DOUBLES.get(bytes, at);
    };
  }

  /** Walks over the values. */
  <V> void forEach(Arith<V> arith, ChunkVisitor<V> visitor) {
    V values = arith.vector();
    int count = count();
    for (int first = 0; first < count; first += Arith.CAPACITY) {
      int n = Math.min(Arith.CAPACITY, count - first);
      decode(arith, values, first, n);
      visitor.see(values, first, n);
    }
  }

  /** Walks over the values of two blocks of one length. */
  static <V> void forEach(Arith<V> arith, BlockData a, BlockData b, PairVisitor<V> visitor) {
    if (a.count() != b.count()) {
      throw WeightloomException.input(
          "Cannot compare blocks of %d and %d elements: they must be cut alike (give blocks of"
                  .formatted(a.count(), b.count())
              + " tensors of one shape, with the same block number)");
    }
    V other = arith.vector();
    a.forEach(
        arith,
        (values, first, n) -> {
          b.decode(arith, other, first, n);
          visitor.see(values, other, first, n);
        });
  }

  <V> void decode(Arith<V> arith, V values, int first, int n) {
    arith.decode(dtype, bytes, offset + first * dtype.bytes(), values, n);
  }

  /**
   * Works in fp32 if no type is wider, in fp64 otherwise.
   *
   * @param types of all blocks at hand, the result's last: if that is F32, sums over blocks are
   *     fp64
   */
  static <R> R work(Kernels kernels, Work<R> work, DType... types) {
    return Arrays.asList(types).contains(DType.F64)
        ? work.in(new DoubleArith(kernels))
        : work.in(FloatArith.accurate(kernels, types[types.length - 1] == DType.F32));
  }
}
