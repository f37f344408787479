package io.weightloom.compare;

import java.io.Serializable;

/**
 * On how few elements the energy of a difference lies. Magnitudes go by the upper 16 of the 31 bits
 * that fp32 has without the sign: each within 0.4 % and exact where 8 mantissa bits are enough, as
 * for most differences of BF16 weights.
 *
 * @param elements all elements
 * @param k90 the least number of elements with 90 % of Στ²; 0 if all τ are 0
 * @param k99 likewise 99 %
 * @param gini Gini's coefficient of |τ|: 0 if all are equal, towards 1 if one has all; NaN if all
 *     are 0
 */
public record Redundancy(long elements, long k90, long k99, double gini) implements Serializable {
  private static final long serialVersionUID = 1;

  static Redundancy of(long[] counts) {
    long elements = 0;
    double energy = 0;
    double mass = 0;
    double ranked = 0;
    for (int key = 0; key <= DeltaHistogram.GREATEST; key++) {
      double x = DeltaHistogram.magnitude(key);
      double count = counts[key];
      energy += count * x * x;
      mass += count * x;
      // The ranks of the bin's elements, from 1, added up.
      ranked += x * (count * elements + count * (count + 1) / 2);
      elements += counts[key];
    }
    double n = elements;
    return new Redundancy(
        elements,
        leastFor(0.9 * energy, counts),
        leastFor(0.99 * energy, counts),
        mass == 0 ? Double.NaN : 2 * ranked / (n * mass) - (n + 1) / n);
  }

  private static long leastFor(double wanted, long[] counts) {
    double left = wanted;
    long taken = 0;
    for (int key = DeltaHistogram.GREATEST; key > 0 && left > 0; key--) {
      double x = DeltaHistogram.magnitude(key);
      double square = x * x;
      if (counts[key] > 0) {
        long needed = (long) Math.ceil(left / square);
        taken += Math.min(counts[key], needed);
        left -= counts[key] * square;
      }
    }
    return taken;
  }
}
