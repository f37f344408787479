package io.weightloom.kernel;

import java.nio.charset.StandardCharsets;

/**
 * A counter-based random generator: the draw of an element is a pure function of (seed, model,
 * tensor, flat index), so that a mask does not depend on blocks, tasks, retries or threads.
 *
 * <p>{@code key = mix64(seed ⊕ fnv1a64(model ‖ 0x00 ‖ tensor))} and {@code draw(i) = mix64(key +
 * (i+1)·0x9E3779B97F4A7C15)}, where mix64 is SplitMix64's finaliser (Steele, Lea and Flood, "Fast
 * splittable pseudorandom number generators", OOPSLA 2014): the draws of one key are the sequence
 * of {@code java.util.SplittableRandom}.
 */
public final class CounterRandom {
  public static final long GAMMA = 0x9E3779B97F4A7C15L;
  public static final long MIX_1 = 0xBF58476D1CE4E5B9L;
  public static final long MIX_2 = 0x94D049BB133111EBL;
  private static final double TWO_53 = 0x1p53;

  private CounterRandom() {}

  /** The key of a model's tensor under a seed. */
  public static long key(long seed, String model, String tensor) {
    return mix64(seed ^ fnv1a64((model + "\0" + tensor).getBytes(StandardCharsets.UTF_8)));
  }

  /** The 64 random bits of the element with this flat index. */
  public static long draw(long key, long index) {
    return mix64(key + (index + 1) * GAMMA);
  }

  /** The draw as a number in [0, 1), a multiple of 2⁻⁵³. */
  public static double uniform(long key, long index) {
    return (draw(key, index) >>> 11) / TWO_53;
  }

  /**
   * The bound under which the upper 53 bits of a draw mean "dropped" with probability {@code p}.
   */
  public static long dropBelow(double p) {
    return (long) Math.ceil(p * TWO_53);
  }

  static long mix64(long z) {
    long a = (z ^ (z >>> 30)) * MIX_1;
    long b = (a ^ (a >>> 27)) * MIX_2;
    return b ^ (b >>> 31);
  }

  static long fnv1a64(byte[] bytes) {
    long h = 0xcbf29ce484222325L;
    for (byte b : bytes) {
      h = (h ^ (b & 0xff)) * 0x100000001b3L;
    }
    return h;
  }
}
