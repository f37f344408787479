package io.weightloom.prune;

import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MergeState.Rows;
import io.weightloom.merge.Span;
import io.weightloom.merge.TensorMerge;
import java.io.Serializable;
import java.util.Arrays;

/**
 * Pruning row by row, a row being a run along the last dimension: all that it takes is there when
 * the row is written, and no read comes before.
 *
 * @param tensor what is pruned
 * @param scores what ranks
 * @param rule what becomes of a row; null keeps the tensor as it is
 */
record RowRanking(TensorMerge tensor, Scores scores, @org.jspecify.annotations.Nullable Rule rule)
    implements MergeState {

  private static final long serialVersionUID = 1;

  /** What becomes of a row. */
  interface Rule extends Serializable {
    /**
     * Says which elements of a row are kept.
     *
     * @param scores holds the row's scores, none negative, at {@code from}; may be overwritten
     * @param kept to be filled at {@code from}
     * @param scratch of at least {@code n}
     */
    void choose(double[] scores, boolean[] kept, int from, int n, double[] scratch);
  }

  /** The state of a tensor's merge; a tensor that is no target or keeps all has no rule. */
  static RowRanking of(TensorMerge tensor, Scores scores, boolean prunes, Rule rule) {
    boolean taken = prunes && PruneParams.isTarget(tensor) && scores.isKnown(tensor);
    return new RowRanking(tensor, scores, taken ? rule : null);
  }

  /** Prunes the least of each row, of equal scores those of the lowest column first. */
  record Least(double sparsity, Counting counting) implements Rule {
    private static final long serialVersionUID = 1;

    @Override
    public void choose(double[] scores, boolean[] kept, int from, int n, double[] scratch) {
      int least = (int) counting.pruned(sparsity, n);
      if (least == 0 || least == n) {
        Arrays.fill(kept, from, from + n, least == 0);
        return;
      }
      double last = OrderStatistic.ofRank(scores, from, n, least, scratch);
      int ties = counting.isExact() ? least : Integer.MAX_VALUE;
      for (int i = from; i < from + n && counting.isExact(); i++) {
        ties -= scores[i] < last ? 1 : 0;
      }
      for (int i = from; i < from + n; i++) {
        kept[i] = scores[i] > last || (scores[i] == last && ties-- <= 0);
      }
    }
  }

  /** Prunes the most of each row instead: exactly as many, of equal scores the first. */
  record Most(double share, Counting counting) implements Rule {
    private static final long serialVersionUID = 1;

    @Override
    public void choose(double[] scores, boolean[] kept, int from, int n, double[] scratch) {
      int most = (int) counting.pruned(share, n);
      Arrays.fill(kept, from, from + n, true);
      if (most == 0) {
        return;
      }
      double last = OrderStatistic.ofRank(scores, from, n, n - most + 1, scratch);
      int ties = counting.isExact() ? most : Integer.MAX_VALUE;
      for (int i = from; i < from + n && counting.isExact(); i++) {
        ties -= scores[i] > last ? 1 : 0;
      }
      for (int i = from; i < from + n; i++) {
        kept[i] = scores[i] < last || (scores[i] == last && ties-- <= 0);
      }
    }
  }

  /**
   * Keeps the {@code n} largest of each {@code m} consecutive columns, of equal scores those of the
   * highest column first; columns behind the last whole group are kept.
   */
  record Groups(int n, int m) implements Rule {
    private static final long serialVersionUID = 1;

    @Override
    public void choose(double[] scores, boolean[] kept, int from, int count, double[] scratch) {
      int whole = count / m * m;
      for (int group = from; group < from + whole; group += m) {
        for (int i = group; i < group + m; i++) {
          int larger = 0;
          for (int j = group; j < group + m; j++) {
            larger += scores[j] > scores[i] || (scores[j] == scores[i] && j > i) ? 1 : 0;
          }
          kept[i] = larger < n;
        }
      }
      Arrays.fill(kept, from + whole, from + count, true);
    }
  }

  @Override
  public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
    Rule known = rule;
    return new Pruner<>(
        arith, tensor.params(), known == null ? Pruner.Choice.all() : new Seen<>(arith, known));
  }

  /** Looks at whole rows and keeps what was chosen of them. */
  private final class Seen<V> implements Rows<V>, Pruner.Choice<V> {
    private final Arith<V> arith;
    private final Rule rule;
    private final V product;
    private double[] values = new double[0];
    private double[] scratch = new double[0];
    private boolean[] chosen = new boolean[0];
    private long first;
    private int count;
    private int row;

    Seen(Arith<V> arith, Rule rule) {
      this.arith = arith;
      this.rule = rule;
      this.product = arith.vector();
    }

    @Override
    public Rows<V> rows() {
      return this;
    }

    @Override
    public void begin(long newFirst, int newCount, int newRow) {
      first = newFirst;
      count = newCount;
      row = newRow;
      if (values.length < count) {
        values = new double[count];
        chosen = new boolean[count];
      }
      if (scratch.length < row) {
        scratch = new double[row];
      }
    }

    @Override
    public void see(Chunk<V> chunk) {
      int at = (int) (chunk.first() - first);
      arith.widen(scores.of(arith, tensor, chunk, product), values, at, chunk.length());
      for (int i = at; i < at + chunk.length(); i++) {
        values[i] = Math.abs(values[i]);
      }
    }

    @Override
    public void end() {
      for (int from = 0; from < count; from += row) {
        rule.choose(values, chosen, from, row, scratch);
      }
    }

    @Override
    public void make(Chunk<V> chunk, boolean[] kept) {
      System.arraycopy(chosen, (int) (chunk.first() - first), kept, 0, chunk.length());
      scores.spare(arith, tensor, chunk, kept);
    }
  }
}
