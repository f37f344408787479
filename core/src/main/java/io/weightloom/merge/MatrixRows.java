package io.weightloom.merge;

import io.weightloom.linalg.Matrix;

/**
 * The rows of one matrix of all models, decoded to fp64, and of the output. Rows are read in blocks
 * whose height depends on the shape alone, so that sums over blocks are the same everywhere.
 */
public interface MatrixRows {

  int rows();

  int columns();

  /** Number of models, the base not counted. */
  int models();

  /** Rows of a block: the most that are read or written at once. */
  int blockRows();

  /**
   * Fills {@code into} with consecutive rows.
   *
   * @param model index of the model in the merge, or {@link SpanRunner#BASE}
   * @param first index of the first row
   */
  void read(int model, int first, Matrix into);

  /** Rounds and writes consecutive rows of the output. */
  void write(int first, Matrix rows);

  /**
   * A model's tensor of a side table of {@linkplain SideTable.Layout#GRAM Gram matrices}, columns ×
   * columns, read anew.
   */
  Matrix gram(String table, int model);
}
