package io.weightloom.examples.zoo;

/** The Adam optimiser with decoupled weight decay, on the first parameters of a flat array. */
final class Adam {
  private static final float BETA_1 = 0.9f;
  private static final float BETA_2 = 0.99f;
  private static final float EPSILON = 1e-6f;

  private final float[] weights;
  private final int size;
  private final float[] first;
  private final float[] second;
  private double decay1 = 1;
  private double decay2 = 1;

  /** An optimiser of {@code weights[0 … size)}; the array is borrowed. */
  Adam(float[] weights, int size) {
    this.weights = weights;
    this.size = size;
    this.first = new float[size];
    this.second = new float[size];
  }

  void step(float[] gradient, double rate) {
    decay1 *= BETA_1;
    decay2 *= BETA_2;
    float stepSize = (float) (rate / (1 - decay1));
    float unbias = (float) (1 / (1 - decay2));
    for (int i = 0; i < size; i++) {
      float g = gradient[i];
      float m = BETA_1 * first[i] + (1 - BETA_1) * g;
      float v = BETA_2 * second[i] + (1 - BETA_2) * (g * g);
      first[i] = m;
      second[i] = v;
      weights[i] -= stepSize * m / ((float) Math.sqrt(v * unbias) + EPSILON);
    }
  }
}
