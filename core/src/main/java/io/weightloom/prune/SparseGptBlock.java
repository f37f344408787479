package io.weightloom.prune;

import io.weightloom.linalg.Matrix;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;

/** A block of columns of SparseGPT: its mask, its weights and what is left for those behind it. */
final class SparseGptBlock {
  private final Params params;
  private final Matrix weights;
  private final Matrix upper;
  private final boolean[] kept;
  private final int first;
  private final int columns;
  private final Matrix errors;

  SparseGptBlock(
      TensorMerge tensor, Matrix weights, Matrix upper, boolean[] kept, int first, int columns) {
    this.params = tensor.params();
    this.weights = weights;
    this.upper = upper;
    this.kept = kept;
    this.first = first;
    this.columns = columns;
    this.errors = Matrix.zeros(weights.rows(), columns);
    if (!isNm()) {
      choose(PruneParams.sparsity(tensor));
    }
  }

  private boolean isNm() {
    return params.choice("pattern").equals("nm");
  }

  /** What each weight took from the outputs, by row and column of the block. */
  Matrix errors() {
    return errors;
  }

  /** The mask of all rows of the block at once. */
  private void choose(double sparsity) {
    int rows = weights.rows();
    double[] scores = new double[rows * columns];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        scores[i * columns + j] = score(i, first + j);
      }
    }
    boolean[] chosen = new boolean[scores.length];
    new RowRanking.Least(sparsity, PruneParams.counting(params))
        .choose(scores, chosen, 0, scores.length, new double[scores.length]);
    for (int i = 0; i < rows; i++) {
      System.arraycopy(chosen, i * columns, kept, i * weights.columns() + first, columns);
    }
  }

  private double score(int row, int column) {
    double ratio = weights.at(row, column) / upper.at(column, column);
    return ratio * ratio;
  }

  /** The groups of m that begin at a column, for the weights as they are by then. */
  private void chooseGroup(int column, int n, int m) {
    int size = Math.min(m, first + columns - column);
    RowRanking.Groups groups = new RowRanking.Groups(n, m);
    double[] scores = new double[size];
    boolean[] chosen = new boolean[size];
    for (int i = 0; i < weights.rows(); i++) {
      for (int j = 0; j < size; j++) {
        scores[j] = score(i, column + j);
      }
      groups.choose(scores, chosen, 0, size, scores);
      System.arraycopy(chosen, 0, kept, i * weights.columns() + column, size);
    }
  }

  /** Column after column; gives the sum of the errors. */
  double prune() {
    int m = (int) params.number("m");
    int n = (int) params.number("n");
    double loss = 0;
    for (int j = 0; j < columns; j++) {
      if (isNm() && j % m == 0) {
        chooseGroup(first + j, n, m);
      }
      loss += pruneColumn(j);
    }
    return loss;
  }

  private double pruneColumn(int j) {
    int n = weights.columns();
    double[] w = weights.values();
    double diagonal = upper.at(first + j, first + j);
    int row = (first + j) * n + first;
    double loss = 0;
    for (int i = 0; i < weights.rows(); i++) {
      int at = i * n + first;
      double error = kept[at + j] ? 0 : w[at + j] / diagonal;
      errors.values()[i * columns + j] = error;
      loss += error * error / 2;
      if (error != 0) {
        for (int k = j + 1; k < columns; k++) {
          w[at + k] -= error * upper.values()[row + k];
        }
      }
      w[at + j] = kept[at + j] ? w[at + j] : 0;
    }
    return loss;
  }
}
