package io.weightloom.bench;

import io.weightloom.kernel.Kernels;
import io.weightloom.tensor.DType;
import java.util.Random;

/** Inputs of the size of weights, the same in each run. */
final class Buffers {
  static final int MODELS = 4;

  private Buffers() {}

  static float[] weights(Random random, int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) (0.02 * random.nextGaussian());
    }
    return x;
  }

  static float[][] models(Random random, int n) {
    float[][] xs = new float[MODELS][];
    for (int k = 0; k < MODELS; k++) {
      xs[k] = weights(random, n);
    }
    return xs;
  }

  static byte[] stored(Random random, DType dtype, int n, Kernels kernels) {
    byte[] bytes = new byte[n * dtype.bytes()];
    kernels.encode(dtype, weights(random, n), n, bytes, 0);
    return bytes;
  }
}
