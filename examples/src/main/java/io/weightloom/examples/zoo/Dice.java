package io.weightloom.examples.zoo;

import io.weightloom.kernel.CounterRandom;

/**
 * A stream of random numbers that is the same on every machine and JDK: SplitMix64 draws, and only
 * {@link StrictMath} on top. Not thread-safe.
 */
final class Dice {
  private final long key;
  private long drawn;

  /** The stream named {@code name} under {@code seed}; different names are independent. */
  Dice(long seed, String name) {
    this.key = CounterRandom.key(seed, "zoo", name);
  }

  /** Uniform in [0, 1). */
  double uniform() {
    return CounterRandom.uniform(key, drawn++);
  }

  /** Uniform in [low, high). */
  double between(double low, double high) {
    return low + (high - low) * uniform();
  }

  /** Uniform in 0 … bound − 1. */
  int below(int bound) {
    return (int) (uniform() * bound);
  }

  /** Standard normal, by Box and Muller. */
  double normal() {
    double radius = Math.sqrt(-2 * StrictMath.log(1 - uniform()));
    return radius * StrictMath.cos(2 * Math.PI * uniform());
  }

  /**
   * Nearly normal, bounded by ±2√3: the sum of four uniforms of 16 bits; one draw, no logarithm.
   */
  double grain() {
    long bits = CounterRandom.draw(key, drawn++);
    long sum = (bits & 0xffff) + (bits >>> 16 & 0xffff) + (bits >>> 32 & 0xffff) + (bits >>> 48);
    return (sum / 65536.0 - 2) * Math.sqrt(3);
  }

  /** Shuffles in place. */
  void shuffle(int[] xs) {
    for (int i = xs.length - 1; i > 0; i--) {
      int j = below(i + 1);
      int held = xs[i];
      xs[i] = xs[j];
      xs[j] = held;
    }
  }
}
