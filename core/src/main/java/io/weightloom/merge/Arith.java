package io.weightloom.merge;

import io.weightloom.kernel.Kernels;
import io.weightloom.tensor.DType;

/**
 * Arithmetic on work vectors in one precision and one rounding rule: what the formula of a method
 * is written in, once for fp32 and fp64, accurate and mergekit-compatible.
 *
 * <p>A vector holds up to {@link #CAPACITY} consecutive values of a tensor. Vectors are owned by
 * whoever made them; {@code out} may be one of the inputs. An instance keeps scratch vectors and
 * belongs to one thread.
 *
 * @param <V> the work vector: {@code float[]} or {@code double[]}
 */
public interface Arith<V> {

  /** Values in a vector: small enough for a handful of vectors to stay in the first cache. */
  int CAPACITY = 2048;

  /** A new vector of {@link #CAPACITY} zeros. */
  V vector();

  /** {@code count} new vectors. */
  V[] vectors(int count);

  /** The value that a scalar has in this arithmetic: rounded to the compute dtype, or itself. */
  double scalar(double s);

  /** The sum of scalars of this arithmetic, added up in the order and the width of {@link #sum}. */
  double sum(double[] scalars);

  /** Whether it is mergekit's arithmetic, every operation rounded to the compute dtype. */
  boolean roundsEachStep();

  /** Widens stored values and, in rounding arithmetic, casts them to the compute dtype. */
  void decode(DType dtype, byte[] src, int offset, V dst, int n);

  /** Rounds once, to nearest and ties to even, and stores little-endian. */
  void encode(DType dtype, V src, int n, byte[] dst, int offset);

  void subtract(V a, V b, V out, int n);

  void add(V a, V b, V out, int n);

  /** {@code out = a · b}. */
  void multiply(V a, V b, V out, int n);

  /** {@code out = s · x}; {@code s} is taken as it is. */
  void scale(V x, double s, V out, int n);

  /** {@code out = a / b}, a divisor of 0 counting as 1. */
  void divide(V a, V b, V out, int n);

  /** {@code out = x / s}; {@code s} is taken as it is. */
  void divide(V x, double s, V out, int n);

  /** {@code out = max(x, least)}. */
  void floor(V x, double least, V out, int n);

  /** {@code out = x + s}; {@code s} is taken as it is. */
  void shift(V x, double s, V out, int n);

  /** {@code out = a / b}, or {@code otherwise} where {@code b} is 0. */
  void divideOr(V a, V b, V otherwise, V out, int n);

  /** The least element; positive infinity for none. */
  double least(V x, int n);

  /** {@code out = Σₖ wₖ·xₖ} in the order of {@code xs}. */
  void weightedSum(V[] xs, double[] weights, V out, int n);

  /** {@code out = Σₖ xₖ} in the order of {@code xs}. */
  void sum(V[] xs, V out, int n);

  /** {@code out = sᵢ · xᵢ}; the factors are taken as they are. */
  void scaleEach(V x, double[] factors, V out, int n);

  /** {@code out = xᵢ / sᵢ}; the divisors are taken as they are. */
  void divideEach(V x, double[] divisors, V out, int n);

  /** {@code outᵢ = Σₖ wₖᵢ·xₖᵢ} in fp64 and in the order of {@code xs}, then rounded once. */
  void combine(V[] xs, double[][] weights, V out, int n);

  /** Sets to +0 what is smaller in magnitude than {@code threshold}. */
  void trim(V x, double threshold, int n);

  /**
   * As {@link #trim}, and of the elements whose magnitude equals the threshold keeps only the first
   * {@code quota}.
   */
  void trimTies(V x, double threshold, int quota, int n);

  /** See {@link Kernels#electByMass}. */
  void electByMass(V[] xs, double zeroSign, V sign, int n);

  /** See {@link Kernels#electByCount}. */
  void electByCount(V[] xs, double zeroSign, V sign, int n);

  /** See {@link Kernels#disjointSum}. */
  void disjointSum(V[] xs, V sign, V out, int n);

  /** See {@link Kernels#disjointMean}. */
  void disjointMean(V[] xs, double[] weights, V sign, V out, int n);

  /** See {@link Kernels#disjointMax}. */
  void disjointMax(V[] xs, V sign, V out, int n);

  /** See {@link Kernels#drop}. */
  void drop(V x, long key, long first, long dropBelow, int n);

  /** See {@link Kernels#histogram}. */
  void histogram(V x, int shift, long prefix, int[] bins, int n);

  /** See {@link Kernels#countAtLeast}. */
  int countAtLeast(V x, double threshold, int n);

  int countNonZero(V x, int n);

  /** Σ sign(x), for the majority sign. */
  long sumSigns(V x, int n);

  /** See {@link Kernels#sumMagnitudes}. */
  void sumMagnitudes(V x, double[] lanes, int n);

  /** See {@link Kernels#dot}. */
  void dot(V a, V b, double[] lanes, int n);

  /** See {@link Kernels#sumPowers}. */
  void sumPowers(V x, double[] sums, int n);

  /** Widens a range to the least and the greatest element; −0 lies below +0, no NaN is given. */
  void range(V x, double[] bounds, int n);

  /**
   * Moves the finite elements to the front, in order.
   *
   * @return how many they are
   */
  int keepFinite(V x, int n);

  /** Adds {@code aᵢ·bᵢ} for {@code from ≤ i < to} to the lanes, see {@link Kernels#dot}. */
  void dot(V a, V b, int from, int to, double[] lanes);

  /** Adds {@code aᵢ·bᵢ} to {@code sums[(column + i) mod sums.length]}. */
  void addProducts(V a, V b, double[] sums, int column, int n);

  /** The index of the first NaN or infinity, or −1. */
  int firstNonFinite(V x, int n);

  /** An element as a double, for messages. */
  double at(V x, int i);

  /** Copies to {@code out} from index {@code at}, for formulas in plain loops over doubles. */
  void widen(V x, double[] out, int at, int n);

  /** The way back: rounds to this arithmetic, or so that an {@link #encode} rounds as from fp64. */
  void narrow(double[] x, V out, int n);
}
