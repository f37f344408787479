package io.weightloom.stats;

import java.util.List;

/**
 * Which quantiles are found: of {@code n} values in ascending order the {@code ⌈q·n⌉}-th, the first
 * for 0, which NumPy calls {@code inverted_cdf}.
 */
public final class Quantiles {
  /** Of values. */
  public static final List<Double> VALUES = List.of(0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99);

  /** Of magnitudes. */
  public static final List<Double> MAGNITUDES = List.of(0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999);

  private Quantiles() {}
}
