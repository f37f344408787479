package io.weightloom.spectrum;

import java.io.Serializable;
import java.util.Arrays;

/**
 * How many directions a matrix uses, by several definitions.
 *
 * @param effectiveSigma exp(−Σ p ln p) with p = σ/Σσ (Roy and Vetterli, "The effective rank: a
 *     measure of effective dimensionality", EUSIPCO 2007)
 * @param effectiveLambda the same with p = λ/Σλ
 * @param energy90 the least k whose k largest λ have 90 % of Σλ
 * @param energy99 likewise 99 %
 * @param nuclearNorm Σσ
 * @param condition σ_max/σ_min; infinite for a singular matrix
 */
public record Ranks(
    double effectiveSigma,
    double effectiveLambda,
    int energy90,
    int energy99,
    double nuclearNorm,
    double condition)
    implements Serializable {
  private static final long serialVersionUID = 1;

  /** Of a spectrum that is not all zeros. */
  public static Ranks of(Spectrum spectrum) {
    double[] sigmas = spectrum.sigmas();
    return new Ranks(
        effective(sigmas),
        effective(spectrum.values()),
        energy(spectrum.values(), 0.9),
        energy(spectrum.values(), 0.99),
        Arrays.stream(sigmas).sum(),
        sigmas[sigmas.length - 1] / sigmas[0]);
  }

  private static double effective(double[] values) {
    double sum = Arrays.stream(values).sum();
    double entropy =
        Arrays.stream(values).filter(v -> v > 0).map(v -> v / sum).map(p -> -p * Math.log(p)).sum();
    return Math.exp(entropy);
  }

  /** The least number of the largest values that have this share of the sum. */
  static int energy(double[] ascending, double share) {
    double wanted = share * Arrays.stream(ascending).sum();
    double sum = 0;
    int count = 0;
    while (count < ascending.length && sum < wanted) {
      count++;
      sum += ascending[ascending.length - count];
    }
    return count;
  }
}
