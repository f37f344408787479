package io.weightloom.merge.taskvector;

import io.weightloom.kernel.CounterRandom;

/**
 * A soft mask drawn from logits: σ((logit + L)/temperature) with L logistic, the relaxed Bernoulli
 * or binary Concrete distribution (Maddison et al., 2017, "The Concrete distribution", appendix B).
 * A draw depends on seed, tensor and element alone, so that it is the same in each read.
 */
public final class RelaxedBernoulli {
  private static final String OF_ALL_MODELS = "mask";

  private final long key;
  private final double temperature;

  /** The draws of one tensor's mask. */
  public RelaxedBernoulli(long seed, String tensor, double temperature) {
    this.key = CounterRandom.key(seed, OF_ALL_MODELS, tensor);
    this.temperature = temperature;
  }

  /** The draw of the element with this flat index, between 0 and 1. */
  public double draw(double logit, long index) {
    double u = ((CounterRandom.draw(key, index) >>> 11) + 0.5) * 0x1p-53;
    return sigmoid((logit + StrictMath.log(u) - StrictMath.log(1 - u)) / temperature);
  }

  /** The probability that a logit stands for. */
  public static double sigmoid(double logit) {
    return 1 / (1 + StrictMath.exp(-logit));
  }
}
