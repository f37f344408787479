package io.weightloom.merge.matrix;

import static io.weightloom.merge.SpanRunner.BASE;

import io.weightloom.linalg.Matrix;
import io.weightloom.merge.MatrixRows;
import io.weightloom.merge.MatrixRows.BlockUse;
import io.weightloom.merge.MatrixRunner;

/** The task vectors τₖ = θₖ − θ₀ of one matrix, gathered or row block by row block. */
public final class TaskMatrices {
  private final MatrixRows rows;
  private final Matrix base;
  private final Matrix model;

  /** The first row of the base that its block holds, or −1, and how many follow. */
  private int held = -1;

  private int heldRows;

  /** Uses what the base and the models hold. */
  public TaskMatrices(MatrixRows rows) {
    this.rows = rows;
    this.base = Matrix.zeros(rows.blockRows(), rows.columns());
    this.model = Matrix.zeros(rows.blockRows(), rows.columns());
  }

  /** Bytes of the two row blocks that every instance holds. */
  public static long blockBytes(long rows, long columns) {
    return 2 * Double.BYTES * Math.min(rows, blockRows(columns)) * columns;
  }

  private static long blockRows(long columns) {
    return MatrixRunner.blockRows(columns);
  }

  public int models() {
    return rows.models();
  }

  public int rows() {
    return rows.rows();
  }

  public int columns() {
    return rows.columns();
  }

  /** The smaller side: how many singular values each has. */
  public int side() {
    return Math.min(rows.rows(), rows.columns());
  }

  /** Hands out the row blocks of model {@code k}'s task vector in order. */
  public void blocks(int k, BlockUse use) {
    rows.eachRange(
        (first, count) -> {
          Matrix block = model.firstRows(count);
          rows.read(k, first, block);
          block.add(-1, base(first, count));
          use.of(first, block);
        });
  }

  /** Hands out the row blocks of Σ τₖ in order. */
  public void sumBlocks(BlockUse use) {
    Matrix sum = Matrix.zeros(rows.blockRows(), rows.columns());
    rows.eachRange(
        (first, count) -> {
          Matrix block = sum.firstRows(count);
          block.scale(0);
          for (int k = 0; k < rows.models(); k++) {
            rows.read(k, first, model.firstRows(count));
            model.firstRows(count).add(-1, base(first, count));
            block.add(1, model.firstRows(count));
          }
          use.of(first, block);
        });
  }

  /** Model {@code k}'s task vector. */
  public Matrix of(int k) {
    Matrix all = Matrix.zeros(rows.rows(), rows.columns());
    blocks(k, (first, block) -> put(block, all, first));
    return all;
  }

  /** Σ τₖ. */
  public Matrix sum() {
    Matrix all = Matrix.zeros(rows.rows(), rows.columns());
    sumBlocks((first, block) -> put(block, all, first));
    return all;
  }

  /** Writes θ₀ + λ·merged. */
  public void write(double lambda, Matrix merged) {
    rows.eachRange((first, count) -> write(lambda, first, rowsOf(merged, first, count)));
  }

  /** Writes θ₀ + λ·merged for a block of rows. */
  public void write(double lambda, int first, Matrix merged) {
    Matrix out = base(first, merged.rows());
    held = -1;
    out.add(lambda, merged);
    rows.write(first, out);
  }

  /** Rows of the base, read unless they are those that were read last. */
  private Matrix base(int first, int count) {
    Matrix block = base.firstRows(count);
    if (held != first || heldRows != count) {
      rows.read(BASE, first, block);
      held = first;
      heldRows = count;
    }
    return block;
  }

  /** Copies a block to its place. */
  public static void put(Matrix block, Matrix all, int first) {
    System.arraycopy(block.values(), 0, all.values(), first * all.columns(), block.size());
  }

  /** Adds a block at its place. */
  public static void add(Matrix block, Matrix all, int first) {
    int at = first * all.columns();
    for (int i = 0; i < block.size(); i++) {
      all.values()[at + i] += block.values()[i];
    }
  }

  /** A copy of consecutive rows. */
  public static Matrix rowsOf(Matrix all, int first, int count) {
    Matrix block = Matrix.zeros(count, all.columns());
    System.arraycopy(all.values(), first * all.columns(), block.values(), 0, block.size());
    return block;
  }

  /** A copy of the first columns. */
  public static Matrix firstColumns(Matrix all, int count) {
    Matrix columns = Matrix.zeros(all.rows(), count);
    for (int i = 0; i < all.rows(); i++) {
      System.arraycopy(all.values(), i * all.columns(), columns.values(), i * count, count);
    }
    return columns;
  }
}
