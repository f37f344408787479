package io.weightloom.stats;

import io.weightloom.tensor.BlockCut;
import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;

/** Σx² of each row. For one thread. */
final class RowNorms implements Serializable {
  private static final long serialVersionUID = 1;

  private final long rows;
  private final Map<Long, double[]> whole = new TreeMap<>();
  private final Map<Long, ExactSum> parts = new TreeMap<>();

  RowNorms(long rows) {
    this.rows = rows;
  }

  /** The sums of rows of which a block has all. */
  void add(BlockCut.Block place, double[] sums) {
    whole.put(place.rowBegin(), sums);
  }

  void addPart(long row, double sum) {
    parts.merge(row, ExactSum.of(sum), ExactSum::plus);
  }

  void merge(RowNorms other) {
    whole.putAll(other.whole);
    other.parts.forEach((row, sum) -> parts.merge(row, sum, ExactSum::plus));
  }

  /** √Σx² of each row. */
  double[] norms() {
    double[] norms = new double[Math.toIntExact(rows)];
    whole.forEach(
        (first, sums) -> {
          for (int i = 0; i < sums.length; i++) {
            norms[(int) (first + i)] = Math.sqrt(sums[i]);
          }
        });
    parts.forEach((row, sum) -> norms[Math.toIntExact(row)] = Math.sqrt(sum.value()));
    return norms;
  }
}
