package io.weightloom.analysis;

import java.io.Serializable;

/**
 * What is known of the blocks of a tensor that were seen so far. Sketches of disjoint blocks merge
 * exactly: neither which task saw a block nor the order of merging shows in what is concluded.
 *
 * @param <S> itself
 */
public interface Sketch<S extends Sketch<S>> extends Serializable {

  /** Takes a block in. */
  void add(AlignedBlock block);

  /**
   * Takes in what another sketch of the same tensor has seen.
   *
   * @param other of other blocks; not used afterwards
   */
  void merge(S other);
}
