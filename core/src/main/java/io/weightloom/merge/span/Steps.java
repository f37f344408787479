package io.weightloom.merge.span;

import io.weightloom.kernel.Half;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.tensor.DType;
import java.io.Serializable;

/**
 * A formula as mergekit computes it in 16 bits: every operation rounds, so that what a sum is taken
 * of depends on the sums before it, and each needs a read of its own. Immutable.
 */
public interface Steps extends Serializable {

  /** What a tensor is taken apart into. */
  Axis axis();

  /** The most reads, the emission included. */
  int reads();

  /**
   * How many sums the next read takes; 0 when the output can be written.
   *
   * @param known the numbers known of all vectors; of each vector equally many
   * @param vectors how many vectors there are
   */
  int sums(double[] known, int vectors);

  /**
   * What is known of a vector after a read.
   *
   * @param known before it
   * @param sums what it found
   */
  double[] learn(double[] known, double[] sums);

  /** Looks at the chunks of a span. */
  <V> Pass<V> pass(Arith<V> arith, Spread known);

  /**
   * A walk over a span.
   *
   * @param <V> the work vector
   */
  interface Pass<V> {
    /** Adds to the sums that {@link #sums} promised. */
    void see(Chunk<V> chunk, VectorSums<V> sums);

    /** Fills {@code out} with the output. */
    void emit(Chunk<V> chunk, V out);
  }

  /** The nearest number of a dtype of at most 32 bits. */
  static double round(DType dtype, double x) {
    return Half.round(dtype, (float) x);
  }
}
