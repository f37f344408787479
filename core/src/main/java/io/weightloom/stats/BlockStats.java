package io.weightloom.stats;

import io.weightloom.kernel.Kernels;
import io.weightloom.merge.Arith;
import io.weightloom.tensor.DType;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.util.Arrays;

/**
 * Statistics of a block, or of blocks merged. All but the counts are over the finite values. Merged
 * statistics do not depend on the order of merging, and those of a block not on threads or kernels;
 * the sums of a block are rounded (fp64, in lanes), so that another cut into blocks may change the
 * last bits.
 *
 * @param elements all values
 * @param zeros those that are ±0
 * @param nans those that are NaN
 * @param infs those that are +∞ or −∞
 * @param denormals those that are denormal in their stored dtype
 * @param min the least, −0 below +0; +∞ if nothing is finite
 * @param max the greatest; −∞ if nothing is finite
 * @param magnitudes Σ|x|
 * @param values Σx
 * @param squares Σx²
 * @param cubes Σx³
 * @param fourths Σx⁴
 */
public record BlockStats(
    long elements,
    long zeros,
    long nans,
    long infs,
    long denormals,
    double min,
    double max,
    ExactSum magnitudes,
    ExactSum values,
    ExactSum squares,
    ExactSum cubes,
    ExactSum fourths)
    implements Serializable {

  private static final long serialVersionUID = 1;

  /** Of no elements; merging it changes nothing. */
  public static final BlockStats EMPTY =
      new BlockStats(
          0,
          0,
          0,
          0,
          0,
          Double.POSITIVE_INFINITY,
          Double.NEGATIVE_INFINITY,
          ExactSum.ZERO,
          ExactSum.ZERO,
          ExactSum.ZERO,
          ExactSum.ZERO,
          ExactSum.ZERO);

  /**
   * The statistics of stored values.
   *
   * @param dtype BF16, F16, F32 or F64
   * @param data little-endian; borrowed
   * @param offset the first byte
   * @param length in bytes
   * @throws io.weightloom.error.WeightloomException if the dtype is not computed on, or the bytes
   *     are not whole values
   */
  public static BlockStats of(DType dtype, byte[] data, int offset, int length, Kernels kernels) {
    return of(new BlockData(dtype, data, offset, length), kernels);
  }

  /** The statistics of a block. */
  public static BlockStats of(BlockData block, Kernels kernels) {
    return BlockData.work(
        kernels,
        new BlockData.Work<BlockStats>() {
          @Override
          public <V> BlockStats in(Arith<V> arith) {
            Tally<V> tally = new Tally<>(arith, block.dtype());
            block.forEach(arith, (x, first, n) -> tally.see(x, n));
            return tally.stats();
          }
        },
        block.dtype());
  }

  /**
   * √Σx² over the finite values of a block: {@link #l2} of its statistics, bit for bit, and several
   * times as fast.
   */
  public static double l2(BlockData block, Kernels kernels) {
    double sum =
        BlockData.work(
            kernels,
            new BlockData.Work<Double>() {
              @Override
              public <V> Double in(Arith<V> arith) {
                double[] lanes = new double[Kernels.LANES];
                block.forEach(arith, (x, first, n) -> arith.dot(x, x, lanes, n));
                return Tally.sum(lanes, 0);
              }
            },
            block.dtype());
    // Squares of fp32 values do not overflow in fp64: what is not finite was so before, or is F64.
    return Double.isFinite(sum) && block.count() > 0 ? Math.sqrt(sum) : of(block, kernels).l2();
  }

  /** The statistics of the elements of both. */
  public BlockStats merge(BlockStats other) {
    return new BlockStats(
        elements + other.elements,
        zeros + other.zeros,
        nans + other.nans,
        infs + other.infs,
        denormals + other.denormals,
        Math.min(min, other.min),
        Math.max(max, other.max),
        magnitudes.plus(other.magnitudes),
        values.plus(other.values),
        squares.plus(other.squares),
        cubes.plus(other.cubes),
        fourths.plus(other.fourths));
  }

  /** How many values are finite: the {@code n} of the means below. */
  public long finite() {
    return elements - nans - infs;
  }

  /** Σx. */
  public double sum() {
    return values.value();
  }

  /** Σx². */
  public double sum2() {
    return squares.value();
  }

  /** Σx³. */
  public double sum3() {
    return cubes.value();
  }

  /** Σx⁴. */
  public double sum4() {
    return fourths.value();
  }

  /** Σ|x|. */
  public double l1() {
    return magnitudes.value();
  }

  /** √Σx²; NaN if nothing is finite. */
  public double l2() {
    return finite() == 0 ? Double.NaN : Math.sqrt(sum2());
  }

  /** The greatest magnitude; −∞ if nothing is finite. */
  public double linf() {
    return finite() == 0 ? Double.NEGATIVE_INFINITY : Math.max(Math.abs(min), Math.abs(max));
  }

  /** The share of elements that are ±0, from 0 to 1; NaN if there are none. */
  public double sparsity() {
    return (double) zeros / elements;
  }

  /** Σx / n; NaN if nothing is finite. */
  public double mean() {
    return sum() / finite();
  }

  /** The population's variance, Σ(x − mean)² / n; NaN if nothing is finite. */
  public double variance() {
    double mean = mean();
    return finite() == 0 ? Double.NaN : Math.max(0, sum2() / finite() - mean * mean);
  }

  /** The population's skewness, m₃ / m₂^1.5; NaN if all values are equal. */
  public double skewness() {
    double n = finite();
    double mean = mean();
    double m2 = variance();
    double m3 = sum3() / n - 3 * mean * (sum2() / n) + 2 * mean * mean * mean;
    return m2 == 0 ? Double.NaN : m3 / (m2 * Math.sqrt(m2));
  }

  /** The population's excess kurtosis, m₄ / m₂² − 3; NaN if all values are equal. */
  public double kurtosis() {
    double n = finite();
    double mean = mean();
    double m2 = variance();
    double m4 =
        sum4() / n
            - 4 * mean * (sum3() / n)
            + 6 * mean * mean * (sum2() / n)
            - 3 * mean * mean * mean * mean;
    return m2 == 0 ? Double.NaN : m4 / (m2 * m2) - 3;
  }

  /** A sketch of some 150 bytes; equal statistics give equal bytes. */
  public byte[] toBytes() {
    return Sketches.write(Sketches.Kind.STATISTICS, this::writeTo);
  }

  private void writeTo(DataOutputStream out) throws IOException {
    for (long count : new long[] {elements, zeros, nans, infs, denormals}) {
      out.writeLong(count);
    }
    out.writeDouble(min);
    out.writeDouble(max);
    for (ExactSum sum : new ExactSum[] {magnitudes, values, squares, cubes, fourths}) {
      sum.writeTo(out);
    }
  }

  /**
   * Reads what {@link #toBytes} wrote.
   *
   * @throws io.weightloom.error.WeightloomException if it is something else or damaged
   */
  public static BlockStats fromBytes(byte[] sketch) {
    return Sketches.read(Sketches.Kind.STATISTICS, sketch, BlockStats::readFrom);
  }

  private static BlockStats readFrom(DataInputStream in) throws IOException {
    BlockStats stats =
        new BlockStats(
            in.readLong(),
            in.readLong(),
            in.readLong(),
            in.readLong(),
            in.readLong(),
            in.readDouble(),
            in.readDouble(),
            ExactSum.readFrom(in),
            ExactSum.readFrom(in),
            ExactSum.readFrom(in),
            ExactSum.readFrom(in),
            ExactSum.readFrom(in));
    long least = Math.min(Math.min(stats.zeros, stats.nans), Math.min(stats.infs, stats.denormals));
    if (least < 0 || stats.finite() < 0 || stats.zeros + stats.denormals > stats.finite()) {
      throw new IOException("counts that contradict each other");
    }
    return stats;
  }

  /** The least normal magnitude of a computed type. */
  static double leastNormal(DType dtype) {
    return switch (dtype) {
      case F16 -> 0x1p-14;
      case F64 -> Double.MIN_NORMAL;
      default -> Float.MIN_NORMAL;
    };
  }

  /** The statistics of a block under way. */
  private static final class Tally<V> {
    private final Arith<V> arith;
    private final double leastNormal;
    private final double[] sums = new double[Kernels.POWERS * Kernels.LANES];
    private final double[] bounds = {Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
    private long elements;
    private long zeros;
    private long nans;
    private long infs;
    private long denormals;

    Tally(Arith<V> arith, DType dtype) {
      this.arith = arith;
      this.leastNormal = leastNormal(dtype);
    }

    void see(V x, int n) {
      elements += n;
      int finite = n;
      if (arith.firstNonFinite(x, n) >= 0) {
        int numbers = arith.countAtLeast(x, 0, n);
        nans += n - numbers;
        finite = arith.keepFinite(x, n);
        infs += numbers - finite;
      }
      int nonZero = arith.countNonZero(x, finite);
      zeros += finite - nonZero;
      denormals += nonZero - arith.countAtLeast(x, leastNormal, finite);
      arith.range(x, bounds, finite);
      arith.sumPowers(x, sums, finite);
    }

    static double sum(double[] sums, int power) {
      return Arrays.stream(sums, power * Kernels.LANES, (power + 1) * Kernels.LANES)
          .reduce(0, Double::sum);
    }

    BlockStats stats() {
      return new BlockStats(
          elements,
          zeros,
          nans,
          infs,
          denormals,
          bounds[0],
          bounds[1],
          ExactSum.of(sum(sums, 0)),
          ExactSum.of(sum(sums, 1)),
          ExactSum.of(sum(sums, 2)),
          ExactSum.of(sum(sums, 3)),
          ExactSum.of(sum(sums, 4)));
    }
  }
}
