package io.weightloom.compare;

import java.io.Serializable;

/**
 * Two task vectors over some elements; adds up over tensors.
 *
 * @param first index of a model
 * @param second index of another
 * @param dot Σ τₐτ_b
 * @param firstSquares Σ τₐ²
 * @param secondSquares Σ τ_b²
 * @param both elements that are 0 in neither
 * @param opposed those of them whose signs differ
 */
public record TaskPair(
    int first,
    int second,
    double dot,
    double firstSquares,
    double secondSquares,
    long both,
    long opposed)
    implements Serializable {
  private static final long serialVersionUID = 1;

  /** NaN if a task vector is 0. */
  public double cosine() {
    return dot / (Math.sqrt(firstSquares) * Math.sqrt(secondSquares));
  }

  /** NaN if no element is changed by both. */
  public double signConflict() {
    return (double) opposed / both;
  }

  TaskPair plus(TaskPair other) {
    return new TaskPair(
        first,
        second,
        dot + other.dot,
        firstSquares + other.firstSquares,
        secondSquares + other.secondSquares,
        both + other.both,
        opposed + other.opposed);
  }
}
