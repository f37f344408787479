package io.weightloom.merge;

import io.weightloom.kernel.Kernels;
import java.util.Arrays;

/**
 * Sums whose value does not depend on blocks, tasks or vector width: elements go into {@value
 * Kernels#LANES} fp64 lanes, lanes are added in order at the end of each grain, grains in order at
 * the end. For one thread.
 */
public final class GrainSums {
  private final double[] lanes = new double[Kernels.LANES];
  private final double[] grains;
  private int grain;

  public GrainSums(Span span) {
    grains = new double[(int) ((span.count() + Span.GRAIN - 1) / Span.GRAIN)];
  }

  /** The lanes to add a chunk to; the chunk starts at this offset in the span. */
  public double[] lanes(long offset) {
    int wanted = (int) (offset / Span.GRAIN);
    if (wanted != grain) {
      close();
      grain = wanted;
    }
    return lanes;
  }

  /** The sums by grain. */
  public double[] finish() {
    close();
    return grains;
  }

  private void close() {
    if (grain < grains.length) {
      double sum = 0;
      for (double lane : lanes) {
        sum += lane;
      }
      grains[grain] = sum;
      Arrays.fill(lanes, 0);
    }
  }
}
