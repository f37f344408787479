package io.weightloom.merge;

import java.util.Optional;

/**
 * A merge method: a spec, and a formula of one of the shapes that this interface permits. Found by
 * {@link java.util.ServiceLoader}; stateless and thread-safe.
 */
public sealed interface MergeMethod permits ElementwiseMethod, MatrixMethod {

  /** Name, needs and parameters. */
  MethodSpec spec();

  /** What is wrong with parameters that are each within their range, and how to mend it. */
  default Optional<String> problem(Params params) {
    return Optional.empty();
  }

  /** What a user should know of the merge of a tensor. */
  default Optional<String> warning(TensorMerge tensor) {
    return Optional.empty();
  }

  /** What a merge with these parameters writes. */
  default Yield yields(Params params) {
    return Yield.MODEL;
  }

  /** What is written. */
  enum Yield {
    /** A model. */
    MODEL,
    /** What is to be added to a base: a part of a bundle. */
    VECTOR,
    /** For each element a bit, packed eight to a byte, the first in the highest place. */
    MASK
  }
}
