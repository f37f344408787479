package io.weightloom.stats;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;

/**
 * How many values lie where on a fixed logarithmic scale, so that any two tensors compare: a bin is
 * a quarter of a decade of |x|, from 10⁻¹² up to 10⁴; the first bin is all below but 0, the last
 * all from 10⁴ on. NaNs, infinities and zeros are outside. F32 and F64 go by their upper 16 bits.
 *
 * @param negative values below 0, by magnitude
 * @param positive values above 0
 */
public record LogHistogram(List<Long> negative, List<Long> positive) implements Serializable {
  private static final long serialVersionUID = 1;

  /** Bins of a decade. */
  public static final int PER_DECADE = 4;

  /** log₁₀ of the second bin's least magnitude. */
  public static final int FIRST_DECADE = -12;

  private static final int LAST_DECADE = 4;

  /** All bins. */
  public static final int BINS = (LAST_DECADE - FIRST_DECADE) * PER_DECADE + 2;

  private static final double[] EDGES = edges();

  private static double[] edges() {
    double[] edges = new double[BINS - 1];
    for (int i = 0; i < edges.length; i++) {
      edges[i] = StrictMath.pow(10, FIRST_DECADE + (double) i / PER_DECADE);
    }
    return edges;
  }

  /** log₁₀ of the magnitude where a bin begins; of the first that of the second less a bin. */
  public static double begin(int bin) {
    return FIRST_DECADE + (bin - 1.0) / PER_DECADE;
  }

  static int bin(double magnitude) {
    int at = Arrays.binarySearch(EDGES, magnitude);
    return at >= 0 ? at + 1 : -at - 1;
  }
}
