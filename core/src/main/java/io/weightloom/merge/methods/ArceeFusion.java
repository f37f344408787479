package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MergeState.Part;
import io.weightloom.merge.MergeState.Rows;
import io.weightloom.merge.MergeState.Survey;
import io.weightloom.merge.MergeState.Surveyor;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.Span;
import io.weightloom.merge.taskvector.Selection;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Arcee Fusion: takes of the other model what is important, {@code |θ − θ₀|·KL} with KL the
 * divergence of the softmaxes of the two rows, important being what reaches median + 1.5·(Q₃ − Q₁)
 * over the tensor (as mergekit has it, but with quantiles of all elements where it draws a sample).
 */
@AutoService(MergeMethod.class)
public final class ArceeFusion implements ElementwiseMethod {

  private static final MethodSpec SPEC =
      new MethodSpec(
          "arcee_fusion",
          "Arcee Fusion",
          "takes over what is important of one other model",
          "",
          BaseRule.REQUIRED,
          1,
          1,
          List.of(),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public int reads(MergeScope scope) {
    return begin(scope).reads() + 1;
  }

  @Override
  public Fusion begin(MergeScope scope) {
    long n = scope.elements();
    return new Fusion(
        scope, Selection.openSigned(scope.tensors(), rank(0.25, n), rank(0.5, n), rank(0.75, n)));
  }

  /** From the top, of the quantile without interpolation. */
  private static long rank(double quantile, long n) {
    return n - (long) (quantile * (n - 1));
  }

  /**
   * What is known of a tensor.
   *
   * @param quartiles of the importance
   */
  record Fusion(MergeScope scope, Selection quartiles) implements MergeState, MergeState.Survey {
    private static final long serialVersionUID = 1;

    int reads() {
      return quartiles.reads();
    }

    @Override
    public Optional<Survey> survey() {
      return quartiles.isFound() ? Optional.empty() : Optional.of(this);
    }

    @Override
    public boolean isPartial() {
      return quartiles.isSampled();
    }

    private double threshold() {
      return quartiles.signed(1) + 1.5 * (quartiles.signed(2) - quartiles.signed(0));
    }

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      Importance<V> importance = new Importance<>(arith);
      Selection.Counter<V> counter = quartiles.counter(arith);
      return new Surveyor<>() {
        @Override
        public void see(Chunk<V> chunk) {
          double[] values = importance.of(chunk);
          for (int j = 0; j < 3; j++) {
            counter.countSigned(j, values, chunk.length());
          }
        }

        @Override
        public Optional<Rows<V>> rows() {
          return Optional.of(importance);
        }

        @Override
        public Serializable found() {
          return counter.found();
        }
      };
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      return new Fusion(scope, quartiles.narrowed(parts, Part::found));
    }

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      Importance<V> importance = new Importance<>(arith);
      double threshold = threshold();
      double[] delta = new double[Arith.CAPACITY];
      long[] kept = new long[1];
      return new Emitter<>() {
        @Override
        public Optional<Rows<V>> rows() {
          return Optional.of(importance);
        }

        @Override
        public void emit(Chunk<V> chunk, V out) {
          int n = chunk.length();
          double[] values = importance.of(chunk);
          arith.widen(chunk.inputs()[0], delta, 0, n);
          for (int i = 0; i < n; i++) {
            boolean important = values[i] >= threshold;
            kept[0] += important ? 1 : 0;
            delta[i] = important ? delta[i] : 0;
          }
          arith.narrow(delta, out, n);
          arith.add(chunk.base(), out, out, n);
        }

        @Override
        public Map<String, long[]> counts() {
          return Map.of(KEPT, kept);
        }
      };
    }

    @Override
    public Map<String, Object> decisions(int tensor) {
      return Map.of("importance_threshold", threshold());
    }
  }

  /** The importance of the elements of rows. */
  private static final class Importance<V> implements Rows<V> {
    private static final double FLOOR = 1e-8;

    private final Arith<V> arith;
    private final V rounded;
    private final double[] importance = new double[Arith.CAPACITY];
    private double[] base = new double[0];
    private double[] model = new double[0];
    private double[] divergence = new double[0];
    private long first;
    private int count;
    private int row = 1;

    Importance(Arith<V> arith) {
      this.arith = arith;
      this.rounded = arith.vector();
    }

    @Override
    public void begin(long newFirst, int newCount, int newRow) {
      first = newFirst;
      count = newCount;
      row = newRow;
      if (base.length < count) {
        base = new double[count];
        model = new double[count];
      }
      divergence = new double[count / row];
    }

    @Override
    public void see(Chunk<V> chunk) {
      int at = (int) (chunk.first() - first);
      arith.widen(chunk.base(), base, at, chunk.length());
      arith.widen(chunk.inputs()[0], model, at, chunk.length());
    }

    @Override
    public void end() {
      for (int r = 0; r < divergence.length; r++) {
        softmax(base, r * row);
        softmax(model, r * row);
        double sum = 0;
        for (int i = r * row; i < (r + 1) * row; i++) {
          double p = model[i] + FLOOR;
          sum += p * StrictMath.log(p / (base[i] + FLOOR));
        }
        divergence[r] = sum;
      }
    }

    private void softmax(double[] x, int from) {
      double max = Double.NEGATIVE_INFINITY;
      for (int i = from; i < from + row; i++) {
        max = Math.max(max, x[i]);
      }
      double sum = 0;
      for (int i = from; i < from + row; i++) {
        x[i] = StrictMath.exp(x[i] - max);
        sum += x[i];
      }
      for (int i = from; i < from + row; i++) {
        x[i] /= sum;
      }
    }

    /** Subtracts the base from the model in place and gives the importance, rounded. */
    double[] of(Chunk<V> chunk) {
      int n = chunk.length();
      V delta = chunk.inputs()[0];
      arith.subtract(delta, chunk.base(), delta, n);
      arith.widen(delta, importance, 0, n);
      for (int i = 0; i < n; i++) {
        int r = (int) ((chunk.first() + i - first) / row);
        importance[i] = Math.abs(importance[i]) * divergence[r];
      }
      arith.narrow(importance, rounded, n);
      arith.widen(rounded, importance, 0, n);
      return importance;
    }
  }
}
