package io.weightloom.examples.zoo;

/** Stochastic gradient descent with momentum, on the first parameters of a flat array. */
final class Momentum {
  private static final float KEPT = 0.9f;

  private final float[] weights;
  private final float[] velocity;

  /** An optimiser of {@code weights[0 … size)}; the array is borrowed. */
  Momentum(float[] weights, int size) {
    this.weights = weights;
    this.velocity = new float[size];
  }

  void step(float[] gradient, double rate) {
    float r = (float) rate;
    for (int i = 0; i < velocity.length; i++) {
      float v = KEPT * velocity[i] + gradient[i];
      velocity[i] = v;
      weights[i] -= r * v;
    }
  }
}
