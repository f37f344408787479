package io.weightloom.merge.span;

/** What a tensor is taken apart into, each vector with coefficients of its own. */
public enum Axis {
  /** One vector. */
  TENSOR,
  /** A vector for each run along the last dimension: the rows of a matrix. */
  ROWS,
  /** A vector for each run along the first dimension: the columns of a matrix. */
  COLUMNS
}
