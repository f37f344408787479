package io.weightloom.merge.span;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** What a method of the span family does with one tensor. Immutable. */
public interface SpanRule extends Serializable {

  /** What is combined. */
  Vectors vectors();

  /** What a tensor is taken apart into. */
  default Axis axis() {
    return Axis.TENSOR;
  }

  /** Whether the coefficients depend on the weights. */
  default boolean needsGram() {
    return true;
  }

  /** Whether mergekit computes the combination in fp32 and rounds it only to store it. */
  default boolean roundsOnce() {
    return false;
  }

  /**
   * A coefficient for each of the vectors.
   *
   * @param gram their inner products, of no vectors if none are needed
   */
  double[] coefficients(Gram gram);

  /**
   * The coefficients of all vectors of a tensor, vector after vector: of each by itself, unless a
   * rule weighs one against another.
   *
   * @param grams the inner products of each
   */
  default double[] coefficients(List<Gram> grams) {
    return grams.stream().map(this::coefficients).flatMapToDouble(Arrays::stream).toArray();
  }

  /** What the manifest should say beside the coefficients; asked where a tensor is one vector. */
  default Map<String, Object> decisions(Gram gram) {
    return Map.of();
  }

  /** The same of all vectors of a tensor. */
  default Map<String, Object> decisions(List<Gram> grams) {
    return grams.size() == 1 ? decisions(grams.get(0)) : Map.of();
  }
}
