package io.weightloom.spectrum;

import io.weightloom.linalg.Matrix;
import java.io.Serializable;
import java.util.SplittableRandom;

/**
 * What the same elements in random order say: a spectrum of chance, against which the matrix's own
 * is held. Spikes in it are "correlation traps", single elements out of proportion.
 *
 * @param largest the largest eigenvalue of the shuffled matrix
 * @param bulk the Marchenko–Pastur fit to it
 * @param softRank {@code largest}/λ_max
 * @param gap λ_max − {@code largest}
 * @param distance the Jensen–Shannon distance (nats) of both spectra in ascending order, each
 *     divided by its sum
 */
public record Randomized(
    double largest, MarchenkoPastur bulk, double softRank, double gap, double distance)
    implements Serializable {
  private static final long serialVersionUID = 1;

  /** Compares. */
  public static Randomized of(Spectrum spectrum, Spectrum shuffled) {
    return new Randomized(
        shuffled.largest(),
        MarchenkoPastur.fit(shuffled),
        shuffled.largest() / spectrum.largest(),
        spectrum.largest() - shuffled.largest(),
        distance(spectrum.values(), shuffled.values()));
  }

  /**
   * Puts the elements of a matrix in random order, in place (Durstenfeld, "Algorithm 235: random
   * permutation", CACM 7, 1964).
   *
   * @param seed equal seeds give equal orders
   */
  public static void shuffle(Matrix matrix, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[] values = matrix.values();
    for (int i = matrix.size() - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      double x = values[i];
      values[i] = values[j];
      values[j] = x;
    }
  }

  private static double distance(double[] p, double[] q) {
    double sumP = 0;
    double sumQ = 0;
    for (int i = 0; i < p.length; i++) {
      sumP += p[i];
      sumQ += q[i];
    }
    double divergence = 0;
    for (int i = 0; i < p.length; i++) {
      double middle = (p[i] + q[i]) / (sumP + sumQ);
      divergence += term(p[i] / sumP, middle) + term(q[i] / sumQ, middle);
    }
    return Math.sqrt(Math.max(0, divergence / 2));
  }

  private static double term(double share, double middle) {
    return share > 0 ? share * Math.log(share / middle) : 0;
  }
}
