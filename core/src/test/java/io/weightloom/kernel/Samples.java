package io.weightloom.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Inputs that are hard on kernels, and the comparison of what comes out. */
final class Samples {

  /** Around the widths and unrollings of vector loops, off-lane on purpose. */
  static final int[] SIZES = {
    0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 1000, 2047, 2048, 2049
  };

  private static final int[] SPECIAL_BITS = {
    0x00000000, // zero
    0x00000001, // least subnormal
    0x007fffff, // greatest subnormal
    0x00800000, // least normal
    0x33000000, // 2^-25: half the least F16
    0x33000001,
    0x33800000, // 2^-24: the least F16
    0x33c00000, // a tie between F16 subnormals
    0x387fc000, // the greatest F16 subnormal
    0x387fe000, // a tie between it and the least normal
    0x38800000, // 2^-14: the least normal F16
    0x3f800000, // one
    0x3f808000, // a tie between BF16 values
    0x3f818000,
    0x3f801000, // a tie between F16 values
    0x3f803000,
    0x477fe000, // 65504: the greatest F16
    0x477fefff,
    0x477ff000, // 65520: rounds to infinity
    0x7f7f0000, // the greatest BF16
    0x7f7f7fff,
    0x7f7f8000, // rounds to infinity
    0x7f7fffff, // the greatest fp32
    0x7f800000, // infinity
    0x7f800001, // signalling NaNs
    0x7f801fff,
    0x7fa00000,
    0x7fc00000, // quiet NaNs
    0x7fc12345,
    0x7fffffff
  };

  private Samples() {}

  /** The special values with both signs. */
  static float[] specials() {
    float[] all = new float[2 * SPECIAL_BITS.length];
    for (int i = 0; i < SPECIAL_BITS.length; i++) {
      all[2 * i] = Float.intBitsToFloat(SPECIAL_BITS[i]);
      all[2 * i + 1] = Float.intBitsToFloat(SPECIAL_BITS[i] | 0x80000000);
    }
    return all;
  }

  /** Mostly weights, with special values, arbitrary bits and repeated magnitudes among them. */
  static float[] mixed(SplittableRandom random, int n) {
    float[] specials = specials();
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] =
          switch (random.nextInt(8)) {
            case 0 -> specials[random.nextInt(specials.length)];
            case 1 -> Float.intBitsToFloat(random.nextInt());
            case 2 -> (random.nextInt(5) - 2) * 0.25f;
            default -> weight(random);
          };
    }
    return x;
  }

  /** Finite values of the size of weights. */
  static float[] weights(SplittableRandom random, int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = weight(random);
    }
    return x;
  }

  private static float weight(SplittableRandom random) {
    double sum = 0;
    for (int i = 0; i < 4; i++) {
      sum += random.nextDouble() - 0.5;
    }
    return (float) (0.03 * sum);
  }

  static float[][] mixed(SplittableRandom random, int models, int n) {
    float[][] xs = new float[models][];
    for (int k = 0; k < models; k++) {
      xs[k] = mixed(random, n);
    }
    return xs;
  }

  static float[][] copyOf(float[][] xs) {
    return Arrays.stream(xs).map(float[]::clone).toArray(float[][]::new);
  }

  /** The same bits in every element, those beyond {@code n} included. */
  static void assertSameBits(float[] actual, float[] expected, String what) {
    assertSame(bits(actual), bits(expected), what);
  }

  /**
   * The same bits, where all NaNs count as one: which of two NaN operands an addition hands on is
   * open in Java, and differs between an interpreter and a compiler.
   */
  static void assertSameNumbers(float[] actual, float[] expected, String what) {
    assertSame(numbers(actual), numbers(expected), what);
  }

  private static void assertSame(int[] actual, int[] expected, String what) {
    int i = Arrays.mismatch(actual, expected);
    assertThat(i)
        .as(
            () ->
                "%s: element %d is %08x, expected %08x".formatted(what, i, actual[i], expected[i]))
        .isEqualTo(-1);
  }

  private static int[] bits(float[] x) {
    int[] bits = new int[x.length];
    Arrays.setAll(bits, i -> Float.floatToRawIntBits(x[i]));
    return bits;
  }

  private static int[] numbers(float[] x) {
    int[] bits = new int[x.length];
    Arrays.setAll(bits, i -> Float.floatToIntBits(x[i]));
    return bits;
  }
}
