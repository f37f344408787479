package io.weightloom.spectrum;

import java.io.Serializable;

/**
 * Where the product of the largest eigenvalues, rescaled to a mean of 1, falls below 1: the tail
 * that the volume-preserving condition det X = 1 picks.
 *
 * @param count eigenvalues in the tail
 * @param value the smallest of them, not rescaled
 */
public record DetX(int count, double value) implements Serializable {
  private static final long serialVersionUID = 1;

  /** Of a spectrum; by logarithms, for products of thousands overflow. */
  public static DetX of(Spectrum spectrum) {
    double[] values = spectrum.values();
    double least = values[0];
    if (values.length < 2 || !(least < spectrum.largest())) {
      return new DetX(0, least);
    }
    double logMean = Math.log(spectrum.norm() / values.length);
    double sum = 0;
    for (int i = values.length - 1; i > 0; i--) {
      sum += Math.log(values[i]) - logMean;
      if (sum < 0) {
        return new DetX(values.length - i, values[i]);
      }
    }
    return new DetX(values.length, values[1]);
  }
}
