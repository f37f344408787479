package io.weightloom.merge.matrix;

import io.weightloom.linalg.Matrix;

/**
 * Adam (Kingma and Ba, 2015, alg. 1) with PyTorch's defaults β₁ 0.9, β₂ 0.999, ε 1e-8, in fp64.
 * Moves the matrix that it is given.
 */
public final class Adam {
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;
  private static final double EPSILON = 1e-8;

  private final Matrix weights;
  private final double learningRate;
  private final double[] mean;
  private final double[] square;
  private double bias1 = 1;
  private double bias2 = 1;

  public Adam(Matrix weights, double learningRate) {
    this.weights = weights;
    this.learningRate = learningRate;
    this.mean = new double[weights.size()];
    this.square = new double[weights.size()];
  }

  /** One step down this gradient. */
  public void step(Matrix gradient) {
    bias1 *= BETA1;
    bias2 *= BETA2;
    double size = learningRate / (1 - bias1);
    double root = Math.sqrt(1 - bias2);
    for (int i = 0; i < mean.length; i++) {
      double g = gradient.values()[i];
      mean[i] = BETA1 * mean[i] + (1 - BETA1) * g;
      square[i] = BETA2 * square[i] + (1 - BETA2) * g * g;
      weights.values()[i] -= size * mean[i] / (Math.sqrt(square[i]) / root + EPSILON);
    }
  }
}
