package io.weightloom.stats;

import io.weightloom.error.WeightloomException;
import io.weightloom.kernel.Kernels;
import io.weightloom.merge.Arith;
import io.weightloom.tensor.DType;
import java.util.Arrays;

/**
 * Blocks from blocks. Formulas are computed as accurate merges compute them: in fp32, with fp64
 * sums into F32, or in fp64 where an F64 takes part; and rounded once into the dtype asked for, to
 * nearest and ties to even.
 */
public final class BlockArithmetic {

  private BlockArithmetic() {}

  /** A formula over chunks. */
  private interface Formula {
    <V> void apply(Arith<V> arith, V[] xs, V out, int n);
  }

  private static byte[] compute(
      DType to, Kernels kernels, Formula formula, BlockData x, BlockData y) {
    requireComputed(to);
    byte[] result = new byte[Math.multiplyExact(x.count(), to.bytes())];
    return BlockData.work(
        kernels,
        new BlockData.Work<byte[]>() {
          @Override
          public <V> byte[] in(Arith<V> arith) {
            V out = arith.vector();
            V[] xs = arith.vectors(2);
            BlockData.forEach(
                arith,
                x,
                y,
                (a, b, first, n) -> {
                  xs[0] = a;
                  xs[1] = b;
                  formula.apply(arith, xs, out, n);
                  arith.encode(to, out, n, result, first * to.bytes());
                });
            return result;
          }
        },
        x.dtype(),
        y.dtype(),
        to);
  }

  /**
   * {@code a − b}: a task vector, when {@code b} is the base.
   *
   * @return the differences, in dtype {@code to}
   * @throws WeightloomException if the blocks differ in length
   */
  public static byte[] subtract(BlockData a, BlockData b, DType to, Kernels kernels) {
    return compute(
        to,
        kernels,
        new Formula() {
          @Override
          public <V> void apply(Arith<V> arith, V[] xs, V out, int n) {
            arith.subtract(xs[0], xs[1], out, n);
          }
        },
        a,
        b);
  }

  /** {@code α·x + y}. */
  public static byte[] axpy(double alpha, BlockData x, BlockData y, DType to, Kernels kernels) {
    return weightedSum(alpha, x, 1, y, to, kernels);
  }

  /** {@code (1 − t)·a + t·b}. */
  public static byte[] lerp(BlockData a, BlockData b, double t, DType to, Kernels kernels) {
    return weightedSum(1 - t, a, t, b, to, kernels);
  }

  private static byte[] weightedSum(
      double s, BlockData x, double t, BlockData y, DType to, Kernels kernels) {
    double[] weights = {s, t};
    return compute(
        to,
        kernels,
        new Formula() {
          @Override
          public <V> void apply(Arith<V> arith, V[] xs, V out, int n) {
            arith.weightedSum(xs, weights, out, n);
          }
        },
        x,
        y);
  }

  /** The values in another dtype, rounded once; what is too large becomes infinite. */
  public static byte[] cast(BlockData block, DType to, Kernels kernels) {
    requireComputed(to);
    byte[] result = new byte[Math.multiplyExact(block.count(), to.bytes())];
    return BlockData.work(
        kernels,
        new BlockData.Work<byte[]>() {
          @Override
          public <V> byte[] in(Arith<V> arith) {
            block.forEach(
                arith, (x, first, n) -> arith.encode(to, x, n, result, first * to.bytes()));
            return result;
          }
        },
        block.dtype(),
        to);
  }

  /**
   * Keeps the {@code max(1, ⌊density·n⌋)} elements of largest magnitude, of equal ones those of
   * lowest index, and sets all others to +0.
   *
   * @param density in (0, 1]
   * @throws WeightloomException if the density lies outside, or the block holds a NaN
   */
  public static byte[] trim(BlockData block, double density, Kernels kernels) {
    if (!(density > 0 && density <= 1)) {
      throw WeightloomException.usage(
          "Cannot trim to a density of %s: it is the share of elements that are kept (give a number"
                  .formatted(density)
              + " above 0, up to 1)");
    }
    int n = block.count();
    int kept = Math.max(1, (int) (density * n));
    if (kept >= n) {
      return Arrays.copyOfRange(block.bytes(), block.offset(), block.offset() + block.length());
    }
    MagnitudeHistogram histogram = MagnitudeHistogram.of(block, kernels);
    requireNumbers(histogram);
    double threshold =
        kept <= histogram.infs()
            ? Double.POSITIVE_INFINITY
            : histogram.magnitudeOfRank(block, n - kept + 1, kernels);
    return trim(block, threshold, kept, kernels);
  }

  /**
   * Sets to +0 what is smaller in magnitude than a threshold.
   *
   * @throws WeightloomException if the threshold or an element is NaN
   */
  public static byte[] trimBelow(BlockData block, double threshold, Kernels kernels) {
    if (Double.isNaN(threshold)) {
      throw WeightloomException.usage(
          "Cannot trim below NaN: no magnitude compares with it (give a number)");
    }
    for (int i = 0; i < block.count(); i++) {
      if (Double.isNaN(block.at(i))) {
        throw WeightloomException.input(
            "Cannot trim a block: element %d is NaN, which has no magnitude (mend the model)"
                .formatted(i));
      }
    }
    return trim(block, threshold, Integer.MAX_VALUE, kernels);
  }

  /** Keeps at most so many of the elements from the threshold on, those above it before others. */
  private static byte[] trim(BlockData block, double threshold, int most, Kernels kernels) {
    DType dtype = block.dtype();
    double least = dtype == DType.F64 ? threshold : floatFrom(threshold);
    double above = above(dtype, least);
    byte[] result = new byte[block.length()];
    return BlockData.work(
        kernels,
        new BlockData.Work<byte[]>() {
          @Override
          public <V> byte[] in(Arith<V> arith) {
            int[] quota = {most};
            block.forEach(arith, (x, first, n) -> quota[0] -= arith.countAtLeast(x, above, n));
            block.forEach(
                arith,
                (x, first, n) -> {
                  int ties = arith.countAtLeast(x, least, n) - arith.countAtLeast(x, above, n);
                  if (ties <= quota[0]) {
                    arith.trim(x, least, n);
                  } else {
                    arith.trimTies(x, least, quota[0], n);
                  }
                  quota[0] -= Math.min(ties, quota[0]);
                  arith.encode(dtype, x, n, result, first * dtype.bytes());
                });
            return result;
          }
        },
        dtype);
  }

  /** The least float that is not below. */
  private static float floatFrom(double x) {
    float nearest = (float) x;
    return nearest < x ? Math.nextUp(nearest) : nearest;
  }

  /** The next value; above infinity is none, which a comparison with NaN says. */
  private static double above(DType dtype, double x) {
    if (x == Double.POSITIVE_INFINITY) {
      return Double.NaN;
    }
    return dtype == DType.F64 ? Math.nextUp(x) : Math.nextUp((float) x);
  }

  private static void requireComputed(DType to) {
    if (!to.isComputed()) {
      throw WeightloomException.usage(
          "Cannot round into %s: values are stored as BF16, F16, F32 or F64 only (choose one of them)"
              .formatted(to));
    }
  }

  private static void requireNumbers(MagnitudeHistogram histogram) {
    if (histogram.nans() > 0) {
      throw WeightloomException.input(
          "Cannot trim a block: %d of its elements are NaN, which has no magnitude (mend the model)"
              .formatted(histogram.nans()));
    }
  }
}
