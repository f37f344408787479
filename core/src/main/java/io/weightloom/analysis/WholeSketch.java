package io.weightloom.analysis;

/**
 * A sketch of a tensor {@linkplain Scan#isWhole of which one task sees all blocks}, in their order:
 * it never meets another.
 *
 * @param <S> itself
 */
public interface WholeSketch<S extends WholeSketch<S>> extends Sketch<S> {

  /** Never called. */
  @Override
  default void merge(S other) {
    throw new IllegalStateException("blocks of a tensor were seen by two tasks");
  }
}
