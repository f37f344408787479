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

  /** Takes consecutive rows, which are only lent. */
  @FunctionalInterface
  interface BlockUse {
    /** Takes rows from {@code first} on. */
    void of(int first, Matrix block);
  }

  /** Takes the place of consecutive rows. */
  @FunctionalInterface
  interface RangeUse {
    /** Takes rows from {@code first} on. */
    void of(int first, int count);
  }

  /** Names the blocks of rows in order. */
  default void eachRange(RangeUse use) {
    for (int first = 0; first < rows(); first += blockRows()) {
      use.of(first, Math.min(blockRows(), rows() - first));
    }
  }

  /** Reads the blocks of rows of a model in order, and hands them out. */
  default void eachBlock(int model, BlockUse use) {
    Matrix buffer = Matrix.zeros(blockRows(), columns());
    eachRange(
        (first, count) -> {
          Matrix block = buffer.firstRows(count);
          read(model, first, block);
          use.of(first, block);
        });
  }

  /** All rows of a model, read block by block. */
  default Matrix readAll(int model) {
    Matrix all = Matrix.zeros(rows(), columns());
    eachBlock(
        model,
        (first, block) ->
            System.arraycopy(block.values(), 0, all.values(), first * columns(), block.size()));
    return all;
  }

  /** Writes all rows of the output, block by block. */
  default void writeAll(Matrix all) {
    Matrix buffer = Matrix.zeros(blockRows(), columns());
    eachRange(
        (first, count) -> {
          Matrix block = buffer.firstRows(count);
          System.arraycopy(all.values(), first * columns(), block.values(), 0, block.size());
          write(first, block);
        });
  }
}
