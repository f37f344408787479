package io.weightloom.stats;

import io.weightloom.error.WeightloomException;
import io.weightloom.kernel.Half;
import io.weightloom.kernel.Kernels;
import io.weightloom.merge.Arith;
import io.weightloom.merge.FloatArith;
import io.weightloom.tensor.DType;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * How often each magnitude occurs among the finite values of blocks. Magnitudes of BF16 and F16 are
 * counted each on its own; those of F32 and F64 by their exponent and the upper {@value
 * #MANTISSA_BITS} bits of their mantissa, a bin standing for its least magnitude. Immutable; merges
 * to the same in any order.
 */
public final class MagnitudeHistogram implements Serializable {
  private static final long serialVersionUID = 1;

  /** Of an F32's or F64's mantissa, the bits that tell bins apart. */
  public static final int MANTISSA_BITS = 8;

  /** Of nothing; merging it changes nothing. */
  public static final MagnitudeHistogram EMPTY =
      new MagnitudeHistogram(new double[0], new long[0], 0, 0, true);

  private static final VarHandle SHORTS =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

  private static final int CODES = 1 << 15;
  private static final int F32_SHIFT = 23 - MANTISSA_BITS;
  private static final int F64_SHIFT = 52 - MANTISSA_BITS;

  private final double[] magnitudes;
  private final long[] counts;
  private final long nans;
  private final long infs;
  private final boolean exact;

  private MagnitudeHistogram(
      double[] magnitudes, long[] counts, long nans, long infs, boolean exact) {
    this.magnitudes = magnitudes;
    this.counts = counts;
    this.nans = nans;
    this.infs = infs;
    this.exact = exact;
  }

  /** The bins that hold something. */
  public int bins() {
    return magnitudes.length;
  }

  /** The least magnitude that a bin stands for; bins ascend. */
  public double magnitude(int bin) {
    return magnitudes[bin];
  }

  /** The elements in a bin. */
  public long count(int bin) {
    return counts[bin];
  }

  /** All finite elements. */
  public long finite() {
    return Arrays.stream(counts).sum();
  }

  /** The elements that are NaN. */
  public long nans() {
    return nans;
  }

  /** The elements that are infinite. */
  public long infs() {
    return infs;
  }

  /** Whether each bin stands for one magnitude alone. */
  public boolean isExact() {
    return exact;
  }

  /** The histogram of a block. */
  public static MagnitudeHistogram of(BlockData block, Kernels kernels) {
    return switch (block.dtype()) {
      case BF16, F16 -> ofCodes(block);
      case F32 -> ofFloats(block, kernels);
      default -> ofDoubles(block);
    };
  }

  private static MagnitudeHistogram ofCodes(BlockData block) {
    int[] codes = new int[CODES];
    int end = block.offset() + block.length();
    for (int at = block.offset(); at < end; at += 2) {
      codes[(short) SHORTS.get(block.bytes(), at) & (CODES - 1)]++;
    }
    boolean bf16 = block.dtype() == DType.BF16;
    int infinity = bf16 ? 0x7f80 : 0x7c00;
    Bins bins = new Bins(Arrays.stream(codes, 0, infinity).filter(count -> count > 0).count());
    for (int code = 0; code < infinity; code++) {
      if (codes[code] > 0) {
        bins.add(
            bf16 ? Half.bf16ToFloat((short) code) : Half.f16ToFloat((short) code), codes[code]);
      }
    }
    long nans = Arrays.stream(codes, infinity + 1, CODES).asLongStream().sum();
    return bins.histogram(nans, codes[infinity], true);
  }

  private static MagnitudeHistogram ofFloats(BlockData block, Kernels kernels) {
    Arith<float[]> arith = FloatArith.accurate(kernels, true);
    int[] codes = new int[Kernels.BINS];
    long[] numbersAndFinite = new long[2];
    block.forEach(
        arith,
        (x, first, n) -> {
          boolean clean = arith.firstNonFinite(x, n) < 0;
          numbersAndFinite[0] += clean ? n : arith.countAtLeast(x, 0, n);
          int finite = clean ? n : arith.keepFinite(x, n);
          numbersAndFinite[1] += finite;
          arith.histogram(x, F32_SHIFT, 0, codes, finite);
        });
    Bins bins = new Bins(Arrays.stream(codes).filter(count -> count > 0).count());
    for (int code = 0; code < codes.length; code++) {
      if (codes[code] > 0) {
        bins.add(Float.intBitsToFloat(code << F32_SHIFT), codes[code]);
      }
    }
    return bins.histogram(
        block.count() - numbersAndFinite[0], numbersAndFinite[0] - numbersAndFinite[1], false);
  }

  private static MagnitudeHistogram ofDoubles(BlockData block) {
    int infinity = 0x7ff << MANTISSA_BITS;
    int[] codes = new int[infinity];
    long[] nansAndInfs = new long[2];
    for (int i = 0; i < block.count(); i++) {
      double magnitude = Math.abs(block.at(i));
      if (Double.isFinite(magnitude)) {
        codes[(int) (Double.doubleToRawLongBits(magnitude) >>> F64_SHIFT)]++;
      } else {
        nansAndInfs[Double.isNaN(magnitude) ? 0 : 1]++;
      }
    }
    Bins bins = new Bins(Arrays.stream(codes).filter(count -> count > 0).count());
    for (int code = 0; code < codes.length; code++) {
      if (codes[code] > 0) {
        bins.add(Double.longBitsToDouble((long) code << F64_SHIFT), codes[code]);
      }
    }
    return bins.histogram(nansAndInfs[0], nansAndInfs[1], false);
  }

  /** Bins in the making, in ascending order. */
  private static final class Bins {
    private final double[] magnitudes;
    private final long[] counts;
    private int size;

    Bins(long most) {
      magnitudes = new double[Math.toIntExact(most)];
      counts = new long[magnitudes.length];
    }

    void add(double magnitude, long count) {
      magnitudes[size] = magnitude;
      counts[size++] = count;
    }

    MagnitudeHistogram histogram(long nans, long infs, boolean exact) {
      return new MagnitudeHistogram(
          Arrays.copyOf(magnitudes, size), Arrays.copyOf(counts, size), nans, infs, exact);
    }
  }

  /** The histogram of the elements of both. */
  public MagnitudeHistogram merge(MagnitudeHistogram other) {
    Bins bins = new Bins((long) bins() + other.bins());
    int i = 0;
    int j = 0;
    while (i < bins() || j < other.bins()) {
      double mine = i < bins() ? magnitudes[i] : Double.POSITIVE_INFINITY;
      double others = j < other.bins() ? other.magnitudes[j] : Double.POSITIVE_INFINITY;
      long count = 0;
      if (mine <= others) {
        count += counts[i++];
      }
      if (others <= mine) {
        count += other.counts[j++];
      }
      bins.add(Math.min(mine, others), count);
    }
    return bins.histogram(nans + other.nans, infs + other.infs, exact && other.exact);
  }

  /**
   * The magnitude that a share of the finite elements does not exceed: of {@code n} magnitudes in
   * ascending order the {@code ⌈q·n⌉}-th, the first for {@code q = 0}. If the histogram is not
   * {@linkplain #isExact exact}, the least magnitude of the bin that holds it.
   *
   * @param q from 0 to 1
   * @return NaN if nothing is finite
   */
  public double quantile(double q) {
    return magnitudes.length == 0 ? Double.NaN : magnitudes[binOfRank(rank(q, finite()))];
  }

  /**
   * A {@link #quantile(double) quantile} of a block's magnitudes, exact for every dtype.
   *
   * @return NaN if nothing is finite
   */
  public static double quantile(BlockData block, double q, Kernels kernels) {
    MagnitudeHistogram histogram = of(block, kernels);
    long rank = rank(q, histogram.finite());
    return histogram.bins() == 0 ? Double.NaN : histogram.magnitudeOfRank(block, rank, kernels);
  }

  /** The rank of a quantile among so many, from 1. The share is taken as its decimal digits say. */
  static long rank(double q, long n) {
    if (!(q >= 0 && q <= 1)) {
      throw WeightloomException.usage(
          "Cannot find the quantile %s: it is a share of the elements (give a number from 0 to 1)"
              .formatted(q));
    }
    BigDecimal rank = BigDecimal.valueOf(q).multiply(BigDecimal.valueOf(n));
    return Math.max(1, rank.setScale(0, RoundingMode.CEILING).longValueExact());
  }

  private int binOfRank(long rank) {
    int bin = 0;
    for (long below = counts[0]; below < rank; below += counts[bin]) {
      bin++;
    }
    return bin;
  }

  /**
   * The magnitude of a rank in the block that this is the histogram of, exactly.
   *
   * @param rank from 1, the least, to {@link #finite}
   */
  double magnitudeOfRank(BlockData block, long rank, Kernels kernels) {
    int bin = binOfRank(rank);
    if (exact) {
      return magnitudes[bin];
    }
    double low = magnitudes[bin];
    double high = bin + 1 < bins() ? magnitudes[bin + 1] : Double.POSITIVE_INFINITY;
    double[] inBin = new double[Math.toIntExact(counts[bin])];
    BlockData.work(
        kernels,
        new BlockData.Work<Integer>() {
          @Override
          public <V> Integer in(Arith<V> arith) {
            int[] found = {0};
            block.forEach(
                arith,
                (x, first, n) -> {
                  for (int i = 0; i < n; i++) {
                    double magnitude = Math.abs(arith.at(x, i));
                    if (magnitude >= low && magnitude < high) {
                      inBin[found[0]++] = magnitude;
                    }
                  }
                });
            return found[0];
          }
        },
        block.dtype());
    Arrays.sort(inBin);
    long below = Arrays.stream(counts, 0, bin).sum();
    return inBin[(int) (rank - below - 1)];
  }

  /** A sketch of some 5 bytes a bin; equal histograms give equal bytes. */
  public byte[] toBytes() {
    return Sketches.write(Sketches.Kind.HISTOGRAM, this::writeTo);
  }

  private void writeTo(DataOutputStream out) throws IOException {
    out.writeBoolean(exact);
    out.writeLong(nans);
    out.writeLong(infs);
    out.writeInt(bins());
    long previous = 0;
    for (int bin = 0; bin < bins(); bin++) {
      long key = Double.doubleToRawLongBits(magnitudes[bin]);
      // The bits of narrower types end in zeros, and so do their gaps.
      long gap = key - previous;
      int zeros = gap == 0 ? 0 : Long.numberOfTrailingZeros(gap);
      out.write(zeros);
      writeVarint(out, gap >>> zeros);
      writeVarint(out, counts[bin]);
      previous = key;
    }
  }

  /**
   * Reads what {@link #toBytes} wrote.
   *
   * @throws WeightloomException if it is something else or damaged
   */
  public static MagnitudeHistogram fromBytes(byte[] sketch) {
    return Sketches.read(Sketches.Kind.HISTOGRAM, sketch, MagnitudeHistogram::readFrom);
  }

  private static MagnitudeHistogram readFrom(DataInputStream in) throws IOException {
    boolean exact = in.readBoolean();
    long nans = in.readLong();
    long infs = in.readLong();
    int size = in.readInt();
    if (nans < 0 || infs < 0 || size < 0 || size > in.available()) {
      throw new IOException("counts that cannot be: %d, %d, %d".formatted(nans, infs, size));
    }
    Bins bins = new Bins(size);
    long previous = 0;
    for (int bin = 0; bin < size; bin++) {
      int zeros = in.readUnsignedByte();
      long gap = readVarint(in) << zeros;
      long key = previous + gap;
      long count = readVarint(in);
      double magnitude = Double.longBitsToDouble(key);
      if (gap < 0
          || (gap == 0 && bin > 0)
          || key < 0
          || !Double.isFinite(magnitude)
          || count <= 0) {
        throw new IOException("a bin that cannot be: %s, %d".formatted(magnitude, count));
      }
      bins.add(magnitude, count);
      previous = key;
    }
    return bins.histogram(nans, infs, exact);
  }

  /** Seven bits a byte, the lowest first; all but the last have the high bit set. */
  private static void writeVarint(DataOutputStream out, long value) throws IOException {
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      out.write((int) ((rest & 0x7f) | 0x80));
      rest >>>= 7;
    }
    out.write((int) rest);
  }

  private static long readVarint(DataInputStream in) throws IOException {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      int next = in.readUnsignedByte();
      value |= (long) (next & 0x7f) << shift;
      if (next < 0x80) {
        return value;
      }
    }
    throw new IOException("a number without end");
  }
}
