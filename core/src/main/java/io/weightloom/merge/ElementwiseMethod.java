package io.weightloom.merge;

/**
 * A method whose output at a coordinate depends on the models' values there and on a few statistics
 * of its scope. Tensors may be cut anywhere.
 */
public non-sealed interface ElementwiseMethod extends MergeMethod {

  /** Whether statistics are taken over the whole model; otherwise each tensor is a scope. */
  default boolean isWholeModel(Params params) {
    return false;
  }

  /** The most reads of the weights that the merge of such a scope takes, the emission included. */
  default int reads(MergeScope scope) {
    return 1;
  }

  /** Begins the merge of a scope; nothing has been read yet. */
  MergeState begin(MergeScope scope);
}
