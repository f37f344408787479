package io.weightloom.stats;

import io.weightloom.kernel.Kernels;
import io.weightloom.merge.Arith;
import io.weightloom.merge.DoubleArith;
import io.weightloom.tensor.DType;

/**
 * What a cast into another dtype costs. Errors are over the elements that are finite before and
 * after; each of them is an fp64 difference.
 *
 * @param elements all elements
 * @param changed finite elements whose value changes, overflows among them
 * @param overflows finite elements that become infinite
 * @param underflows elements other than 0 that become 0
 * @param maxAbs the largest |error|
 * @param maxRel the largest |error| / |value|, over values other than 0
 * @param rms √ of the mean squared error; NaN if nothing is finite before and after
 */
public record CastError(
    long elements,
    long changed,
    long overflows,
    long underflows,
    double maxAbs,
    double maxRel,
    double rms) {

  /** The errors of casting a block. */
  public static CastError of(BlockData block, DType to, Kernels kernels) {
    BlockData cast = BlockData.of(to, BlockArithmetic.cast(block, to, kernels));
    Arith<double[]> arith = new DoubleArith(kernels);
    Tally tally = new Tally();
    BlockData.forEach(
        arith,
        block,
        cast,
        (x, y, first, n) -> {
          for (int i = 0; i < n; i++) {
            tally.see(x[i], y[i]);
          }
        });
    return tally.error(block.count());
  }

  private static final class Tally {
    private long changed;
    private long overflows;
    private long underflows;
    private long compared;
    private double maxAbs;
    private double maxRel;
    private double squares;

    void see(double before, double after) {
      if (!Double.isFinite(before)) {
        return;
      }
      changed += before == after ? 0 : 1;
      if (!Double.isFinite(after)) {
        overflows++;
        return;
      }
      double error = Math.abs(after - before);
      compared++;
      squares += error * error;
      maxAbs = Math.max(maxAbs, error);
      if (before != 0) {
        maxRel = Math.max(maxRel, error / Math.abs(before));
        underflows += after == 0 ? 1 : 0;
      }
    }

    CastError error(long elements) {
      return new CastError(
          elements, changed, overflows, underflows, maxAbs, maxRel, Math.sqrt(squares / compared));
    }
  }
}
