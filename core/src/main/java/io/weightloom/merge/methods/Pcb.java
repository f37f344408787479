package io.weightloom.merge.methods;

import static io.weightloom.merge.taskvector.TaskVectorParams.LAMBDA;
import static io.weightloom.merge.taskvector.TaskVectorParams.WEIGHT;

import com.google.auto.service.AutoService;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MergeState.Part;
import io.weightloom.merge.MergeState.Survey;
import io.weightloom.merge.MergeState.Surveyor;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.Span;
import io.weightloom.merge.taskvector.Selection;
import java.io.Serializable;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * PCB-Merging: weighs each change by how much it stands out in its own task vector and how well it
 * goes with the others, and drops what scores low (Du et al., 2024, "Parameter competition
 * balancing for model merging", §3.2). With A the magnitudes of a task vector clamped to its
 * quantiles and n(x) = (x − min)/(max − min): score = exp(T·n(A)²) ⊙ inter, S = n(score clamped
 * from below at its (1 − r)-quantile), output = θ₀ + λ·Σ wₜ·sign(τₜ)·Aₜ·Sₜ / Σ Sₜ. The four
 * programs of the paper's repository differ in what clamps and in inter.
 *
 * <p>Quantiles are exact and taken over the whole model; scores are computed in fp64 with {@link
 * StrictMath}, for they are thresholded in one read and used in another.
 */
@AutoService(MergeMethod.class)
public final class Pcb implements ElementwiseMethod {

  private static final Variant NLP =
      new Variant("nlp", "merge_utils.py of its repository", Map.of());

  private static final MethodSpec SPEC =
      new MethodSpec(
          "pcb",
          "PCB-Merging",
          "weighs changes by their rank and their accord, drops the low ones",
          "https://arxiv.org/abs/2410.02396",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              WEIGHT.orElse(1),
              LAMBDA,
              ParamSpec.extension("ratio", 0.1, Range.DENSITY, "share of the scores to keep"),
              ParamSpec.extension(
                  "clamp_quantile",
                  0.01,
                  new Range(0, true, 0.5),
                  "share of each end of the magnitudes that is clamped"),
              ParamSpec.extension(
                  "inter",
                  List.of("product", "normalized", "pairwise"),
                  "how accord is measured: tanh of the change times the sum of all, or of the"
                      + " normalised ones, or the sum of tanh over the pairs")),
          List.of(
              NLP,
              NLP.but("keysteps", "pcb-merging.py", Map.of("clamp_quantile", 0.0001)),
              NLP.but(
                  "vision",
                  "vision_source_code/pcb.py",
                  Map.of("inter", "normalized", "ratio", 0.05, "lambda", 1.2)),
              NLP.but(
                  "vision_es",
                  "vision_source_code/pcb_ES.py",
                  Map.of("inter", "pairwise", "ratio", 0.05, "lambda", 1.2))));

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public boolean isWholeModel(Params params) {
    return true;
  }

  @Override
  public int reads(MergeScope scope) {
    Ranks ranks = Ranks.of(scope);
    return ranks.magnitudes(scope).reads() + ranks.scores(scope).reads() + 1;
  }

  @Override
  public MergeState begin(MergeScope scope) {
    return new Competition(scope, Ranks.of(scope).magnitudes(scope), null);
  }

  /** Ranks from the top, 1 being the largest. */
  private record Ranks(long low, long high, long score) {

    /** As the reference indexes its sorted tensors. */
    static Ranks of(MergeScope scope) {
      Params p = scope.tensors().get(0).params();
      double n = scope.elements();
      double q = p.number("clamp_quantile");
      return new Ranks(
          scope.elements() - (long) (n * q),
          scope.elements() - (long) (n * (1 - q) - 1),
          scope.elements() - (long) (n * (1 - p.number("ratio"))));
    }

    Selection magnitudes(MergeScope scope) {
      return Selection.open(scope.tensors(), true, twice(scope.models(), low, high));
    }

    Selection scores(MergeScope scope) {
      return Selection.openSigned(scope.tensors(), twice(scope.models(), score, 1));
    }

    private static long[] twice(int models, long first, long second) {
      long[] ranks = new long[2 * models];
      Arrays.setAll(ranks, i -> i % 2 == 0 ? first : second);
      return ranks;
    }
  }

  /**
   * What is known of the competition.
   *
   * @param magnitudes for each model the lower and the upper clamp
   * @param scores for each model the score from which on it is kept, and the highest
   */
  private record Competition(MergeScope scope, Selection magnitudes, @Nullable Selection scores)
      implements MergeState {
    private static final long serialVersionUID = 1;

    @Override
    public Optional<Survey> survey() {
      return scores == null || !scores.isFound() ? Optional.of(new Count(this)) : Optional.empty();
    }

    Competition with(Selection narrowed) {
      if (scores != null) {
        return new Competition(scope, magnitudes, narrowed);
      }
      return new Competition(
          scope, narrowed, narrowed.isFound() ? Ranks.of(scope).scores(scope) : null);
    }

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      Params p = scope.tensors().get(span.tensor()).params();
      double[] weights = p.numbers("weight");
      Scorer<V> scorer = new Scorer<>(this, arith);
      double[] merged = new double[Arith.CAPACITY];
      return (chunk, out) -> {
        scorer.score(chunk);
        for (int i = 0; i < chunk.length(); i++) {
          merged[i] = scorer.balanced(i, weights);
        }
        arith.narrow(merged, out, chunk.length());
        arith.scale(out, p.number("lambda"), out, chunk.length());
        arith.add(chunk.base(), out, out, chunk.length());
      };
    }

    @Override
    public Map<String, Object> decisions(int tensor) {
      Map<String, Object> decisions = new LinkedHashMap<>();
      if (scores != null && scores.isFound()) {
        decisions.put("clamps", pairs(magnitudes::magnitude));
        decisions.put("scores", pairs(scores::signed));
      }
      return decisions;
    }

    private List<List<Double>> pairs(java.util.function.IntToDoubleFunction statistic) {
      return java.util.stream.IntStream.range(0, scope.models())
          .mapToObj(
              k -> List.of(statistic.applyAsDouble(2 * k), statistic.applyAsDouble(2 * k + 1)))
          .toList();
    }
  }

  /** A read that narrows the clamps or, once they are known, the scores. */
  private record Count(Competition state) implements Survey {
    private static final long serialVersionUID = 1;

    private Selection selection() {
      return state.scores() == null ? state.magnitudes() : state.scores();
    }

    @Override
    public boolean isPartial() {
      return selection().isSampled();
    }

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      Selection.Counter<V> counter = selection().counter(arith);
      Scorer<V> scorer = new Scorer<>(state, arith);
      boolean scored = state.scores() != null;
      int models = state.scope().models();
      return new Surveyor<>() {
        @Override
        public void see(Chunk<V> chunk) {
          if (scored) {
            scorer.score(chunk);
          }
          for (int k = 0; k < models; k++) {
            V delta = chunk.inputs()[k];
            if (scored) {
              counter.countSigned(2 * k, scorer.scores[k], chunk.length());
              counter.countSigned(2 * k + 1, scorer.scores[k], chunk.length());
            } else {
              arith.subtract(delta, chunk.base(), delta, chunk.length());
              counter.count(2 * k, delta, chunk.length());
              counter.count(2 * k + 1, delta, chunk.length());
            }
          }
        }

        @Override
        public Serializable found() {
          return counter.found();
        }
      };
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      return state.with(selection().narrowed(parts, Part::found));
    }
  }

  /** The scores of a chunk. */
  private static final class Scorer<V> {
    private static final double NO_SCORE = 1e-12;

    private final Competition state;
    private final Arith<V> arith;
    private final String inter;
    private final V rounded;
    private final double[][] deltas;
    private final double[][] clamped;
    private final double[][] normalized;
    private final double[][] scores;
    private final double[][] pairs;
    private final double[] total = new double[Arith.CAPACITY];

    Scorer(Competition state, Arith<V> arith) {
      this.state = state;
      this.arith = arith;
      this.inter = state.scope().tensors().get(0).params().choice("inter");
      this.rounded = arith.vector();
      int models = state.scope().models();
      this.deltas = new double[models][Arith.CAPACITY];
      this.clamped = new double[models][Arith.CAPACITY];
      this.normalized = new double[models][Arith.CAPACITY];
      this.scores = new double[models][Arith.CAPACITY];
      this.pairs = new double[models][models];
    }

    void score(Chunk<V> chunk) {
      int n = chunk.length();
      for (int k = 0; k < deltas.length; k++) {
        arith.subtract(chunk.inputs()[k], chunk.base(), chunk.inputs()[k], n);
        arith.widen(chunk.inputs()[k], deltas[k], 0, n);
        clamp(k, n);
      }
      accord(n);
      for (int k = 0; k < deltas.length; k++) {
        for (int i = 0; i < n; i++) {
          double size = normalized[k][i];
          scores[k][i] *= StrictMath.exp(deltas.length * size * size);
        }
        // What is thresholded and what is used is the same number.
        arith.narrow(scores[k], rounded, n);
        arith.widen(rounded, scores[k], 0, n);
      }
    }

    private void clamp(int k, int n) {
      double low = state.magnitudes().magnitude(2 * k);
      double high = state.magnitudes().magnitude(2 * k + 1);
      for (int i = 0; i < n; i++) {
        double sign = Math.signum(deltas[k][i]);
        double magnitude = Math.min(Math.max(Math.abs(deltas[k][i]), low), high);
        double size = high > low ? (magnitude - low) / (high - low) : 0;
        clamped[k][i] = sign * magnitude;
        normalized[k][i] = sign * size;
      }
    }

    /** Fills the scores with inter. */
    private void accord(int n) {
      if (inter.equals("pairwise")) {
        accordOfPairs(n);
        return;
      }
      double[] sums = sums(inter.equals("product") ? deltas : normalized, n);
      for (int k = 0; k < deltas.length; k++) {
        for (int i = 0; i < n; i++) {
          scores[k][i] = StrictMath.tanh(deltas[k][i] * sums[i]);
        }
      }
    }

    /** A pair has one value for both, which each adds up in the order of the others. */
    private void accordOfPairs(int n) {
      int models = normalized.length;
      for (int i = 0; i < n; i++) {
        for (int k = 0; k < models; k++) {
          for (int j = k; j < models; j++) {
            double value = StrictMath.tanh(normalized[k][i] * normalized[j][i]);
            pairs[k][j] = value;
            pairs[j][k] = value;
          }
        }
        for (int k = 0; k < models; k++) {
          double sum = 0;
          for (double pair : pairs[k]) {
            sum += pair;
          }
          scores[k][i] = sum;
        }
      }
    }

    private double[] sums(double[][] xs, int n) {
      Arrays.fill(total, 0, n, 0);
      for (double[] x : xs) {
        for (int i = 0; i < n; i++) {
          total[i] += x[i];
        }
      }
      return total;
    }

    /** The balanced change at a coordinate. */
    double balanced(int i, double[] weights) {
      double sum = 0;
      double total = 0;
      for (int k = 0; k < scores.length; k++) {
        double share = share(k, scores[k][i]);
        sum += weights[k] * clamped[k][i] * share;
        total += share;
      }
      return sum / Math.max(total, NO_SCORE);
    }

    private double share(int k, double score) {
      Selection found = java.util.Objects.requireNonNull(state.scores());
      double low = found.signed(2 * k);
      double high = found.signed(2 * k + 1);
      return high > low ? (Math.max(score, low) - low) / (high - low) : 0;
    }
  }
}
