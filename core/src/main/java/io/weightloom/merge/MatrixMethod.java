package io.weightloom.merge;

import io.weightloom.error.WeightloomException;
import io.weightloom.linalg.DenseLinAlg;
import java.util.Map;

/**
 * A method that needs matrices as a whole: factorisations, Gram matrices. One task merges one
 * matrix, in fp64, with one rounding at the end. What is not a matrix is merged element by element
 * by {@link #rest}.
 */
public non-sealed interface MatrixMethod extends MergeMethod {

  /** Whether this tensor is merged as a matrix. */
  boolean isMatrix(TensorMerge tensor);

  /** The merge of the tensors that are not; never asks for a survey. */
  MergeState rest(MergeScope scope);

  /**
   * Bytes of matrices that the merge of this matrix holds at most, the library's copies included.
   */
  long workBytes(TensorMerge matrix);

  /** The most reads of the models' weights. */
  int reads(TensorMerge matrix);

  /**
   * Merges a matrix: reads rows, as often as it must, and writes every row once.
   *
   * @return ranks and the like, for the manifest: numbers, words and lists of them
   * @throws WeightloomException if the numbers forbid it
   */
  Map<String, Object> merge(TensorMerge matrix, MatrixRows rows, DenseLinAlg linAlg);
}
