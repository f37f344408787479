package io.weightloom.examples.zoo;

import java.util.Arrays;

/** Root-mean-square normalisation with a gain, over columns. Not thread-safe. */
final class Norm {
  private static final int H = Layout.HIDDEN;
  private static final float EPSILON = 1e-6f;

  private final float[] weights;
  private final int gain;
  private final int n;
  private final float[] scale;
  private final float[] projection;
  private final float[][] output;

  Norm(float[] weights, int gain, int n) {
    this.weights = weights;
    this.gain = gain;
    this.n = n;
    this.scale = new float[n];
    this.projection = new float[n];
    this.output = new float[H][n];
  }

  float[][] output() {
    return output;
  }

  void forward(float[][] in) {
    Arrays.fill(scale, 0f);
    for (int h = 0; h < H; h++) {
      addSquares(in[h], scale);
    }
    for (int i = 0; i < n; i++) {
      scale[i] = 1f / (float) Math.sqrt(scale[i] / H + EPSILON);
    }
    for (int h = 0; h < H; h++) {
      scaled(in[h], scale, weights[gain + h], output[h]);
    }
  }

  /** Adds the gradient by the input to {@code inGradient}; sets the gradient by the gain. */
  void backward(float[][] in, float[][] outGradient, float[][] inGradient, float[] gradient) {
    Arrays.fill(projection, 0f);
    for (int h = 0; h < H; h++) {
      gradient[gain + h] = project(in[h], outGradient[h], weights[gain + h]);
    }
    for (int h = 0; h < H; h++) {
      float g = weights[gain + h];
      float[] x = in[h];
      float[] dy = outGradient[h];
      float[] dx = inGradient[h];
      for (int i = 0; i < n; i++) {
        float s = scale[i];
        dx[i] += s * (g * dy[i] - x[i] * projection[i] * s * s / H);
      }
    }
  }

  private float project(float[] x, float[] dy, float g) {
    float sum = 0f;
    for (int i = 0; i < n; i++) {
      float product = dy[i] * x[i];
      projection[i] += product * g;
      sum += product * scale[i];
    }
    return sum;
  }

  private static void addSquares(float[] x, float[] sum) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] += x[i] * x[i];
    }
  }

  private static void scaled(float[] x, float[] scale, float g, float[] out) {
    for (int i = 0; i < scale.length; i++) {
      out[i] = x[i] * scale[i] * g;
    }
  }
}
