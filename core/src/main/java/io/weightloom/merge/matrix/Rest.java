package io.weightloom.merge.matrix;

import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.Span;
import java.util.Arrays;

/** The merge of tensors that a matrix method does not take: biases, norms, embeddings. */
public sealed interface Rest extends MergeState {

  /** The base's values as they are. */
  record Base() implements Rest {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      return (chunk, out) -> arith.scale(chunk.base(), 1, out, chunk.length());
    }
  }

  /**
   * The weighted sum of the models.
   *
   * @param weights by model
   */
  record Models(double[] weights) implements Rest {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      return (chunk, out) -> arith.weightedSum(chunk.inputs(), weights, out, chunk.length());
    }
  }

  /**
   * θ₀ + Σ wₖ(θₖ − θ₀).
   *
   * @param weights wₖ by model
   */
  record TaskVectors(double[] weights) implements Rest {
    private static final long serialVersionUID = 1;

    /** θ₀ + λ·(mean of the task vectors). */
    public static TaskVectors mean(double lambda, int models) {
      double[] weights = new double[models];
      Arrays.fill(weights, lambda / models);
      return new TaskVectors(weights);
    }

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      return (chunk, out) -> emit(arith, chunk, out);
    }

    private <V> void emit(Arith<V> arith, Chunk<V> chunk, V out) {
      int n = chunk.length();
      V[] deltas = chunk.inputs();
      for (V delta : deltas) {
        arith.subtract(delta, chunk.base(), delta, n);
      }
      arith.weightedSum(deltas, weights, out, n);
      arith.add(chunk.base(), out, out, n);
    }
  }
}
