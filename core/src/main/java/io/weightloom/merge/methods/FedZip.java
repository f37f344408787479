package io.weightloom.merge.methods;

import static io.weightloom.merge.taskvector.TaskVectorParams.DENSITY;

import com.google.auto.service.AutoService;
import io.weightloom.merge.Arith;
import io.weightloom.merge.BundlePart;
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
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.Span;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.taskvector.Codebook;
import io.weightloom.merge.taskvector.Selection;
import java.io.Serializable;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * FedZip: of the change of each tensor the share of largest magnitude is kept, and a few centroids
 * stand for what is kept (Malekijoo et al., 2021, "FEDZIP", §3). A bundle stores the centroids and
 * which of them stands where; the model that is written here is the one that it gives back.
 */
@AutoService(MergeMethod.class)
public final class FedZip implements ElementwiseMethod {
  private static final String CENTROIDS = "centroids";

  private static final MethodSpec SPEC =
      new MethodSpec(
          "fedzip",
          "FedZip",
          "keeps the largest changes of a model, rounded to a few centroids",
          "https://arxiv.org/abs/2102.01593",
          BaseRule.REQUIRED,
          1,
          1,
          List.of(
              DENSITY,
              ParamSpec.number(CENTROIDS, 16, "different values of a tensor's changes")
                  .within(new Range(1, true, 256)),
              BundlePart.MODEL_OR_VECTOR),
          List.of());

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Optional<String> problem(Params params) {
    return params.notWhole(CENTROIDS);
  }

  @Override
  public Yield yields(Params params) {
    return BundlePart.of(params);
  }

  @Override
  public int reads(MergeScope scope) {
    return Zipped.open(scope).largest().reads() + 2;
  }

  @Override
  public MergeState begin(MergeScope scope) {
    return Zipped.open(scope);
  }

  /**
   * What is known of a tensor.
   *
   * @param rank how many changes are kept
   * @param largest the magnitude from which on one is, unless all are or none is
   * @param book null until it is known
   */
  private record Zipped(MergeScope scope, long rank, Selection largest, @Nullable Codebook book)
      implements MergeState, Survey {
    private static final long serialVersionUID = 1;

    static Zipped open(MergeScope scope) {
      TensorMerge tensor = scope.tensors().get(0);
      BigDecimal density = BigDecimal.valueOf(tensor.params().numbers(DENSITY.name())[0]);
      long rank = density.multiply(BigDecimal.valueOf(tensor.elements())).longValue();
      Selection largest =
          Selection.open(scope.tensors(), false, rank < tensor.elements() ? rank : 0);
      return new Zipped(scope, rank, largest, rank == 0 ? Codebook.empty() : null);
    }

    @Override
    public Optional<Survey> survey() {
      return book == null ? Optional.of(this) : Optional.empty();
    }

    @Override
    public boolean isPartial() {
      return largest.isSampled();
    }

    private Params params() {
      return scope.tensors().get(0).params();
    }

    private boolean keepsAll() {
      return rank >= scope.elements();
    }

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      if (largest.isFound()) {
        return tallying(arith, span);
      }
      Selection.Counter<V> counter = largest.counter(arith);
      return new Surveyor<>() {
        @Override
        public void see(Chunk<V> chunk) {
          counter.count(0, change(arith, chunk), chunk.length());
        }

        @Override
        public Serializable found() {
          return counter.found();
        }
      };
    }

    private <V> Surveyor<V> tallying(Arith<V> arith, Span span) {
      Codebook.Tally tally = new Codebook.Tally(centroids(params()));
      Kept<V> kept = new Kept<>(arith, trimmer(arith, span));
      return new Surveyor<>() {
        @Override
        public void see(Chunk<V> chunk) {
          tally.add(kept.of(chunk), chunk.length());
        }

        @Override
        public Serializable found() {
          return tally.found();
        }
      };
    }

    private <V> Selection.@Nullable Trimmer<V> trimmer(Arith<V> arith, Span span) {
      return keepsAll() ? null : largest.trimmer(0, arith, span);
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      if (!largest.isFound()) {
        return new Zipped(scope, rank, largest.narrowed(parts, Part::found), null);
      }
      List<Codebook.Found> found = parts.stream().map(p -> (Codebook.Found) p.found()).toList();
      return new Zipped(scope, rank, largest, Codebook.of(found, centroids(params())));
    }

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      boolean isVector = BundlePart.of(params()) == Yield.VECTOR;
      Codebook known = Objects.requireNonNull(book);
      @Nullable Kept<V> kept = rank == 0 ? null : new Kept<>(arith, trimmer(arith, span));
      double[] nothing = new double[Arith.CAPACITY];
      long[] count = new long[1];
      return new Emitter<>() {
        @Override
        public void emit(Chunk<V> chunk, V out) {
          int n = chunk.length();
          double[] values = kept == null ? nothing : kept.of(chunk);
          known.round(values, n);
          for (int i = 0; i < n; i++) {
            count[0] += values[i] != 0 ? 1 : 0;
          }
          arith.narrow(values, out, n);
          if (!isVector) {
            arith.add(chunk.base(), out, out, n);
          }
        }

        @Override
        public Map<String, long[]> counts() {
          return Map.of(KEPT, count);
        }
      };
    }

    @Override
    public Map<String, Object> decisions(int tensor) {
      List<Double> centroids = book == null ? List.of() : book.centroids();
      return rank == 0 || keepsAll()
          ? Map.of(CENTROIDS, centroids)
          : Map.of(CENTROIDS, centroids, "threshold", largest.magnitude(0));
    }
  }

  private static int centroids(Params params) {
    return (int) params.number(CENTROIDS);
  }

  /** The change of a chunk, in the place of the model. */
  private static <V> V change(Arith<V> arith, Chunk<V> chunk) {
    V change = chunk.inputs()[0];
    arith.subtract(change, chunk.base(), change, chunk.length());
    return change;
  }

  /** The changes that are kept, chunk after chunk of a span. */
  private static final class Kept<V> {
    private final Arith<V> arith;
    private final Selection.@Nullable Trimmer<V> trimmer;
    private final double[] values = new double[Arith.CAPACITY];

    /**
     * @param trimmer null to keep all
     */
    Kept(Arith<V> arith, Selection.@Nullable Trimmer<V> trimmer) {
      this.arith = arith;
      this.trimmer = trimmer;
    }

    double[] of(Chunk<V> chunk) {
      V change = change(arith, chunk);
      if (trimmer != null) {
        trimmer.keepLargest(change, chunk.length());
      }
      arith.widen(change, values, 0, chunk.length());
      return values;
    }
  }
}
