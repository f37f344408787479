package io.weightloom.stats;

import io.weightloom.kernel.Kernels;
import io.weightloom.merge.Arith;

/**
 * How alike two blocks of one length are. A NaN or an infinity in either shows in the result as
 * IEEE arithmetic has it.
 */
public final class BlockPairs {

  private BlockPairs() {}

  /** Adds up something over the chunks of both blocks, in lanes. */
  private interface Terms {
    <V> void add(Arith<V> arith, V a, V b, double[] lanes, int n);
  }

  private static double sum(BlockData a, BlockData b, Kernels kernels, Terms terms) {
    return BlockData.work(
        kernels,
        new BlockData.Work<Double>() {
          @Override
          public <V> Double in(Arith<V> arith) {
            double[] lanes = new double[Kernels.LANES];
            BlockData.forEach(arith, a, b, (x, y, first, n) -> terms.add(arith, x, y, lanes, n));
            double sum = 0;
            for (double lane : lanes) {
              sum += lane;
            }
            return sum;
          }
        },
        a.dtype(),
        b.dtype());
  }

  /**
   * Σ a·b, products and sums in fp64.
   *
   * @throws io.weightloom.error.WeightloomException if the blocks differ in length
   */
  public static double dot(BlockData a, BlockData b, Kernels kernels) {
    return sum(
        a,
        b,
        kernels,
        new Terms() {
          @Override
          public <V> void add(Arith<V> arith, V x, V y, double[] lanes, int n) {
            arith.dot(x, y, lanes, n);
          }
        });
  }

  /** Σ a·b / (‖a‖·‖b‖); NaN if a norm is 0. */
  public static double cosine(BlockData a, BlockData b, Kernels kernels) {
    double dot = dot(a, b, kernels);
    return dot / (Math.sqrt(dot(a, a, kernels)) * Math.sqrt(dot(b, b, kernels)));
  }

  /** √Σ(a − b)², the differences rounded as a task vector's are: to fp32 unless one is F64. */
  public static double distance(BlockData a, BlockData b, Kernels kernels) {
    return Math.sqrt(
        sum(
            a,
            b,
            kernels,
            new Terms() {
              @Override
              public <V> void add(Arith<V> arith, V x, V y, double[] lanes, int n) {
                arith.subtract(x, y, x, n);
                arith.dot(x, x, lanes, n);
              }
            }));
  }

  /**
   * Of the elements that are not 0 in either block, the share whose signs agree; NaN if there are
   * none.
   */
  public static double signAgreement(BlockData a, BlockData b, Kernels kernels) {
    long[] bothAndAgreeing = new long[2];
    sum(
        a,
        b,
        kernels,
        new Terms() {
          @Override
          public <V> void add(Arith<V> arith, V x, V y, double[] lanes, int n) {
            for (int i = 0; i < n; i++) {
              double product = Math.signum(arith.at(x, i)) * Math.signum(arith.at(y, i));
              bothAndAgreeing[0] += product != 0 ? 1 : 0;
              bothAndAgreeing[1] += product > 0 ? 1 : 0;
            }
          }
        });
    return (double) bothAndAgreeing[1] / bothAndAgreeing[0];
  }
}
