package io.weightloom.merge.span;

/**
 * Coefficients that are given.
 *
 * @param vectors what is combined
 * @param given one for each
 */
public record FixedRule(Vectors vectors, double[] given) implements SpanRule {
  private static final long serialVersionUID = 1;

  @Override
  public boolean needsGram() {
    return false;
  }

  @Override
  public double[] coefficients(Gram gram) {
    return given.clone();
  }
}
