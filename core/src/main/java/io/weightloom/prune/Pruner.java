package io.weightloom.prune;

import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MergeState.Emitter;
import io.weightloom.merge.MergeState.Rows;
import io.weightloom.merge.Params;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Writes what a choice keeps: the last model's weights with zeros, or the mask. For one thread.
 *
 * @param <V> the work vector
 */
final class Pruner<V> implements Emitter<V> {
  private final Arith<V> arith;
  private final boolean isMask;
  private final Choice<V> choice;
  private final boolean[] kept = new boolean[Arith.CAPACITY];
  private final double[] values = new double[Arith.CAPACITY];
  private long count;

  /** Says of each element of a chunk whether it is kept. */
  @FunctionalInterface
  interface Choice<V> {
    void make(Chunk<V> chunk, boolean[] kept);

    /** What must see whole rows before. */
    default @Nullable Rows<V> rows() {
      return null;
    }

    /** Keeps all. */
    static <V> Choice<V> all() {
      return (chunk, kept) -> Arrays.fill(kept, 0, chunk.length(), true);
    }

    /** Keeps nothing. */
    static <V> Choice<V> none() {
      return (chunk, kept) -> Arrays.fill(kept, 0, chunk.length(), false);
    }
  }

  Pruner(Arith<V> arith, Params params, Choice<V> choice) {
    this.arith = arith;
    this.isMask = PruneParams.isMask(params);
    this.choice = choice;
  }

  @Override
  public void emit(Chunk<V> chunk, V out) {
    int n = chunk.length();
    // The choice may overwrite the model's vector that it looks at; which the last one is where
    // there is one model alone.
    arith.widen(chunk.inputs()[chunk.inputs().length - 1], values, 0, n);
    choice.make(chunk, kept);
    for (int i = 0; i < n; i++) {
      count += kept[i] ? 1 : 0;
      values[i] = isMask ? (kept[i] ? 1 : 0) : kept[i] ? values[i] : 0;
    }
    arith.narrow(values, out, n);
  }

  @Override
  public Optional<Rows<V>> rows() {
    return Optional.ofNullable(choice.rows());
  }

  @Override
  public Map<String, long[]> counts() {
    return Map.of(MergeState.KEPT, new long[] {count});
  }
}
