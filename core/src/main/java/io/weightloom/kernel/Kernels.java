package io.weightloom.kernel;

import io.weightloom.tensor.DType;

/**
 * The primitives that merge methods and statistics are written in, over fp32 work vectors.
 *
 * <p>Every implementation gives the <em>same bits</em> for the same input, for any {@code n}: each
 * operation below is one IEEE operation per element (no fused multiply-add), sums over models go in
 * the order of the array, and reductions over elements go into {@value #LANES} fp64 lanes, element
 * {@code i} into lane {@code i % 16}, so that no implementation's vector width shows.
 *
 * <p>Vectors are borrowed for the call. {@code out} may be one of the inputs. Implementations are
 * stateless and thread-safe. {@code n} is at most the length of each vector and is not checked
 * beyond what the JVM checks.
 */
public interface Kernels {

  /** Number of accumulators of a reduction over elements. */
  int LANES = 16;

  /** Sums of {@link #sumPowers}. */
  int POWERS = 5;

  /** Bins of {@link #histogram}: one for each value of 16 bits of the key. */
  int BINS = 1 << 16;

  /** The provider's name, as {@code doctor} prints it: {@code scalar}, {@code vector}. */
  String name();

  /**
   * Widens stored values to fp32.
   *
   * @param dtype BF16, F16 or F32
   * @param src little-endian data
   * @param offset first byte in {@code src}
   */
  void decode(DType dtype, byte[] src, int offset, float[] dst, int n);

  /**
   * Rounds to nearest, ties to even, and stores. Overflow gives infinity; a NaN stays a (quiet)
   * NaN.
   *
   * @param dtype BF16, F16 or F32
   * @param offset first byte in {@code dst}, which is filled little-endian
   */
  void encode(DType dtype, float[] src, int n, byte[] dst, int offset);

  /** Rounds in place to the values that {@code dtype} can hold, as {@link #encode} does. */
  void round(DType dtype, float[] x, int n);

  /** {@code out = a − b}. */
  void subtract(float[] a, float[] b, float[] out, int n);

  /** {@code out = a + b}. */
  void add(float[] a, float[] b, float[] out, int n);

  /** {@code out = s · x}. */
  void scale(float[] x, float s, float[] out, int n);

  /** {@code out = a / b}, where {@code b == 0} counts as 1. */
  void divide(float[] a, float[] b, float[] out, int n);

  /** {@code out = Σₖ wₖ·xₖ}: products rounded, added in the order of {@code xs}, from +0 on. */
  void weightedSum(float[][] xs, float[] weights, float[] out, int n);

  /** Trims in place: what is smaller in magnitude than {@code threshold} becomes +0. */
  void trim(float[] x, float threshold, int n);

  /**
   * Elects a sign per element by mass: the sign of {@code Σₖ xₖ} (added in order from the first).
   *
   * @param sign receives +1, −1, or {@code zeroSign} where the sum is exactly 0
   */
  void electByMass(float[][] xs, float zeroSign, float[] sign, int n);

  /** Elects a sign per element by count: the sign of {@code Σₖ sign(xₖ)}. */
  void electByCount(float[][] xs, float zeroSign, float[] sign, int n);

  /** {@code out = Σₖ [xₖ·sign > 0]·xₖ}, added in order; only values that agree take part. */
  void disjointSum(float[][] xs, float[] sign, float[] out, int n);

  /** {@code out = Σₖ wₖ·[xₖ·sign > 0]}: the weight that took part in the disjoint sum. */
  void disjointWeight(float[][] xs, float[] weights, float[] sign, float[] out, int n);

  /**
   * {@link #divide Divides} the {@linkplain #disjointSum disjoint sum} by the {@linkplain
   * #disjointWeight weight} that took part in it, in one pass.
   */
  void disjointMean(float[][] xs, float[] weights, float[] sign, float[] out, int n);

  /** {@code out} = the value of largest magnitude among those that agree with {@code sign}. */
  void disjointMax(float[][] xs, float[] sign, float[] out, int n);

  /**
   * Sets to +0 each element whose draw falls below {@code dropBelow}. The draw of element {@code i}
   * is the upper 53 bits of {@link CounterRandom#draw CounterRandom.draw(key, first + i)}.
   *
   * @param first flat index of {@code x[0]} in its tensor
   * @param dropBelow {@code ⌈p·2⁵³⌉} for the drop probability {@code p}
   */
  void drop(float[] x, long key, long first, long dropBelow, int n);

  /**
   * Counts magnitudes by 16 bits of their key, the key of {@code x} being its bits without the
   * sign: {@code bins[(key >>> shift) & 0xffff]++} for each element whose higher bits are {@code
   * prefix}.
   *
   * @param shift position of the lowest of the 16 bits: 15 for a first pass over all 31 bits
   * @param prefix required value of {@code key >>> (shift + 16)}; 0 for the first pass
   * @param bins {@value #BINS} counters
   */
  void histogram(float[] x, int shift, int prefix, int[] bins, int n);

  /** The number of elements whose magnitude is at least {@code threshold}. */
  int countAtLeast(float[] x, float threshold, int n);

  /** The number of elements that are not ±0. */
  int countNonZero(float[] x, int n);

  /** Adds {@code |x|} to the lanes. */
  void sumMagnitudes(float[] x, double[] lanes, int n);

  /** Adds {@code a·b}, each product exact in fp64, to the lanes. */
  void dot(float[] a, float[] b, double[] lanes, int n);

  /**
   * Adds the powers of each element, computed in fp64, to sums of {@link #LANES} lanes each: |x|,
   * x, x², x³ = x²·x and x⁴ = x²·x², one after the other.
   *
   * @param sums {@link #POWERS} times {@link #LANES} values
   */
  void sumPowers(float[] x, double[] sums, int n);

  /**
   * Widens a range to the least and the greatest element. The order is IEEE 754's {@code
   * totalOrder}: −0 lies below +0, and NaNs lie beyond the infinities of their sign.
   *
   * @param bounds the least value so far, the greatest so far
   */
  void range(float[] x, float[] bounds, int n);

  /** The index of the first NaN or infinity, or −1. */
  int firstNonFinite(float[] x, int n);
}
